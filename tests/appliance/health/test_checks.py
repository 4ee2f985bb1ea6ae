"""Each check of line and site, brought into each state that it has, over real files, sockets and programs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.devices.records import DeviceRefused
from appliance.health import linechecks, machinechecks, sitechecks
from appliance.health.doctor import CHECKS, Check, examine, examined
from appliance.health.finding import Finding, Seen, State, none, ok
from appliance.health.look import Look
from appliance.health.watched import Watched, write_watched
from appliance.inbox.told import NotTaken, Told, write_told
from sync.clock import wall_ms
from sync.healing import CORRUPT, UNCLEAN, ask_for_healing, begin
from sync.site import SitePaths
from sync.status import LinkState, Status
from tests.appliance.health.machines import HOUR_MS, ago, look, machine_at, site_at, status


def of(paths: SitePaths, told: Status, check: Callable[[Look, Status], Seen]) -> Seen:
    seen = look(paths, told=told)
    assert seen.told is not None
    return check(seen, seen.told)


@dataclass(frozen=True)
class Case:
    check: Callable[[Look, Status], Seen]
    told: dict[str, Any]
    state: State


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
