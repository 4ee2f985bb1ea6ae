import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import TypeVar
from unittest import mock

import pytest

from appliance.office import Office
from tests.school import School
from tests.tui.conftest import freeze
from tests.tui.driving import (
    Driver,
    Slot,
    column,
    in_class,
    marks,
    office_of,
    pupils,
    said,
    screen_of,
    sees,
    shown,
    until,
)
from tui.i18n import day_text
from tui.screens.attendance import AttendanceScreen
from tui.screens.problem import ProblemScreen

T = TypeVar("T")


def _marked(pilot: Driver, place: int, mark: str) -> bool:
    return marks(pilot)[place] == mark


async def test_left_and_right_open_the_days_beside(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("left")
        await sees(pilot, f"{slot.title}  {day_text(slot.on - timedelta(days=1))}")
        await until(pilot, lambda: marks(pilot)[0] == "")
        await pilot.press("right")
        await sees(pilot, f"{slot.title}  {day_text(slot.on)}")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")


async def test_an_answer_that_comes_late_does_not_bring_the_day_before_back(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        screen = await screen_of(pilot, AttendanceScreen)
        ask, may_come, asked = screen.ask, asyncio.Event(), asyncio.Event()

        async def late(what: Callable[[Office], T], *, quiet: bool = False) -> T | None:
            told = await ask(what, quiet=quiet)
            asked.set()
            await may_come.wait()
            return told

        with mock.patch.object(screen, "ask", late):
            reading = asyncio.create_task(screen.refresh_data())
            await asked.wait()
        await pilot.press("left")
        await sees(pilot, day := f"{slot.title}  {day_text(slot.on - timedelta(days=1))}")
        may_come.set()
        await reading
        await pilot.pause()
        assert day in shown(pilot)


async def test_f7_and_f6_open_the_classes_beside_and_go_round(school: School, slot: Slot) -> None:
    office = school.office("sato")
    titles = [c.title for c in office.attendance.classes(slot.on)]
    office.logout()
    place = titles.index(slot.title)
    async with in_class(school, slot) as pilot:
        await pilot.press("f7")
        await sees(pilot, f"出席簿  {titles[place + 1]}  ")
        await pilot.press("f6")
        await sees(pilot, f"出席簿  {slot.title}  ")
        for _step in range(place + 1):
            await pilot.press("f6")
        await sees(pilot, f"出席簿  {titles[-1]}  ")


async def test_an_entry_lands_on_the_day_and_class_shown(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("left", "right", "k")
        await until(pilot, lambda: marks(pilot)[0] == "忌 忌引")
    office = school.office("sato")
    assert office.attendance.day(slot.class_id, slot.on).rows[0].code == "mourning"
    office.logout()


async def test_undo_does_not_reach_into_the_class_before(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("f7", "u")
        await sees(pilot, "元に戻す入力がありません")
        await pilot.press("f6")
        await sees(pilot, f"出席簿  {slot.title}  ")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")


@pytest.mark.parametrize(
    ("closed", "why"),
    [(date(2026, 11, 23), "勤労感謝の日"), (date(2026, 11, 22), "日曜")],
    ids=["holiday", "sunday"],
)
async def test_a_closed_day_says_why_and_refuses_marks(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch, closed: date, why: str
) -> None:
    freeze(monkeypatch, closed)
    shut = Slot(slot.class_id, slot.title, closed, slot.rows)
    async with in_class(school, shut) as pilot:
        state = said(pilot, "#state")
        assert state.startswith("休業日です: ") and why in state
        await pilot.press("b")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-224"
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        assert marks(pilot) == [""] * len(slot.rows)


async def test_what_another_session_enters_appears_without_a_key(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("down", "down", "down")
        other = school.office("suzuki")
        other.attendance.mark(slot.class_id, slot.on, slot.rows[1].pupil_id, "suspended")
        other.logout()
        await until(pilot, lambda: marks(pilot)[1] == "停 出席停止")
        assert column(pilot, "who")[1].endswith("鈴木 航")
        assert pupils(pilot).pupil_id == slot.rows[3].pupil_id


async def test_an_entry_reads_its_own_row_and_does_not_hide_what_somebody_else_entered(
    school: School, slot: Slot
) -> None:
    async with in_class(school, slot) as pilot:
        office, screen = office_of(pilot).door.office, await screen_of(pilot, AttendanceScreen)
        assert office is not None
        with mock.patch.object(office.attendance, "day", wraps=office.attendance.day) as day:
            for place in (0, 1):
                await pilot.press("b")
                await until(pilot, partial(_marked, pilot, place, "病 病欠"))
            await sees(pilot, f"記入なし {len(slot.rows) - 2}名")
            await screen.look()
            assert not day.called, "nobody else entered anything"
        other = school.office("suzuki")
        other.attendance.mark(slot.class_id, slot.on, slot.rows[5].pupil_id, "suspended")
        await pilot.press("b")
        for place, mark in ((2, "病 病欠"), (5, "停 出席停止")):
            await until(pilot, partial(_marked, pilot, place, mark))
        other.logout()


async def test_what_another_session_enters_appears_under_an_open_dialog(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("f1")
        await sees(pilot, "できること")
        other = school.office("suzuki")
        other.attendance.mark(slot.class_id, slot.on, slot.rows[0].pupil_id, "mourning")
        other.logout()
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: marks(pilot)[0] == "忌 忌引")
