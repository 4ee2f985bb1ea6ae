"""Each check, brought into each state that it has, over real files, sockets and programs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.alarms.book import Book, write_book
from appliance.alarms.section import AlarmsSection
from appliance.config import StoreSection, load_config, write_config
from appliance.devices.records import DeviceRefused
from appliance.health import linechecks, machinechecks, programchecks, sitechecks
from appliance.health.doctor import CHECKS, Check, examine, examined
from appliance.health.finding import Finding, Seen, State, none, ok
from appliance.health.look import Look
from appliance.health.watched import Watched, write_watched
from appliance.inbox.told import NotTaken, Told, write_told
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.database import MINIMUM
from sync.healing import CORRUPT, UNCLEAN, ask_for_healing, begin
from sync.keeperchild import KeeperChild
from sync.site import SitePaths
from sync.status import LinkState, Status
from sync.trustedtime import TrustedTime
from tests.appliance.health.machines import box_at, look, machine_at, site_at, status

HOUR_MS = 3_600_000


@pytest.fixture
def paths(tmp_path: Path) -> SitePaths:
    return site_at(tmp_path / "site")


@pytest.fixture
def kept(paths: SitePaths) -> Iterator[SitePaths]:
    """A site whose keeper runs."""
    child = KeeperChild(paths)
    child.start()
    deadline = time.monotonic() + 60
    while sitechecks.keeper(look(paths)).state is not State.OK:
        assert time.monotonic() < deadline
    yield paths
    child.stop(10)


def of(paths: SitePaths, told: Status, check: Callable[[Look, Status], Seen]) -> Seen:
    seen = look(paths, told=told)
    assert seen.told is not None
    return check(seen, seen.told)


@dataclass(frozen=True)
class Case:
    check: Callable[[Look, Status], Seen]
    told: dict[str, Any]
    state: State


def ago(hours: float) -> int:
    return wall_ms() - int(hours * HOUR_MS)


LINE = {
    "line up": Case(linechecks.line, {}, State.OK),
    "line unsteady": Case(linechecks.line, {"link": LinkState.DEGRADED}, State.WARN),
    "line cut": Case(linechecks.line, {"link": LinkState.OFFLINE, "link_since_ms": ago(1)}, State.WARN),
    "line cut since yesterday": Case(
        linechecks.line, {"link": LinkState.OFFLINE, "link_since_ms": ago(30)}, State.BAD
    ),
    "nothing waits": Case(linechecks.lag, {}, State.OK),
    "just entered": Case(linechecks.lag, {"waiting": 1, "waiting_since_ms": ago(0.01)}, State.OK),
    "waits though the line is up": Case(linechecks.lag, {"waiting": 1, "waiting_since_ms": ago(1)}, State.BAD),
    "waits for the line": Case(
        linechecks.lag, {"waiting": 1, "waiting_since_ms": ago(1), "link": LinkState.OFFLINE}, State.WARN
    ),
    "verified": Case(linechecks.verified, {"verified_at_ms": ago(7)}, State.OK),
    "never verified": Case(linechecks.verified, {}, State.WARN),
    "verified days ago": Case(linechecks.verified, {"verified_at_ms": ago(50)}, State.BAD),
    "verified days ago, no line": Case(
        linechecks.verified, {"verified_at_ms": ago(50), "link": LinkState.OFFLINE}, State.WARN
    ),
    "verifying failed": Case(
        linechecks.verified, {"verified_at_ms": ago(1), "verify_problem": "SYNC-044"}, State.BAD
    ),
    "no board": Case(linechecks.confirmed, {}, State.NONE),
    "confirmed": Case(linechecks.confirmed, {"confirmed": 12, "confirmed_at_ms": ago(90)}, State.OK),
    "not yet confirmed": Case(linechecks.confirmed, {"confirmed": 9, "unconfirmed_since_ms": ago(2)}, State.OK),
    "confirmed too late": Case(linechecks.confirmed, {"confirmed": 9, "unconfirmed_since_ms": ago(25)}, State.BAD),
    "unleased": Case(linechecks.lease, {}, State.NONE),
    "leased": Case(linechecks.lease, {"lease": "live", "lease_until_ms": ago(-24 * 9)}, State.OK),
    "lease near its end": Case(linechecks.lease, {"lease": "live", "lease_until_ms": ago(-24 * 2)}, State.WARN),
    "lease over": Case(linechecks.lease, {"lease": "lapsed", "lease_until_ms": ago(1)}, State.BAD),
    "lease revoked": Case(linechecks.lease, {"lease": "revoked", "lease_until_ms": ago(-99)}, State.BAD),
    "in use": Case(linechecks.superseded, {}, State.OK),
    "replaced": Case(linechecks.superseded, {"superseded": True}, State.BAD),
    "no warnings": Case(linechecks.warnings, {"warnings": ("SYNC-053", "SYNC-048")}, State.OK),
    "the store refuses": Case(linechecks.warnings, {"warnings": ("SYNC-041",)}, State.BAD),
    "no other clock": Case(machinechecks.skew, {}, State.NONE),
    "clocks agree": Case(machinechecks.skew, {"clock_skew_ms": -119_000}, State.OK),
    "clocks differ": Case(machinechecks.skew, {"clock_skew_ms": 130_000}, State.WARN),
    "clocks far apart": Case(machinechecks.skew, {"clock_skew_ms": -700_000}, State.BAD),
}


@pytest.mark.parametrize("case", LINE.values(), ids=LINE.keys())
def test_what_the_daemon_says(case: Case, paths: SitePaths) -> None:
    assert of(paths, status(**case.told), case.check).state is case.state


def test_without_the_daemon_nothing_of_it_is_claimed(paths: SitePaths) -> None:
    found = {finding.check: finding for finding in examine(look(paths), within_s=60)}
    assert found["sync"].state is State.BAD
    silent = {name for name, finding in found.items() if finding.reason == "silent"}
    assert silent == {
        *("line", "lag", "verified", "confirmed", "lease", "superseded", "warnings", "skew", "clock"),
    }
    assert all(found[name].state is State.NONE for name in silent)


def test_the_configuration(paths: SitePaths) -> None:
    assert sitechecks.config(look(paths)).state is State.OK
    with (paths.root / "kurabako.toml").open("a") as file:
        file.write("[nonsense]\n")
    found = sitechecks.config(look(paths))
    assert found.state is State.BAD and found.figures["error"] == "APP-003"


def test_the_keeper_answers_or_not(kept: SitePaths, tmp_path: Path) -> None:
    assert sitechecks.keeper(look(kept)).figures == {"seq": 0}
    assert sitechecks.marks(look(kept)).state is State.OK
    assert sitechecks.keeper(look(site_at(tmp_path / "other"))).state is State.BAD


def test_a_keeper_that_was_killed_leaves_its_mark(paths: SitePaths) -> None:
    assert sitechecks.marks(look(paths)).state is State.OK
    paths.running_mark.write_text("1")
    assert sitechecks.marks(look(paths)).state is State.WARN


def test_healing(paths: SitePaths) -> None:
    assert sitechecks.healing(look(paths)).state is State.OK
    ask_for_healing(paths, UNCLEAN)
    assert sitechecks.healing(look(paths)).state is State.WARN
    begin(paths, CORRUPT)
    assert sitechecks.healing(look(paths)).figures["cause"] == CORRUPT
    seen = look(paths)
    later = Look(seen.paths, seen.config, None, None, seen.machine, seen.now_ms + 2 * HOUR_MS)
    assert sitechecks.healing(later).state is State.BAD


def test_the_cause_of_a_healing_is_one_of_a_closed_list(paths: SitePaths) -> None:
    begin(paths, "佐藤 葵")
    assert sitechecks.healing(look(paths)).figures["cause"] == "—"


def test_credentials_are_seen_to_be_there_and_never_opened(paths: SitePaths, tmp_path: Path) -> None:
    assert sitechecks.credentials(look(paths)).state is State.OK  # their contents here are nonsense
    (paths.root / "credentials" / "site.key").unlink()
    assert sitechecks.credentials(look(paths)).figures == {"missing": ("site.key",)}
    machine = machine_at(tmp_path / "machine", {"etc/kurabako/credentials/site.key": ""})
    assert sitechecks.credentials(look(paths, machine)).state is State.OK


def open_all(folder: Path) -> None:
    """Let everybody enter the folders of this test that lead there."""
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.getuid() and place.name and place.stat().st_mode & 0o011 != 0o011:
            place.chmod(place.stat().st_mode | 0o011)


def test_files_that_are_open_to_others(paths: SitePaths) -> None:
    assert sitechecks.permissions(look(paths)).state is State.OK
    (paths.root / "credentials" / "pepper").chmod(0o604)
    paths.blobs.chmod(0o755)
    assert sitechecks.permissions(look(paths)).state is State.OK, "the site's folder keeps everybody out"
    open_all(paths.root)
    assert sitechecks.permissions(look(paths)).figures == {"exposed": 2, "foreign": 0}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
def test_files_that_root_left_in_the_site(paths: SitePaths) -> None:
    os.chown(paths.store, 65_534, 65_534)
    found = sitechecks.permissions(look(paths))
    assert found.state is State.BAD and found.figures["foreign"] == 4  # local.db and three credentials


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
def test_root_leaves_no_file_beside_a_store_that_is_not_its_own(paths: SitePaths) -> None:
    os.chown(paths.store, 65_534, 65_534)
    checks = (sitechecks.conflicts, sitechecks.quarantine, sitechecks.usb)
    assert {check(look(paths)).reason for check in checks} == {"silent"}
    assert not [*paths.root.glob("school.db-*")]


def test_conflicts_and_quarantine(paths: SitePaths) -> None:
    assert [check(look(paths)).state for check in (sitechecks.conflicts, sitechecks.quarantine)] == [State.OK] * 2
    paths.store.write_bytes(b"not a database " * 100)
    assert [check(look(paths)).state for check in (sitechecks.conflicts, sitechecks.quarantine)] == [State.BAD] * 2


def test_the_kind_of_a_refused_device_is_the_records_own() -> None:
    assert DeviceRefused.kind == sitechecks._USB_KIND


def test_the_drop_folder(paths: SitePaths) -> None:
    assert sitechecks.inbox(look(paths)).state is State.NONE
    fresh = NotTaken(id="1", folder="II", size=3, since_ms=wall_ms(), code="APP-300")
    write_told(paths, Told(not_taken=(fresh,), taken=4))
    assert sitechecks.inbox(look(paths)).state is State.OK
    old = msgspec.structs.replace(fresh, since_ms=ago(1))
    write_told(paths, Told(not_taken=(old, fresh)))
    found = sitechecks.inbox(look(paths))
    assert found.state is State.WARN and found.figures["count"] == 1 and found.figures["codes"] == ("APP-300",)
    write_told(paths, Told(problem="APP-305"))
    assert sitechecks.inbox(look(paths)).state is State.BAD


def test_room_on_the_disk(paths: SitePaths) -> None:
    def with_limit(percent: int) -> State:
        config = load_config(paths.root)
        alarms = AlarmsSection(disk_free_percent=percent)
        write_config(paths.root, msgspec.structs.replace(config, alarms=alarms))
        return machinechecks.disk(look(paths)).state

    free, total, _ = machinechecks.room(look(paths))
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


def test_a_check_that_hangs_or_breaks_hides_no_other(paths: SitePaths) -> None:
    def hang(_: Look) -> Seen:
        threading.Event().wait()
        return ok()

    def break_down(_: Look) -> Seen:
        raise ZeroDivisionError("佐藤 葵")

    def deny(_: Look) -> Seen:
        raise PermissionError

    checks = (
        Check("keeper", hang, State.BAD),
        Check("disk", break_down),
        Check("usb", deny),
        Check("config", lambda _: ok()),
    )
    found = examine(look(paths), checks, within_s=5.0)
    assert [(one.state, one.reason) for one in found] == [
        (State.BAD, "late"),
        (State.WARN, "failed"),
        (State.NONE, "denied"),
        (State.OK, ""),
    ]
    assert found[1].figures == {"error": "ZeroDivisionError"}, "what an error says may be anything"


def test_where_this_user_may_not_look_the_watcher_is_asked(
    paths: SitePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = (Check("usb", lambda _: none("denied")), Check("disk", lambda _: none("denied")))
    monkeypatch.setattr("appliance.health.doctor.examine", lambda _: examine(look(paths), denied))
    assert [one.reason for one in examined(look(paths))] == ["denied", "denied"]
    theirs = (Finding("usb", State.WARN, {"count": 3}), Finding("disk", State.NONE, {}, "denied"))
    write_watched(paths, Watched(theirs, time.monotonic() - 20))
    usb, disk = examined(look(paths))
    assert usb.state is State.WARN and usb.figures == {"count": 3} and 20 <= usb.age_s < 60
    assert disk.reason == "denied"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_somebody_who_may_read_nothing_of_the_site_is_told_so(paths: SitePaths) -> None:
    """As support's own user: of the site only the status can be reached, as on a box."""
    script = (
        "import os, sys, pathlib\n"
        "from appliance.health.doctor import examine\n"
        "from appliance.health.look import look_at\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "found = examine(look_at(pathlib.Path(sys.argv[1])), within_s=60)\n"
        "print({f.check: (str(f.state), f.reason) for f in found})"
    )
    open_all(paths.run)
    paths.store.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", script, str(paths.root)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = eval(done.stdout)  # noqa: S307 - our own words
    for name in ("credentials", "quarantine", "conflicts", "usb"):
        assert found[name] == ("none", "denied"), name
    assert found["disk"][0] in ("ok", "warn", "bad")


def test_there_is_a_check_for_all_that_is_promised() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
