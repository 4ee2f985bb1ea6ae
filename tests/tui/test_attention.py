"""気になる欠席: seven school days on end, classes not confirmed; Enter opens the class on the day."""

from datetime import date

import pytest
from textual.widgets import DataTable

from appliance.attendance.absences import Absence
from appliance.session import Session
from tests.school import School
from tests.tui.driving import SIZES, SMALL, at_home, said, screen_of, sees, until
from tests.tui.test_actions import check_fits
from tui.screens.attendance import AttendanceScreen
from tui.screens.attention import AttentionScreen

APRIL = date(2026, 4, 20)
FIRST = date(2026, 4, 8)


@pytest.fixture(autouse=True)
def april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "today", lambda _session: APRIL)


def away(school: School) -> tuple[str, str]:
    """Keep one pupil of the first class away from 8 to 20 April without a reason; return class and name."""
    office = school.office("sato")
    view = office.attendance.classes(APRIL)[0]
    row = office.attendance.day(view.class_id, APRIL).rows[0]
    office.absences.keep(Absence(row.pupil_id, FIRST, APRIL, "other_absence"))
    office.logout()
    return view.title, row.name


@pytest.mark.parametrize("size", SIZES)
async def test_who_is_away_stands_first_and_enter_opens_the_day(own: School, size: tuple[int, int]) -> None:
    title, name = away(own)
    async with at_home(own, size, "kocho") as pilot:
        await pilot.press("a")
        screen = await screen_of(pilot, AttentionScreen)
        table = screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 0)
        check_fits(pilot)
        first = [str(cell) for cell in table.get_row_at(0)]
        assert first[0] == "⚠ 連続欠席" and first[1] == title and name in first[2] and int(first[3]) == 9
        assert f"{name}: 正当な事由のない欠席が" in said(pilot, "#detail")
        table.move_cursor(row=table.row_count - 1)
        await until(pilot, lambda: "確定していない日" in said(pilot, "#detail"))
        table.move_cursor(row=0)
        await pilot.press("enter")
        await screen_of(pilot, AttendanceScreen)
        await sees(pilot, "4月20日")


def test_a_school_that_begins_in_november_misses_nothing_of_before(school: School) -> None:
    office = school.office("sato")
    try:
        assert office.attendance.attention().classes == (), "nobody has entered anything in that April"
    finally:
        office.logout()


async def test_confirmed_classes_leave_the_list(own: School) -> None:
    office = own.office("sato")
    before = {one.class_id: one.days for one in office.attendance.attention().classes}
    class_id = office.attendance.classes(APRIL)[1].class_id
    for on in before[class_id]:
        office.attendance.confirm(class_id, on)
    assert class_id not in {one.class_id for one in office.attendance.attention().classes}
    assert all(on < APRIL for days in before.values() for on in days), "today may still be entered"
    office.logout()
    async with at_home(own, SMALL, "kocho") as pilot:
        await pilot.press("a")
        await screen_of(pilot, AttentionScreen)
        await sees(pilot, f"確定していない学級  {len(before) - 1}")
