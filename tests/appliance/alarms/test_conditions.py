"""When an alarm is raised and cleared: what it follows from, and how long that must stand."""

import os
from pathlib import Path

import pytest

from appliance.alarms import events
from appliance.alarms.book import Book
from appliance.alarms.conditions import PACES, Standing, Steady, of_findings, of_status
from appliance.devices.records import Device
from appliance.devices.spool import drop
from appliance.health.doctor import CHECKS
from appliance.health.finding import Finding, State
from appliance.health.words import words
from sync.healing import UNCLEAN, ask_for_healing, begin, done
from sync.keeperchild import KeeperChild
from sync.peers import listening_pid
from sync.site import SitePaths
from tests.appliance.alarms.listeners import wait_until
from tests.appliance.health.machines import site_at, status


@pytest.fixture
def paths(tmp_path: Path) -> SitePaths:
    return site_at(tmp_path / "site")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_once_raised_and_once_cleared_after_it_stood_for_long_enough() -> None:
    clock, raised, changes = Clock(), False, []
    steady = Steady(clock)
    bad_until, clear = 1000 + 400, PACES["disk"].clear_s
    for second in range(1000, 3000, 5):
        clock.now = float(second)
        if steady.turned("disk", raised, Standing(second < bad_until)):
            raised = not raised
            changes.append((second, raised))
    hold = PACES["disk"].hold_s
    assert changes == [(1000 + hold, True), (bad_until + clear, False)]


def test_what_flickers_is_never_raised() -> None:
    clock = Clock()
    steady = Steady(clock)
    for turn in range(200):
        clock.now += 5
        assert not steady.turned("clock", False, Standing(turn % 3 != 0))


def test_what_is_not_known_changes_nothing() -> None:
    clock = Clock()
    steady = Steady(clock)
    assert not steady.turned("disk", False, Standing(True))
    clock.now += 20
    assert not steady.turned("disk", False, Standing(None))
    clock.now += 20
    assert not steady.turned("disk", False, Standing(True)), "the time before does not count"
    assert not steady.turned("disk", True, Standing(None))


def found(check: str, state: State, reason: str = "") -> Finding:
    return Finding(check, state, {"percent": 3}, reason)


@pytest.mark.parametrize(
    ("finding", "alarm", "active"),
    [
        (found("disk", State.BAD), "disk", True),
        (found("disk", State.WARN), "disk", True),
        (found("inodes", State.BAD), "disk", True),
        (found("disk", State.OK), "disk", False),
        (found("disk", State.BAD, "late"), "disk", None),
        (found("confirmed", State.BAD), "confirmed", True),
        (found("confirmed", State.NONE, "no_board"), "confirmed", None),
        (found("lease", State.WARN), "lease", True),
        (found("skew", State.BAD), "clock", True),
        (found("skew", State.WARN), "clock", False),
        (found("clock", State.BAD), "clock", True),
        (found("units", State.BAD), "doctor.units", True),
        (found("units", State.WARN), "doctor.units", False),
        (found("credentials", State.NONE, "denied"), "doctor.credentials", None),
    ],
)
def test_what_follows_from_a_check(finding: Finding, alarm: str, active: bool | None) -> None:
    assert of_findings([finding])[alarm].active is active


def test_a_check_raises_one_alarm_and_not_another_one_besides() -> None:
    everything = of_findings([found(check.name, State.BAD) for check in CHECKS])
    doctors = {name.removeprefix("doctor.") for name in everything if name.startswith("doctor.")}
    assert not doctors & {"disk", "clock", "lease", "confirmed", "healing", "keeper", "usb", "superseded", "line"}
    assert {"units", "firewall", "permissions", "lag", "warnings"} <= doctors


def test_every_alarm_has_a_pace_and_words() -> None:
    assert set(PACES) == set(words()["alarm"])
    named = {name.partition(".")[0] for name in of_findings([found(check.name, State.BAD) for check in CHECKS])}
    assert named | set(of_status(None)) | {"keeper", "healing", "usb"} == set(PACES)


def test_what_the_daemon_says() -> None:
    assert of_status(None)["verify_failed"].active is None
    calm = of_status(status())
    assert (calm["verify_failed"].active, calm["superseded"].active) == (False, False)
    bad = of_status(status(verify_problem="SYNC-044", superseded=True))
    assert (bad["verify_failed"].active, bad["superseded"].active) == (True, True)


def test_a_keeper_that_is_killed_and_started_again(paths: SitePaths) -> None:
    clock = Clock()
    watch = events.KeeperWatch(paths, clock)
    child = KeeperChild(paths)
    child.start()
    try:
        wait_until(lambda: listening_pid(paths.socket), "keeper")
        assert watch.turn().active is False
        before = listening_pid(paths.socket)
        assert before == child.pid
        os.kill(before or 0, 9)
        wait_until(lambda: listening_pid(paths.socket) not in (None, before), "its successor")
        standing = watch.turn()
        assert standing.active is True and watch.restarts == 1
        assert watch.turn().active is False, "one restart is one event"
    finally:
        child.stop(10)
    assert watch.turn().active is False, "a keeper that is away for a moment is being restarted"
    clock.now += 31
    assert watch.turn().active is True


def test_three_clean_restarts_within_an_hour(paths: SitePaths) -> None:
    clock = Clock()
    watch = events.KeeperWatch(paths, clock)
    told = []
    for _ in range(4):
        child = KeeperChild(paths)
        child.start()
        wait_until(lambda: listening_pid(paths.socket), "keeper")
        told.append(watch.turn().active)
        child.stop(10)
    assert told == [False, False, False, True]


def test_a_healing_is_told_also_when_it_was_over_before_anybody_looked(paths: SitePaths) -> None:
    standing, book = events.healing(paths, Book())
    assert standing.active is False
    ask_for_healing(paths, UNCLEAN)
    assert events.healing(paths, book)[0].active is True
    paths.reset_mark.unlink()
    begin(paths, UNCLEAN)
    assert events.healing(paths, book)[0].active is True
    done(paths, 7)
    standing, book = events.healing(paths, book)
    assert standing.active is True
    assert events.healing(paths, book)[0].active is False


def test_a_refused_device_is_told_before_it_is_written_down(paths: SitePaths) -> None:
    standing, book = events.usb(paths, Book())
    assert standing.active is False
    file = drop(paths, Device.parse("058f-6387-080650"))
    assert events.usb(paths, book)[0].active is True
    file.unlink()
    assert events.usb(paths, book)[0].active is False
    assert events.usb(paths, book.marked("usb", -1))[0].active is True, "one was written down meanwhile"
