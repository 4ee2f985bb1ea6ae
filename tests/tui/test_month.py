"""月別: the month's grid is filled in place, by keys or by paste, with the totals of the one under the cursor."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from textual import events
from textual.widgets import OptionList, TextArea
from textual.widgets.data_table import ColumnKey

from tests.school import School
from tests.tui.driving import (
    SIZES,
    SMALL,
    Driver,
    Slot,
    in_class,
    said,
    screen_of,
    sees,
    shown,
    type_fast,
    until,
)
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.attendance import AttendanceScreen
from tui.screens.month import MonthScreen
from tui.screens.problem import ProblemScreen
from tui.screens.release import ReleaseScreen
from tui.widgets.monthtable import FIXED, MonthTable


def codes_of(school: School, slot: Slot, *days: date) -> list[list[str]]:
    """Return the codes of the first pupils on each day."""
    office = school.office("sato")
    try:
        return [[row.code or "" for row in office.attendance.day(slot.class_id, on).rows[:3]] for on in days]
    finally:
        office.logout()


async def by_month(pilot: Driver) -> MonthTable:
    await pilot.press("f5")
    await screen_of(pilot, MonthScreen)
    table = pilot.app.screen.query_one(MonthTable)
    await until(pilot, lambda: table.row_count > 0 and table.place is not None)
    return table


def at(table: MonthTable, row: int, on: date) -> str:
    return table.get_row_at(row)[FIXED + on.day - 1].plain.strip()


def kept(pilot: Driver, table: MonthTable, on: date, symbols: str) -> Callable[[], bool]:
    return lambda: "".join(at(table, row, on) or "・" for row in range(len(symbols))) == symbols


@pytest.mark.parametrize("size", SIZES)
async def test_a_whole_month_fits_and_letters_mark_downward(
    school: School, slot: Slot, size: tuple[int, int]
) -> None:
    async with in_class(school, slot, size) as pilot:
        table = await by_month(pilot)
        assert table.place == (slot.rows[0].pupil_id, slot.on), "it opens at the day"
        assert table.max_scroll_x == 0 and "31" in shown(pilot).split("\n")[1], (
            "thirty-one days stand side by side"
        )
        pressed = ("b", "enter", "t")
        await pilot.press(*pressed)
        await until(pilot, kept(pilot, table, slot.on, "病・停"), shown(pilot))
        assert codes_of(school, slot, slot.on) == [["sick", "", "suspended"]]
        assert table.cursor_row == 3 and len(pressed) == 3
        await pilot.press("u", "u")
        await until(pilot, kept(pilot, table, slot.on, "・・・"))
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)


async def test_it_opens_at_the_day_and_takes_the_room_there_is(school: School, slot: Slot) -> None:
    last = date(2026, 10, 30)
    async with in_class(school, slot, SMALL) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, AttendanceScreen)
        screen._on = last
        table = await by_month(pilot)
        await pilot.pause(0.2)
        assert table.place == (slot.rows[0].pupil_id, last)
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: table.columns[ColumnKey(last.isoformat())].width == 3)
        assert table.place == (slot.rows[0].pupil_id, last) and table.max_scroll_x == 0


async def test_keys_in_a_burst_reach_the_cells_they_were_typed_on(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        table = await by_month(pilot)
        type_fast(pilot, "b", "down", "k", "up", "x")
        await until(pilot, kept(pilot, table, slot.on, "病・・"), shown(pilot))
        assert codes_of(school, slot, slot.on) == [["sick", "", ""]]


async def test_f4_turns_to_the_right_and_the_totals_follow(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        table = await by_month(pilot)
        await pilot.press("f4")
        await sees(pilot, "横に進む")
        await pilot.press("b")
        await until(pilot, kept(pilot, table, slot.on, "病"))
        assert table.place == (slot.rows[0].pupil_id, slot.on + timedelta(days=1))
        await pilot.press("left")
        absent = int(said(pilot, "#state").split("欠席 ")[1].split()[0])
        await pilot.press("x")
        await until(pilot, lambda: f"欠席 {absent - 1} " in said(pilot, "#state"))


async def test_a_day_without_school_takes_nothing(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        table = await by_month(pilot)
        sunday = slot.on + timedelta(days=6 - slot.on.weekday())
        await pilot.press(*["right"] * (sunday - slot.on).days)
        await until(pilot, lambda: "日曜日" in said(pilot, "#state"))
        await pilot.press("b")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "APP-224")
        await pilot.press("enter")
        await screen_of(pilot, MonthScreen)
        assert at(table, 0, sunday) == ""


async def test_what_a_spreadsheet_holds_goes_in_as_a_whole_and_comes_back_as_a_whole(
    school: School, slot: Slot
) -> None:
    async with in_class(school, slot) as pilot:
        table = await by_month(pilot)
        pilot.app.post_message(events.Paste("病\r遅刻\r停\r"))
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "3か所が変わります")
        await pilot.press("right", "enter")
        await screen_of(pilot, MonthScreen)
        await until(pilot, kept(pilot, table, slot.on, "病チ停"), shown(pilot))
        assert codes_of(school, slot, slot.on) == [["sick", "late", "suspended"]]
        await pilot.press("u")
        await until(pilot, kept(pilot, table, slot.on, "・・・"))


@pytest.mark.parametrize(
    ("text", "code"), [("病\n何か", "APP-420"), ("\t" * 40 + "病", "APP-420"), ("\n", "APP-421")]
)
async def test_one_bad_cell_refuses_the_whole_paste(school: School, slot: Slot, text: str, code: str) -> None:
    async with in_class(school, slot, SMALL) as pilot:
        await by_month(pilot)
        pilot.app.post_message(events.Paste(text))
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, code)
        assert codes_of(school, slot, slot.on) == [["", "", ""]]


async def test_months_before_and_after(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await by_month(pilot)
        await pilot.press("pagedown")
        await sees(pilot, "2026/11")
        await until(pilot, lambda: "これから" in said(pilot, "#state") or "日" in said(pilot, "#state"))
        await pilot.press("pageup", "pageup")
        await sees(pilot, "2026/09")


async def test_a_month_is_closed_refuses_entries_and_is_opened_by_the_principal(
    school: School, slot: Slot
) -> None:
    office = school.office("sato")
    month = (slot.on.replace(day=1) + timedelta(days=31)).replace(day=1)
    days = [day.on for day in office.attendance.month(slot.class_id, month).days if day.open]
    for on in days[1:]:
        office.attendance.confirm(slot.class_id, on)
    async with in_class(school, slot) as pilot:
        table = await by_month(pilot)
        await pilot.press("pagedown")
        await until(pilot, lambda: f"{month.year}/{month.month:02}" in said(pilot, "#title"))
        await pilot.press("f2")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-226" and f"{days[0].day}日" in shown(pilot)
        await pilot.press("escape")
        await screen_of(pilot, MonthScreen)
        office.attendance.confirm(slot.class_id, days[0])
        await pilot.press("f2")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "締め 佐藤 葵" in said(pilot, "#title"))
        await until(pilot, lambda: table.place is not None)
        table.move_cursor(column=FIXED + days[0].day - 1)
        await pilot.press("b")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-225"
        await pilot.press("escape", "f2")
        screen = await screen_of(pilot, KeepTextScreen)
        screen.query_one(TextArea).text = "直したい"
        await pilot.press("f4")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-013"
    office.logout()
    async with in_class(school, slot, name="kocho") as pilot:
        await by_month(pilot)
        await pilot.press("pagedown")
        await until(pilot, lambda: "締め 佐藤 葵" in said(pilot, "#title"))
        await pilot.press("f2")
        screen = await screen_of(pilot, KeepTextScreen)
        screen.query_one(TextArea).text = "診断書が出たため"
        await pilot.press("f4")
        await until(pilot, lambda: "締め" not in said(pilot, "#title"))


async def test_the_month_is_copied_as_cells_for_a_spreadsheet(school: School, slot: Slot) -> None:
    async with in_class(school, slot, SMALL) as pilot:
        table = await by_month(pilot)
        await pilot.press("b")
        await until(pilot, kept(pilot, table, slot.on, "病"))
        await pilot.press("f7")
        forms = (await screen_of(pilot, ReleaseScreen)).query_one(OptionList)
        await until(pilot, lambda: forms.highlighted == 0)
        await pilot.press("up", "enter")
        await until(pilot, lambda: pilot.app.clipboard != "")
        lines = [line.split("\t") for line in pilot.app.clipboard.splitlines()]
        assert lines[0][:2] == ["番号", "氏名"] and lines[0][-2:] == ["早退", "備考"]
        assert lines[1][1] == slot.rows[0].name and lines[1][1 + slot.on.day] == "病"
        assert "佐藤 葵" in lines[-1][0], "what leaves says by whom"
        assert {len(line) for line in lines[:-1]} == {2 + 31 + 7 + 1}
