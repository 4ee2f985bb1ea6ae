"""A screen is filled once when it opens; its look, once a second, reads and lays out nothing without any news."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from textual.screen import Screen

from appliance.attendance.desk import AttendanceDesk
from appliance.demo.agenda import demo_agenda
from appliance.meetings.desk import MeetingDesk
from appliance.office import Office
from tests.school import SCHOOL_DAY, School
from tests.tui.conftest import freeze
from tests.tui.driving import Slot, at_home, marks, said, until
from tui.screens.attendance import AttendanceScreen
from tui.screens.base import OfficeScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.month import MonthScreen

MEETING, _ITEMS = demo_agenda(SCHOOL_DAY)
ROOMS: dict[str, Callable[[Slot], OfficeScreen]] = {
    "day": lambda slot: AttendanceScreen(slot.class_id, slot.on),
    "month": lambda slot: MonthScreen(slot.class_id, slot.on),
    "meeting": lambda slot: MeetingScreen(MEETING.id),
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is read, what is laid out and what clocks are started."""
    counted: Counter[str] = Counter()

    def count(owner: type, name: str, told: Callable[..., str]) -> None:
        real = getattr(owner, name)

        def counting(self: Any, *args: Any, **more: Any) -> Any:
            counted[told(*args)] += 1
            return real(self, *args, **more)

        monkeypatch.setattr(owner, name, counting)

    count(AttendanceDesk, "day", lambda *_: "read")
    count(AttendanceDesk, "month", lambda *_: "read")
    count(MeetingDesk, "open", lambda *_: "read")
    count(Office, "home", lambda *_: "home")
    count(Screen, "_refresh_layout", lambda *_: "layout")
    count(OfficeScreen, "set_interval", lambda _s, callback, *_: f"clock {callback.__name__}")
    return counted


@pytest.mark.parametrize("room", ROOMS)
async def test_a_look_without_news_reads_nothing_and_lays_nothing_out(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch, calls: Counter[str], room: str
) -> None:
    if room == "meeting":
        freeze(monkeypatch, SCHOOL_DAY)
    async with at_home(school) as pilot:
        await until(pilot, lambda: calls["home"] > 0)
        assert calls["home"] == 1
        calls.clear()
        screen = ROOMS[room](slot)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: screen.is_current and said(pilot, "#title") != "")
        await pilot.pause(0.2)
        assert calls["read"] == (
            2 if room == "meeting" else 1
        )  # the list of items is cut to a width laid out first
        assert calls["clock look"] == 1 and calls["clock _look_for_page"] == (room == "meeting")
        calls.clear()
        for _ in range(3):
            await screen.look()
            await pilot.pause()
        assert not calls


async def test_what_somebody_else_keeps_is_read_once(
    school: School, slot: Slot, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.base._SECOND", 3600.0)  # no look of its own beside those below
    async with at_home(school) as pilot:
        screen = AttendanceScreen(slot.class_id, slot.on)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: screen.is_current and len(marks(pilot)) > 0)
        await pilot.pause(0.2)
        office = school.office("sato")
        office.attendance.mark(slot.class_id, slot.on, slot.rows[0].pupil_id, "sick")
        office.logout()
        calls.clear()
        for _ in range(3):
            await screen.look()
        assert marks(pilot)[0] == "病 病欠" and calls["read"] == 1


async def test_coming_back_reads_again(school: School, slot: Slot, calls: Counter[str]) -> None:
    async with at_home(school) as pilot:
        screen = AttendanceScreen(slot.class_id, slot.on)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: screen.is_current and len(marks(pilot)) > 0)
        await pilot.press("f1")
        calls.clear()
        await pilot.press("escape")
        await until(pilot, lambda: screen.is_current and calls["read"] > 0)
        assert calls["read"] == 1
