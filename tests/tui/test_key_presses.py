"""How many keys the daily ways take, counted from the first screen; a way that grows longer fails here."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from textual.widgets import DataTable, OptionList

from appliance.generator.school import MadeClass
from appliance.generator.writer import write_school
from tests.school import SCHOOL_DAY, School, enrol, fill
from tests.tui.conftest import freeze
from tests.tui.driving import SMALL, Driver, at_home, marks, pupils, said, screen_of, sees, until
from tui.screens.ask import YesNoScreen
from tui.screens.attendance import AttendanceScreen
from tui.screens.emergency import EmergencyScreen
from tui.screens.home import HomeScreen
from tui.screens.hours import HoursScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.month import MonthScreen
from tui.widgets.monthtable import FIXED, MonthTable


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("keys"), imported=False)
    first, *rest = made.made.classes
    made.made = replace(made.made, classes=(full(first), *rest))
    write_school(made.made, made.zip)
    fill(made)
    yield made
    made.close()


def full(one: MadeClass) -> MadeClass:
    """Return a class as large as the law lets it be."""
    more = [
        replace(one.pupils[0], id=str(UUID(int=number, version=4)), number=number)
        for number in range(len(one.pupils) + 1, 36)
    ]
    return replace(one, pupils=(*one.pupils, *more))


class Hand:
    """Presses keys and counts them."""

    def __init__(self, pilot: Driver) -> None:
        self.pilot, self.count = pilot, 0

    async def press(self, *keys: str) -> None:
        self.count += len(keys)
        await self.pilot.press(*keys)


@asynccontextmanager
async def seat(own: School, name: str, monkeypatch: pytest.MonkeyPatch, on: date) -> AsyncIterator[Hand]:
    freeze(monkeypatch, on)
    async with at_home(own, SMALL, name) as pilot:
        yield Hand(pilot)


async def test_a_class_of_35_with_three_exceptions_takes_under_fifteen(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = date(2026, 10, 6)
    office = own.office("sato")
    view = office.attendance.classes(on)[0]
    numbers = [str(row.number) for row in office.attendance.day(view.class_id, on).rows]
    office.logout()
    assert len(numbers) == 35
    far = (numbers[17], numbers[25], numbers[33])  # numbers of two digits, the worst case
    async with seat(own, "sato", monkeypatch, on) as hand:
        await hand.press("enter")
        await screen_of(hand.pilot, AttendanceScreen)
        await until(hand.pilot, lambda: pupils(hand.pilot).row_count == len(numbers))
        for number, letter in zip(far, "bkt", strict=True):
            await hand.press(*number, letter)
        await until(hand.pilot, lambda: sum(bool(mark) for mark in marks(hand.pilot)) == len(far))
        assert [marks(hand.pilot)[numbers.index(n)] for n in far] == ["病 病欠", "忌 忌引", "停 出席停止"]
        await hand.press("f4")
        await screen_of(hand.pilot, YesNoScreen)
        await hand.press("right", "enter")
        await sees(hand.pilot, "✓ 確定 佐藤 葵")
        assert hand.count < 15


async def test_one_day_of_the_month_takes_four(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    on = date(2026, 10, 7)
    async with seat(own, "sato", monkeypatch, on) as hand:
        await hand.press("enter", "f5")
        await screen_of(hand.pilot, MonthScreen)
        table = hand.pilot.app.screen.query_one(MonthTable)
        await until(hand.pilot, lambda: table.row_count > 0 and table.place is not None)
        await hand.press("5", "b")
        await until(hand.pilot, lambda: table.get_row_at(4)[FIXED + on.day - 1].plain.strip() == "病")
        assert hand.count == 4


async def test_coming_in_takes_two(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    async with seat(own, "suzuki", monkeypatch, SCHOOL_DAY) as hand:
        await hand.press("w")
        await screen_of(hand.pilot, HoursScreen)
        await until(hand.pilot, lambda: said(hand.pilot, "#title") != "")
        await hand.press("i")
        await sees(hand.pilot, "を記録しました")
        assert hand.count == 2


async def test_reading_an_item_of_the_next_meeting_takes_three(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with seat(own, "sato", monkeypatch, SCHOOL_DAY) as hand:
        await hand.press("f5")
        await screen_of(hand.pilot, MeetingsScreen)
        table = hand.pilot.app.screen.query_one(DataTable)
        await until(hand.pilot, lambda: table.row_count > 0)
        await hand.press("enter")
        await screen_of(hand.pilot, MeetingScreen)
        options = hand.pilot.app.screen.query_one("#items", OptionList)
        await until(hand.pilot, lambda: options.option_count > 0 and said(hand.pilot, "#item") != "")
        await hand.press("r")
        await until(hand.pilot, lambda: options.highlighted == 1, "goes on to the next item")
        assert hand.count == 3


async def test_showing_a_page_to_everybody_takes_three(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    async with seat(own, "kyoto", monkeypatch, SCHOOL_DAY) as hand:
        await hand.press("f5")
        await screen_of(hand.pilot, MeetingsScreen)
        table = hand.pilot.app.screen.query_one(DataTable)
        await until(hand.pilot, lambda: table.row_count > 0)
        await hand.press("enter")
        await screen_of(hand.pilot, MeetingScreen)
        await until(hand.pilot, lambda: said(hand.pilot, "#item") != "")
        await hand.press("l")
        await until(hand.pilot, lambda: "示しています" in said(hand.pilot, "#standing"))
        assert hand.count == 3
        await hand.pilot.press("l")


async def test_finding_a_pupil_takes_two_kana_and_two_keys(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    on = date(2026, 10, 8)
    office = own.office("sato")
    row = office.attendance.day(office.attendance.classes(on)[0].class_id, on).rows[0]
    office.logout()
    async with seat(own, "sato", monkeypatch, on) as hand:
        await hand.press("f3", *row.kana[:2])
        options = hand.pilot.app.screen.query_one(OptionList)
        await until(hand.pilot, lambda: options.option_count > 0)
        await hand.press("enter")
        await screen_of(hand.pilot, AttendanceScreen)
        assert hand.count == 4


async def test_locking_takes_one(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    async with seat(own, "jimu", monkeypatch, SCHOOL_DAY) as hand:
        await hand.press("f2")
        await screen_of(hand.pilot, EmergencyScreen)
        await hand.pilot.press("escape")
        await screen_of(hand.pilot, HomeScreen)
        await hand.pilot.press("f8")
        await sees(hand.pilot, "施錠しました")
        assert hand.count == 1, "one key opens the emergency cards"
