"""What an update asks of the service manager, and that nobody writes when it goes on."""

import fcntl
import shutil
from pathlib import Path

import pytest

from appliance.updates.errors import StillWritingError
from appliance.updates.services import TARGET, Systemd, parts
from tests.appliance.provision.bundles import TREE

UNITS = TREE / "systemd"


@pytest.fixture
def asked() -> list[list[str]]:
    return []


@pytest.fixture
def systemd(tmp_path: Path, asked: list[list[str]]) -> Systemd:
    units = tmp_path / "units"
    units.mkdir()
    (tmp_path / "site" / "run").mkdir(parents=True)
    (tmp_path / "site" / "school.db").touch()
    (units / "kurabako-keeper.service").write_text(f"[Unit]\nPartOf={TARGET}\n")
    (units / "kurabako-update.service").write_text("[Unit]\n")
    (units / "ssh.service").write_text(f"[Unit]\nPartOf={TARGET}\n")
    return Systemd(tmp_path / "site", units, lambda words: asked.append(list(words)), 0.2)


def test_every_part_is_stopped_by_name_and_the_update_itself_is_not(
    systemd: Systemd, asked: list[list[str]]
) -> None:
    systemd.stop()
    systemd.start()
    assert asked == [["stop", TARGET, "kurabako-keeper.service"], ["start", TARGET]]


def test_a_keeper_that_goes_on_writing_stops_the_update(systemd: Systemd) -> None:
    lock = systemd.site / "run" / "keeper.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StillWritingError):
            systemd.stop()
    systemd.stop()


def test_a_slots_units_are_installed_and_what_is_not_ours_stays(
    systemd: Systemd, asked: list[list[str]], tmp_path: Path
) -> None:
    slot = tmp_path / "slot"
    shutil.copytree(UNITS, slot / "systemd")
    (slot / "systemd" / "ssh.service").write_text("not ours")
    (slot / "systemd" / "kurabako-x.conf").write_text("no unit")
    drop_in = systemd.units / "kurabako-sync.service.d"
    drop_in.mkdir()
    (drop_in / "store.conf").write_text("[Service]\n")
    systemd.arrange(slot)
    installed = {file.name for file in systemd.units.iterdir()}
    assert {"kurabako-update.service", "kurabako-update.timer", "kurabako-usb@.service"} <= installed
    assert "kurabako-x.conf" not in installed and "not ours" not in (systemd.units / "ssh.service").read_text()
    assert (drop_in / "store.conf").exists() and asked == [["daemon-reload"]]
    before = (systemd.units / "kurabako-update.service").stat().st_ino
    systemd.arrange(slot)
    assert (systemd.units / "kurabako-update.service").stat().st_ino == before


def test_what_updates_is_no_part_of_what_it_stops() -> None:
    assert not [name for name in parts(UNITS) if name.startswith("kurabako-update")]
