"""休業・閉鎖 at the keyboard: a class is closed in a dozen keys, and it says what that does before it is kept."""

from datetime import date

import pytest
from textual.widgets import DataTable, Input

from tests.school import School
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import YesNoScreen
from tui.screens.attendance import AttendanceScreen
from tui.screens.closures import ClosureForm, ClosuresScreen
from tui.screens.home import HomeScreen
from tui.screens.month import MonthScreen
from tui.typed import read_days
from tui.widgets.monthtable import FIXED, MonthTable

DAY = date(2026, 10, 6)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
async def test_a_class_is_closed_and_opened_again(
    own: School, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    freeze(monkeypatch, DAY)
    async with at_home(own, size, "jimu") as pilot:
        await pilot.press("k")
        await screen_of(pilot, ClosuresScreen)
        await sees(pilot, "今年度の休業・閉鎖はありません")
        check_fits(pilot)
        await pilot.press("n")
        await screen_of(pilot, ClosureForm)
        check_fits(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"1006-1007", "enter", *"flu", "enter")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "1年1組 10/06–10/07 学級閉鎖")
        assert "停・忌" in shown(pilot), "what it does is told before it is kept"
        await pilot.press("right", "enter")
        await screen_of(pilot, ClosuresScreen)
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count == 1)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await pilot.press("enter")
        await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: "flu" in said(pilot, "#state"))
        await pilot.press("f5")
        await screen_of(pilot, MonthScreen)
        month = pilot.app.screen.query_one(MonthTable)
        await until(pilot, lambda: month.row_count > 0 and month.place is not None)
        assert [month.get_row_at(3)[FIXED + day - 1].plain.strip() for day in (5, 6, 7, 8)] == ["", "停", "停", ""]
        assert "停忌 1" in said(pilot, "#state"), "up to today"
        await pilot.press("escape", "escape")
        await screen_of(pilot, HomeScreen)
        await pilot.press("k")
        await screen_of(pilot, ClosuresScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count == 1)
        pilot.app.clear_notifications()
        await pilot.pause()
        check_fits(pilot)
        await pilot.press("x")
        await sees(pilot, "の閉鎖を解きますか。")
        await pilot.press("right", "enter")
        await sees(pilot, "今年度の休業・閉鎖はありません")
        await pilot.press("u")
        await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count == 1)
        await pilot.press("x")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await sees(pilot, "今年度の休業・閉鎖はありません")


async def test_a_teacher_is_refused_in_words(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)
    async with at_home(own, name="sato") as pilot:
        await pilot.press("k", "n")
        await screen_of(pilot, ClosureForm)
        await pilot.press("enter", "enter", "enter")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await sees(pilot, "校長・教頭・事務職員")


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("11/24", ((11, 24), (11, 24))),
        ("1124-1126", ((11, 24), (11, 26))),
        ("11/24-11/26", ((11, 24), (11, 26))),
        ("１１／２４〜２６", ((11, 24), (11, 26))),
        ("11/30から12/1", ((11, 30), (12, 1))),
        ("11/26-11/24", None),
        ("あした", None),
        ("11/31", None),
        ("", None),
    ],
)
def test_days_as_people_type_them(typed: str, days: tuple[tuple[int, int], ...] | None) -> None:
    wanted = tuple(date(2026, *day) for day in days) if days else None
    assert read_days(typed, date(2026, 11, 20)) == wanted
