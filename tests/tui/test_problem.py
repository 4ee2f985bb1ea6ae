import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from sync.errors import KeeperGoneError
from tests.school import School
from tests.tui.driving import SIZES, Driver, Slot, at_home, in_class, marks, screen_of, sees, shown, started, until
from tui.actions import ATTENDANCE, HOME, Action
from tui.screens.attendance import AttendanceScreen
from tui.screens.home import HomeScreen
from tui.screens.month import MonthScreen
from tui.screens.problem import ProblemScreen


async def show_problem(pilot: Driver) -> ProblemScreen:
    await pilot.app.push_screen(ProblemScreen(KeeperGoneError(operation="ask keeper")))
    return await screen_of(pilot, ProblemScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_a_problem_says_what_happened_what_to_do_and_its_code(
    school: School, slot: Slot, size: tuple[int, int]
) -> None:
    async with in_class(school, slot, size) as pilot:
        problem = await show_problem(pilot)
        for text in ("できませんでした", "保存済の記録は無事です", "→ 少し待って", "[SYNC-003]", "c で写す"):
            await sees(pilot, text)
        await pilot.press("c")
        assert pilot.app.clipboard == problem.told.code == "SYNC-003"
        await sees(pilot, "コードを写しました")
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)


async def test_enter_closes_it_and_marks_nobody(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await show_problem(pilot)
        await pilot.press("b", "enter")
        await screen_of(pilot, AttendanceScreen)
        assert marks(pilot) == [""] * len(slot.rows)


async def test_an_unexpected_error_is_calm_and_keeps_its_secret(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.app.push_screen(ProblemScreen(ValueError("岡田 美咲 の記録")))
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "GEN-000 ValueError")
        assert "岡田 美咲 の記録" not in shown(pilot)


def offered(pilot: Driver) -> list[str]:
    """Return the lines of the open palette."""
    options = pilot.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(place).prompt) for place in range(options.option_count)]


async def check_palette(pilot: Driver, actions: tuple[Action, ...]) -> None:
    await pilot.press("f9")
    await screen_of(pilot, CommandPalette)
    wanted = [action for action in actions if action.id != "command_palette"]
    await until(pilot, lambda: len(offered(pilot)) == len(wanted))
    for action in wanted:
        assert any(line.startswith(f"{action.label}  ") and action.explain in line for line in offered(pilot))


@pytest.mark.parametrize("size", SIZES)
async def test_the_palette_offers_what_the_first_screen_can_do(
    school: School, slot: Slot, size: tuple[int, int]
) -> None:
    async with at_home(school, size) as pilot:
        await check_palette(pilot, HOME)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


async def test_the_palette_offers_what_the_attendance_book_can_do_and_does_it(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await check_palette(pilot, ATTENDANCE)
        await pilot.press(*"月別")
        await until(pilot, lambda: len(offered(pilot)) == 1)
        await pilot.press("enter")
        await screen_of(pilot, MonthScreen)


async def test_the_palette_takes_a_mark_back(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "up")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("f9")
        await screen_of(pilot, CommandPalette)
        await pilot.press(*"消す")
        await until(pilot, lambda: len(offered(pilot)) == 1)
        await pilot.press("enter")
        await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: marks(pilot)[0] == "")


async def test_there_is_no_palette_before_the_login(school: School) -> None:
    async with started(school) as pilot:
        before = pilot.app.screen
        await pilot.press("f9")
        assert pilot.app.screen is before
