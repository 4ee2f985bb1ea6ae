"""Pictures of four screens; clock, counts and cursors are held still. `--snapshot-update` renews them."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input, OptionList

from appliance.office import Office
from appliance.session import JST
from appliance.views import Light
from sync.status import LinkState
from tests.school import SCHOOL_DAY, School
from tests.tui.conftest import freeze
from tests.tui.driving import Driver, log_in, marks, pupils, said, screen_of, until
from tui.app import OfficeApp
from tui.screens.attendance import AttendanceScreen
from tui.screens.meeting import MeetingScreen

DAY = date(2026, 10, 28)
AT = datetime(2026, 10, 28, 8, 25, tzinfo=JST)
LIGHT = Light(LinkState.OFFLINE, 1_234, 1_200, 34, since=AT)
Compare = Callable[..., bool]
Run = Callable[[Driver], Awaitable[None]]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold clock, counts and colours still."""
    freeze(monkeypatch, DAY)
    monkeypatch.setattr(Office, "light", lambda _office: LIGHT)
    monkeypatch.setattr("appliance.attendance.desk.local_time", lambda _at_ms: AT)
    for name in ("NO_COLOR", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def app(own: School) -> Iterator[OfficeApp]:
    opened = OfficeApp(own.site, own.made.name)
    yield opened
    opened.door.close()


def without_blink(run: Run) -> Run:
    """Hold the cursors of input lines still before the picture is taken."""

    async def then_still(pilot: Driver) -> None:
        await run(pilot)
        for line in pilot.app.screen.query(Input):
            line.cursor_blink = False
        await pilot.pause()

    return then_still


async def type_a_name(pilot: Driver) -> None:
    await pilot.press(*"sato")


def test_login(snap_compare: Compare, app: OfficeApp) -> None:
    assert snap_compare(app, run_before=without_blink(type_a_name))


def test_attendance(snap_compare: Compare, app: OfficeApp, own: School) -> None:
    office = own.office("sato")
    class_id = office.attendance.classes(DAY)[0].class_id
    rows = office.attendance.day(class_id, DAY).rows
    office.attendance.mark(class_id, DAY, rows[1].pupil_id, "sick", reason="発熱")
    office.attendance.mark(class_id, DAY, rows[4].pupil_id, "late", time=time(9, 40))
    office.attendance.mark(class_id, DAY, rows[6].pupil_id, "attended_elsewhere")
    office.logout()

    async def run(pilot: Driver) -> None:
        await log_in(pilot)
        await pilot.app.push_screen(AttendanceScreen(class_id, DAY))
        await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: pupils(pilot).row_count == len(rows) and len(set(marks(pilot))) == 4)

    assert snap_compare(app, run_before=without_blink(run))


def test_meeting(snap_compare: Compare, app: OfficeApp) -> None:
    async def run(pilot: Driver) -> None:
        await log_in(pilot)
        await pilot.app.push_screen(MeetingScreen(f"demo-{SCHOOL_DAY.isoformat()}"))
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count > 0)
        await pilot.press("down")
        await until(pilot, lambda: said(pilot, "#item").startswith("2."))

    assert snap_compare(app, terminal_size=(120, 36), run_before=without_blink(run))


def test_home_in_english(snapshot: SnapshotAssertion, own: School) -> None:
    """In a process of its own: the language is chosen once, when the screens are imported."""
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM", "TERM")}
    picture = subprocess.run(
        [sys.executable, "-m", "tests.tui.english_home", str(own.site), own.made.name],
        env={**environment, "KURABAKO_LANG": "en"},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert picture.returncode == 0, picture.stderr
    assert "23&#160;classes&#160;open" in picture.stdout
    assert picture.stdout == snapshot.use_extension(SVGImageExtension)
