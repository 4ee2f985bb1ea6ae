"""The screen of the asset ledger: everybody reads it, at both sizes, and a school's own line is marked."""

from functools import partial

import msgspec
import pytest
from rich.cells import cell_len
from textual.widgets import DataTable, Static

from appliance.ledger.ledger import standard
from tests.school import School
from tests.tui.driving import SIZES, SMALL, Driver, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.home import HomeScreen
from tui.screens.ledger import LedgerScreen


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
