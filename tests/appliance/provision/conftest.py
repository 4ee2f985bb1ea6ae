"""An inventory, simulated boxes to it, and a box's request."""

from pathlib import Path

import pytest

from appliance.provision import running
from appliance.provision.inventory import Inventory, read_inventory
from tests.appliance.provision.jobs import KEY, make_request
from tests.appliance.provision.simulated import SimulatedBox, SimulatedSession
from tests.appliance.provision.test_inventory import TEXT


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    file = tmp_path / "inventory.toml"
    file.write_text(TEXT.replace("ab" * 32, KEY), "utf-8")
    return read_inventory(file)


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> dict[str, SimulatedBox]:
    monkeypatch.setattr(running, "Session", SimulatedSession)
    boxes: dict[str, SimulatedBox] = {}
    monkeypatch.setattr(SimulatedSession, "boxes", boxes)
    return boxes


@pytest.fixture(scope="session")
def request_made() -> bytes:
    return make_request("B101210000018")
