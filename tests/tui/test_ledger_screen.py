"""The screen of the asset ledger: everybody reads it, at both sizes, and a school's own line is marked."""

from functools import partial

import msgspec
import pytest
from rich.cells import cell_len
from textual.widgets import DataTable, Input, OptionList, Select, Static

from appliance.ledger.ledger import standard
from crypto.importance import Importance
from tests.school import School
from tests.tui.driving import SIZES, SMALL, Driver, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.history import HistoryScreen
from tui.screens.home import HomeScreen
from tui.screens.ledger import LedgerScreen
from tui.screens.ledgerform import LedgerForm
from tui.screens.problem import ProblemScreen


def tells(pilot: Driver, source: str) -> bool:
    """Say whether the detail shows a source; folding drops the spaces at its line ends."""
    return source.replace(" ", "") in said(pilot, "#asset").replace(" ", "")


@pytest.mark.parametrize("size", SIZES)
async def test_a_teacher_reads_each_line_in_full(school: School, size: tuple[int, int]) -> None:
    async with at_home(school, size) as pilot:
        await pilot.press("d")
        screen = await screen_of(pilot, LedgerScreen)
        table = screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count >= len(standard()))
        check_fits(pilot)
        assert "この装置の保管庫の分類: Ⅰ" in said(pilot, "#title")
        for place, entry in enumerate(standard()):
            table.move_cursor(row=place)
            await until(pilot, partial(tells, pilot, entry.source))
            assert "…" not in shown(pilot), entry.name
            detail = screen.query_one("#asset", Static)
            lines = str(detail.content).split("\n")
            assert len(lines) <= detail.size.height and max(map(cell_len, lines)) <= detail.size.width, entry.name
        check_fits(pilot)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


async def test_a_schools_own_line_is_marked_as_it_comes_in(school: School) -> None:
    async with at_home(school, SMALL) as pilot:
        await pilot.press("d")
        screen = await screen_of(pilot, LedgerScreen)
        await until(pilot, lambda: screen.query_one(DataTable).row_count > 0)
        materials = next(entry for entry in standard() if entry.name == "授業用教材")
        other = school.office("kyoto")
        other.ledger.keep(msgspec.structs.replace(materials, retention="2y"))
        other.logout()
        place = [entry.name for entry in standard()].index("授業用教材")
        await until(pilot, lambda: "2年" in str(screen.query_one(DataTable).get_row_at(place)[3]))
        screen.query_one(DataTable).move_cursor(row=place)
        await sees(pilot, "◆ 授業用教材")
        await sees(pilot, "自校台帳")
        assert "保管期間: 2年" in shown(pilot)


async def open_at(pilot: Driver, name: str) -> LedgerScreen:
    """Open the ledger with the cursor on an asset."""
    await pilot.press("d")
    screen = await screen_of(pilot, LedgerScreen)
    await until(pilot, lambda: screen.query_one(DataTable).row_count >= len(standard()))
    screen.query_one(DataTable).move_cursor(row=[line.name for line in screen._lines].index(name))
    await until(pilot, lambda: name in said(pilot, "#asset"))
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_manager_settles_a_line_and_sees_who_did(school: School, size: tuple[int, int]) -> None:
    name = {SIZES[0]: "職員会議資料", SIZES[1]: "時間割"}[size]
    async with at_home(school, size, "kyoto") as pilot:
        await open_at(pilot, name)
        check_fits(pilot)
        await pilot.press("e")
        form = await screen_of(pilot, LedgerForm)
        check_fits(pilot)
        await pilot.press("enter", "up", "enter")  # importance III becomes II
        await until(pilot, lambda: form.query_one("#importance", Select).value is Importance.II)
        handlers = form.query_one("#handlers", OptionList)
        offered = [option.id for option in handlers.options]
        assert "all_staff" not in offered and form.query_one("#takeout", Select).value == "permit"
        handlers.focus()
        handlers.highlighted = offered.index("board")
        await pilot.press("enter")
        await sees(pilot, "・ 教育委員会")
        form.query_one("#retention", Input).value = "いつまでも"
        await pilot.press("f4")
        await sees(pilot, "5年、6か月、有効な間")
        form.query_one("#retention", Input).value = f"{size[0]}か月"
        await pilot.press("f4")
        await sees(pilot, "取扱者を選んでください")
        handlers.highlighted = offered.index("managers")
        await pilot.press("enter")
        await sees(pilot, "✓ 校長・教頭")
        await pilot.press("f4")
        screen = await screen_of(pilot, LedgerScreen)
        await until(pilot, lambda: f"{size[0]}か月" in said(pilot, "#asset"))
        assert f"◆ {name}" in shown(pilot) and "校長・教頭" in said(pilot, "#asset")
        assert "学校で定める:" not in said(pilot, "#asset"), "it was settled"
        await pilot.press("h")
        await screen_of(pilot, HistoryScreen)
        check_fits(pilot)
        assert "田中 望" in shown(pilot) and f"{size[0]}か月" in shown(pilot)
        await pilot.press("escape")
        assert screen is await screen_of(pilot, LedgerScreen)


async def test_a_manager_adds_what_the_school_has_besides(school: School) -> None:
    async with at_home(school, SMALL, "kocho") as pilot:
        await open_at(pilot, "学校要覧")
        await pilot.press("n")
        form = await screen_of(pilot, LedgerForm)
        check_fits(pilot)
        await pilot.press("f4")
        await sees(pilot, "名前を書いてください")
        await pilot.press(*"yoron")
        form.query_one("#source", Input).value = ""
        await pilot.press("f4")
        await sees(pilot, "根拠を書いてください")
        form.query_one("#source", Input).value = "本校の定め"
        await pilot.press("f4")
        screen = await screen_of(pilot, LedgerScreen)
        await until(pilot, lambda: any(line.name == "yoron" for line in screen._lines))
        line = next(line for line in screen._lines if line.name == "yoron")
        assert (line.importance, line.takeout, line.own) == ("Ⅱ", "校長の個別許可と記録", True)


async def test_the_class_of_a_record_stands_fast_and_a_name_that_there_is_keeps_the_dialog(school: School) -> None:
    async with at_home(school, SMALL, "kocho") as pilot:
        await open_at(pilot, "欠席などの理由")
        await pilot.press("e")
        form = await screen_of(pilot, LedgerForm)
        assert form.query_one("#importance", Select).disabled and form.query_one("#name", Input).disabled
        await pilot.press("escape", "n")
        form = await screen_of(pilot, LedgerForm)
        form.query_one("#name", Input).value = "出席簿の締め"
        await pilot.press("f4")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-260"
        await pilot.press("escape")
        assert await screen_of(pilot, LedgerForm) is form, "what was typed is still there"


async def test_who_may_not_write_it_is_told_before_typing(school: School) -> None:
    async with at_home(school, SMALL) as pilot:
        await open_at(pilot, "学校要覧")
        for key in ("e", "n"):
            await pilot.press(key)
            problem = await screen_of(pilot, ProblemScreen)
            assert problem.told.code == "APP-013" and "校長・教頭と教育委員会" in problem.told.sentence
            await pilot.press("escape")
            await screen_of(pilot, LedgerScreen)
