"""The drop folder on home: what was not taken is told, with why and what to do, and never by its name."""

import pytest
from textual.widgets import DataTable

from appliance.inbox.told import NotTaken, Told, write_told
from sync.clock import wall_ms
from tests.school import School
from tests.tui.driving import SIZES, at_home, said, screen_of, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.home import HomeScreen
from tui.screens.inbox import InboxScreen


def left(*codes: str) -> Told:
    found = tuple(NotTaken(id=c, folder="II", size=0, since_ms=wall_ms(), code=c) for c in codes)
    return Told(at_ms=wall_ms(), counts=dict.fromkeys(codes, 1), not_taken=found)


@pytest.mark.parametrize("size", SIZES)
async def test_home_tells_what_is_left_until_it_is_gone(school: School, size: tuple[int, int]) -> None:
    async with at_home(school, size) as pilot:
        write_told(school.paths, left("APP-300", "APP-303"))
        await until(pilot, lambda: "受け箱に残る 2件" in shown(pilot))
        home = pilot.app.screen.query_one(DataTable)
        home.move_cursor(row=home.get_row_index("!inbox"))
        await pilot.press("enter")
        await screen_of(pilot, InboxScreen)
        check_fits(pilot)
        told = "".join(said(pilot, "#list").split())
        assert "[APP-300]" in told and "0バイト" in told and "[APP-303]" in told and "Ⅱ" in told
        write_told(school.paths, Told())
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await until(pilot, lambda: "受け箱に残る" not in shown(pilot))
        await pilot.press("i")
        await screen_of(pilot, InboxScreen)
        await until(pilot, lambda: "ありません" in said(pilot, "#list"))
