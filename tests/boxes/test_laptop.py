"""How many boxes one laptop brings along at once; they are simulated, for this machine is too small for twenty."""

import os
import time
from typing import Final

import pytest

from appliance.provision.inventory import Inventory
from appliance.provision.running import State, apply_all, look_at_all
from tests.appliance.provision.conftest import inventory, request_made, simulated
from tests.appliance.provision.jobs import provisioned, tell
from tests.appliance.provision.simulated import SimulatedBox
from tests.appliance.provision.test_manyboxes import many
from tests.boxes.results import Note

__all__ = ["inventory", "request_made", "simulated"]
pytestmark = pytest.mark.skipif(not os.environ.get("KURABAKO_BOXES"), reason="`make boxes` measures it")
_CALL_S: Final = 0.1  # of each call over SSH


def test_twenty_boxes_take_less_than_three_times_as_long_as_one(
    inventory: Inventory,  # noqa: F811 - the fixture of those tests
    simulated: dict[str, SimulatedBox],  # noqa: F811
    request_made: bytes,  # noqa: F811
    note: Note,
) -> None:
    (alone,) = many(inventory, simulated, 1, request_made, _CALL_S)
    began = time.monotonic()
    assert provisioned(alone).state is State.DONE
    one_s = time.monotonic() - began
    jobs = many(inventory, simulated, 20, request_made, _CALL_S)
    began = time.monotonic()
    results = apply_all(look_at_all(jobs, tell), tell)
    twenty_s = time.monotonic() - began
    assert [result.state for result in results] == [State.DONE] * 20
    note(one_s=one_s, twenty_s=twenty_s, times=twenty_s / one_s)
    assert twenty_s < 3 * one_s
