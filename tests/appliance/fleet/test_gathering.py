"""Many boxes at once: how each stands, what one that is away does to the others, what a hostile one may say."""

import json
import os
import pwd
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.fleet.asking import ask_status, command_without_sudo
from appliance.fleet.boxview import LARGEST, BoxView, Health, StrangeAnswerError, read_told
from appliance.fleet.gathering import Fleet
from appliance.fleet.remembered import file_of, remember, remembered
from appliance.provision.errors import UnreachableError
from tests.appliance.fleet.boxes import GIB, STATUS, Line, boxes

STANDS: dict[str, tuple[dict[str, Any], Health]] = {
    "well": ({}, Health.OK),
    "line cut": ({"link": "offline"}, Health.WARN),
    "waits for long": ({"waiting": 3, "waiting_age_s": 700}, Health.WARN),
    "waits for a moment": ({"waiting": 3, "waiting_age_s": 20}, Health.OK),
    "never verified": ({"verified_age_s": None}, Health.WARN),
    "verifying failed": ({"verify_problem": "SYNC-044"}, Health.BAD),
    "unconfirmed for days": ({"unconfirmed_age_s": 200_000}, Health.BAD),
    "no board": ({"confirmed": None}, Health.OK),
    "stopped": ({"running": False, "link": "unknown"}, Health.BAD),
    "replaced": ({"superseded": True}, Health.BAD),
    "alarm": ({"alarms": ["disk"]}, Health.BAD),
    "disk nearly full": ({"disk_free_bytes": 3 * GIB}, Health.WARN),
    "disk read-only": ({"disk_writable": False}, Health.BAD),
    "clock off": ({"clock_skew_ms": 200_000}, Health.WARN),
    "lease near its end": ({"lease_until_ms": STATUS["at_ms"] + 86_400_000}, Health.WARN),
    "lease over": ({"lease": "lapsed"}, Health.BAD),
    "unleased": ({"lease": "unleased", "lease_until_ms": None}, Health.OK),
    "a field of a later release": ({"weather": "fine"}, Health.OK),
}


@pytest.mark.parametrize(("told", "health"), STANDS.values(), ids=STANDS.keys())
def test_how_a_box_stands(told: dict[str, Any], health: Health) -> None:
    fleet = Fleet(boxes([Line({**STATUS, **told})]))
    assert fleet.views[0].health is Health.ASKED
    look(fleet)
    assert fleet.views[0].health is health


def look(fleet: Fleet) -> None:
    for thread in fleet.refresh(lambda _: None):
        thread.join(60)


def test_twenty_boxes_are_asked_at_once() -> None:
    hold = threading.Event()
    lines = [Line(hold=hold) for _ in range(20)]
    fleet = Fleet(boxes(lines))
    told: list[BoxView] = []
    threads = fleet.refresh(told.append)
    assert len(threads) == 20 and not fleet.refresh(told.append), "who is being asked is not asked again"
    hold.set()
    for thread in threads:
        thread.join(60)
    assert len(told) == 20 and all(view.health is Health.OK for view in fleet.views)


def test_a_box_that_hangs_holds_nobody_up() -> None:
    hold = threading.Event()
    fleet = Fleet(boxes([Line(hold=hold), Line()]))
    threads = {thread.name: thread for thread in fleet.refresh(lambda _: None)}
    threads["B101210000002"].join(60)
    assert [view.health for view in fleet.views] == [Health.ASKED, Health.OK]
    assert [thread.name for thread in fleet.refresh(lambda _: None)] == ["B101210000002"]
    hold.set()


def test_what_a_box_said_last_is_kept_with_its_age_and_over_a_restart(tmp_path: Path) -> None:
    line = Line({**STATUS, "waiting": 7})
    fleet = Fleet(boxes([line]))
    look(fleet)
    seen_ms = fleet.views[0].seen_ms
    line.away = True
    look(fleet)
    view = fleet.views[0]
    assert view.health is Health.AWAY and view.problem == UnreachableError.code
    assert view.told is not None and view.told.waiting == 7 and view.seen_ms == seen_ms
    file = file_of(tmp_path / "inventory.toml", {"XDG_CACHE_HOME": str(tmp_path / "cache")})
    remember(file, fleet.known)
    again = Fleet(boxes([line]), remembered(file))
    look(again)
    assert (again.views[0].told, again.views[0].health) == (view.told, Health.AWAY)
    line.away = False
    look(again)
    assert (again.views[0].health, again.views[0].problem) == (Health.OK, "")


def test_one_login_serves_many_looks_and_a_lost_one_is_made_anew() -> None:
    line = Line(drop_after=3)
    fleet = Fleet(boxes([line]))
    for _ in range(7):
        look(fleet)
        assert fleet.views[0].health is Health.OK
    assert line.logins == 3 and line.asked == 7 + 2


HOSTILE = {
    "nothing": b"",
    "no JSON": b"Last login: today",
    "a list": b"[]",
    "another shape": b'{"running": "yes", "at_ms": 1}',
    "no figures": b"{}",
    "very long": b'{"running": true, "at_ms": 1, "x": "' + b"x" * LARGEST + b'"}',
    "very deep": b"[" * 100_000,
    "no UTF-8": b'{"running": true, "at_ms": 1, "link": "\xff"}',
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_answer_that_is_no_status(raw: bytes) -> None:
    line = Line(raw=raw)
    with pytest.raises(StrangeAnswerError):
        ask_status(line.connect())
    fleet = Fleet(boxes([line, Line()]))
    look(fleet)
    assert [view.health for view in fleet.views] == [Health.AWAY, Health.OK]
    assert fleet.views[0].problem == "APP-490"


def test_a_box_that_was_broken_into_draws_nothing_on_supports_terminal() -> None:
    evil = "\u001b]0;owned\u0007\u001b[2J" + "A" * 5000
    words = dict.fromkeys(("version", "link", "lease", "verify_problem"), evil)
    told = read_told(json.dumps({"running": True, "at_ms": 1, "alarms": ["x"] * 500, **words}).encode())
    for text in (told.version, told.link, told.lease or "", told.verify_problem or ""):
        assert len(text) <= 40 and text.isprintable()
    assert told.alarms is not None and len(told.alarms) == 20


def test_the_checks_of_one_box() -> None:
    checks = [
        {"check": "disk", "state": "bad", "what": "ディスク", "says": "1%", "todo": "消す\u001b[2J"},
        "nonsense",
        {"state": 3},
    ]
    fleet = Fleet(boxes([Line(checks=checks)]))
    assert fleet.doctor("B101210000001") == [
        ("bad", "ディスク", "1%", "消す[2J"),
        ("", "", "", ""),
        ("", "", "", ""),
    ]


@pytest.mark.parametrize("junk", [b"", b"{", b"[1]", b'{"x": 1}'])
def test_a_memory_that_cannot_be_read_is_none(junk: bytes, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(junk)
    assert remembered(tmp_path / "f.json") == {} == remembered(tmp_path / "none")
    remember(Path("/proc/nowhere/f.json"), {})


def test_a_box_without_sudo_answers_what_support_may_see() -> None:
    assert ask_status(Line(sudo=False).connect()) == ask_status(Line().connect())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_without_sudo_root_asks_as_somebody_else_and_others_as_themselves() -> None:
    words = command_without_sudo("status")
    script = words[2].replace("kurabako-sync", "nobody")
    nobody = pwd.getpwnam("nobody").pw_uid
    for user in (0, nobody):
        done = subprocess.run(["sh", "-c", script, "sh", "id", "-u"], user=user, capture_output=True, check=True)  # noqa: S607
        assert int(done.stdout) == nobody
