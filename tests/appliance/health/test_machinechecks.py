"""Each check of the machine and of what is installed on it: disk, heat, clock, programs, units, updates."""

import sys
from pathlib import Path

import msgspec
import pytest

from appliance.alarms.book import Book, write_book
from appliance.alarms.section import AlarmsSection
from appliance.config import StoreSection, load_config, write_config
from appliance.health import machinechecks, programchecks, sitechecks
from appliance.health.finding import Seen, State
from appliance.health.look import Look
from sync.client import KeeperClient
from sync.database import MINIMUM
from sync.site import SitePaths
from sync.trustedtime import TrustedTime
from tests.appliance.health.machines import HOUR_MS, ago, box_at, look, machine_at, site_at


def test_room_on_the_disk(paths: SitePaths) -> None:
    def with_limit(percent: int) -> State:
        config = load_config(paths.root)
        alarms = AlarmsSection(disk_free_percent=percent)
        write_config(paths.root, msgspec.structs.replace(config, alarms=alarms))
        return machinechecks.disk(look(paths)).state

    free, total, _ = look(paths).room()
    percent = free * 100 // total
    assert with_limit(percent) is State.OK
    assert with_limit(percent + 1) in (State.WARN, State.BAD)
    assert with_limit(2 * percent + 2) is State.BAD
    assert machinechecks.inodes(look(paths)).state in State


MEMORY = "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: {} kB"


@pytest.mark.parametrize(
    ("free", "state"), [(500_000, State.OK), (80_000, State.WARN), (20_000, State.BAD)], ids=str
)
def test_memory(free: int, state: State, paths: SitePaths, tmp_path: Path) -> None:
    machine = machine_at(tmp_path / "machine", {"proc/meminfo": MEMORY.format(free)})
    assert machinechecks.memory(look(paths, machine)).state is state
    assert machinechecks.memory(look(paths)).state is State.NONE


@pytest.mark.parametrize(("milli", "state"), [(45_000, State.OK), (84_000, State.WARN), (97_000, State.BAD)])
def test_heat(milli: int, state: State, paths: SitePaths, tmp_path: Path) -> None:
    files = {
        "sys/class/thermal/thermal_zone0/temp": "20000\n",
        "sys/class/thermal/thermal_zone1/temp": f"{milli}\n",
    }
    found = machinechecks.temperature(look(paths, machine_at(tmp_path / "machine", files)))
    assert found == Seen(state, {"celsius": milli // 1000})
    assert machinechecks.temperature(look(paths)).state is State.NONE


@pytest.mark.parametrize(
    ("off_ms", "direction"), [(-10 * HOUR_MS, "behind"), (10_000, "—"), (-10_000, "—")], ids=str
)
def test_the_clock_against_trusted_time(off_ms: int, direction: str, kept: SitePaths) -> None:
    client = KeeperClient(kept.socket)
    TrustedTime(client).keep()
    client.close()
    seen = look(kept)
    set_clock = Look(seen.paths, seen.config, None, None, seen.machine, seen.now_ms + off_ms)
    assert machinechecks.clock(set_clock).figures["direction"] == direction


def test_a_clock_far_ahead_of_trusted_time(kept: SitePaths) -> None:
    client = KeeperClient(kept.socket)
    # A lease of the board says what time it is; this machine's clock is two days ahead of it.
    TrustedTime(client).correct(ago(48), ago(24))
    client.close()
    found = machinechecks.clock(look(kept))
    assert found.state is State.BAD and found.figures["direction"] == "ahead"


def test_a_time_service(paths: SitePaths, tmp_path: Path) -> None:
    assert machinechecks.timesync(look(paths)).state is State.NONE
    for answer, state in (("yes", State.OK), ("no", State.WARN)):
        machine = box_at(tmp_path / answer, programs={"timedatectl": f"echo {answer}"})
        assert machinechecks.timesync(look(paths, machine)).state is state
    set_once = box_at(tmp_path / "set", {"run/systemd/timesync/synchronized": ""})
    assert machinechecks.timesync(look(paths, set_once)).state is State.OK


def test_the_programs_that_come_with_it(paths: SitePaths, tmp_path: Path) -> None:
    found = programchecks.litestream(look(paths))
    assert found.state is State.OK and found.figures["version"] == found.figures["needed"]
    assert programchecks.rclone(look(paths)).state is State.NONE
    own = site_at(tmp_path / "own", store=StoreSection("http://127.0.0.1:9", embedded=True))
    assert programchecks.rclone(look(own)).state is State.OK


def test_a_program_that_is_missing_or_of_another_version(
    paths: SitePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machine_at(tmp_path / "machine", programs={"litestream": "echo v9.9.9"})
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", "")
    assert programchecks.litestream(look(paths, machine)).state is State.BAD
    monkeypatch.setenv("PATH", f"{machine.path}:/usr/bin:/bin")
    found = programchecks.litestream(look(paths, machine))
    assert found.state is State.WARN and found.figures["version"] == "9.9.9"


def shown_units(**states: str) -> str:
    blocks = [
        f"Id=kurabako-{name}.service\nLoadState=loaded\nActiveState={state}\nSubState=x\nResult=success\nNRestarts=2"
        for name, state in states.items()
    ]
    return "cat <<'END'\n" + "\n\n".join(blocks) + "\nEND"


UNITS = {
    "all run": (
        {"keeper": "active", "sync": "active", "inbox": "active", "usb@058f-6387-080650": "inactive"},
        State.OK,
        (),
    ),
    "one is down": (
        {"keeper": "active", "sync": "activating", "inbox": "active"},
        State.BAD,
        ("kurabako-sync.service",),
    ),
    "one is not there": ({"keeper": "active", "sync": "active"}, State.BAD, ("kurabako-inbox.service",)),
    "another one failed": (
        {"keeper": "active", "sync": "active", "inbox": "active", "noticeboard": "failed"},
        State.BAD,
        ("kurabako-noticeboard.service",),
    ),
}


@pytest.mark.parametrize(("states", "state", "failed"), UNITS.values(), ids=UNITS.keys())
def test_units(
    states: dict[str, str], state: State, failed: tuple[str, ...], paths: SitePaths, tmp_path: Path
) -> None:
    found = programchecks.units(
        look(paths, box_at(tmp_path / "box", programs={"systemctl": shown_units(**states)}))
    )
    assert found.state is state and found.figures == {"failed": failed, "restarts": 2 * len(states)}


def test_what_provisioning_installs(paths: SitePaths, tmp_path: Path) -> None:
    checks = (programchecks.firewall, programchecks.usb_guard, programchecks.update, programchecks.units)
    assert [check(look(paths)).state for check in checks] == [State.NONE] * 4
    whole = {
        "etc/nftables.conf": "",
        "etc/udev/rules.d/70-kurabako-usb.rules": "",
        "etc/modprobe.d/kurabako-usb.conf": "",
    }
    box = box_at(tmp_path / "box", whole, {"systemctl": "echo active"})
    assert [check(look(paths, box)).state for check in checks[:3]] == [State.OK] * 3
    mute = box_at(tmp_path / "mute", {}, {"systemctl": "exit 1"})
    assert [programchecks.units(look(paths, mute)).reason, programchecks.firewall(look(paths, mute)).reason] == [
        "denied",
        "denied",
    ]
    bare = box_at(tmp_path / "bare", {}, {"systemctl": "echo inactive"})
    assert [check(look(paths, bare)).state for check in checks[:2]] == [State.BAD] * 2


def test_the_directory_that_runs(paths: SitePaths, tmp_path: Path) -> None:
    box = box_at(tmp_path / "box")
    current = tmp_path / "box" / "opt/kurabako/current"
    for target in ("b", "../../tmp/佐藤"):
        current.unlink()
        current.symlink_to(target)
        found = programchecks.update(look(paths, box))
        assert found.state is State.BAD and found.figures["slot"] in ("b", "?")


@pytest.mark.parametrize(
    ("stage", "state"), [("none", "ok"), ("done", "ok"), ("checking", "warn"), ("returned", "warn"), ("?", "ok")]
)
def test_how_far_an_update_got(stage: str, state: str, paths: SitePaths, tmp_path: Path) -> None:
    box = box_at(tmp_path / "box", {"var/lib/kurabako-update/state.json": f'{{"stage": "{stage}"}}'})
    assert programchecks.update(look(paths, box)).state == state


def test_alarms_that_reach_nobody(paths: SitePaths, tmp_path: Path) -> None:
    assert programchecks.alarms(look(paths)).state is State.NONE
    assert programchecks.alarms(look(paths, box_at(tmp_path / "box"))).state is State.WARN
    config = load_config(paths.root)
    write_config(
        paths.root, msgspec.structs.replace(config, alarms=AlarmsSection(webhook="https://alarms.example.jp/"))
    )
    write_book(paths, Book().changed("disk", True, ago(1), ("webhook",)))
    assert programchecks.alarms(look(paths)).state is State.OK
    write_book(paths, Book().changed("disk", True, ago(30), ("webhook",)))
    assert programchecks.alarms(look(paths)).state is State.WARN


def test_sqlite_is_new_enough(paths: SitePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sitechecks.sqlite(look(paths)).state is State.OK
    monkeypatch.setattr(sitechecks, "sqlite_version", lambda: (*MINIMUM[:2], MINIMUM[2] - 1))
    assert sitechecks.sqlite(look(paths)).state is State.BAD
