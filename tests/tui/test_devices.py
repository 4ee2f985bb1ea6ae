"""Refused USB devices on home: told to managers and clerks, gone once a manager has looked."""

from datetime import date

import pytest
from textual.widgets import DataTable

from appliance.devices.collecting import Collector
from appliance.devices.records import Device
from appliance.devices.spool import drop
from appliance.site import open_site
from sync.clock import wall_ms
from tests.school import School
from tests.tui.driving import SIZES, Driver, at_home, said, screen_of, shown, until
from tui.screens.audit import AuditScreen
from tui.screens.home import HomeScreen

ROW = "!devices"
TOLD = "⚠USB機器の接続を止めました1件（最後"


def refuse(school: School) -> None:
    office = school.office("kocho")
    office.devices.seen()
    office.logout()
    drop(school.paths, Device("058f", "6387", "080650"))
    assert Collector(open_site(school.site), lambda: wall_ms() + 60_000).turn() == 1


def listed(pilot: Driver) -> bool:
    return ROW in pilot.app.screen.query_one(DataTable).rows


async def open_row(pilot: Driver) -> None:
    """Press Enter on it, wherever it stands among what waits for somebody."""
    table = pilot.app.screen.query_one(DataTable)
    table.move_cursor(row=table.get_row_index(ROW))
    await pilot.press("enter")


def side(pilot: Driver) -> str:
    return "".join(said(pilot, "#link").split())


@pytest.mark.parametrize("size", SIZES)
async def test_a_manager_is_told_and_looks(school: School, today: date, size: tuple[int, int]) -> None:
    async with at_home(school, size, "kyoto") as pilot:
        refuse(school)
        await until(pilot, lambda: listed(pilot))
        assert "USBを止めた 1件" in shown(pilot) and TOLD in side(pilot)
        await open_row(pilot)
        screen = await screen_of(pilot, AuditScreen)
        table = screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 0)
        words = "USBメモリなどの記憶装置（058f:6387）"
        await until(pilot, lambda: words in "".join(said(pilot, "#act").split()))
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await until(pilot, lambda: not listed(pilot) and TOLD not in side(pilot))


@pytest.mark.parametrize("size", SIZES)
async def test_a_clerk_is_told_who_looks(school: School, today: date, size: tuple[int, int]) -> None:
    refuse(school)
    async with at_home(school, size, "jimu") as pilot:
        await until(pilot, lambda: listed(pilot))
        await open_row(pilot)
        told = "校長か教頭がこの行を開いて確かめると、消えます。"
        await until(pilot, lambda: told in [toast.message for toast in pilot.app._notifications])
        assert isinstance(pilot.app.screen, HomeScreen) and listed(pilot)


async def test_a_teacher_is_not_told(school: School, today: date) -> None:
    refuse(school)
    async with at_home(school) as pilot:
        assert not listed(pilot) and TOLD not in side(pilot)
    office = school.office("kocho")
    office.devices.seen()
    office.logout()
