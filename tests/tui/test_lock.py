import gc
import time
import weakref

import pytest
from textual.widget import Widget
from textual.widgets import DataTable, Input, Static

from appliance.office import Office
from tests.school import PASSPHRASE, School
from tests.tui.driving import (
    Driver,
    Slot,
    at_home,
    at_login,
    in_class,
    marks,
    office_of,
    screen_of,
    shown,
    type_fast,
    until,
)
from tui.screens.ask import DetailScreen
from tui.screens.home import HomeScreen
from tui.screens.login import LoginScreen


def words(widget: Widget) -> str:
    """Return every word that a widget holds."""
    if isinstance(widget, DataTable):
        return " ".join(str(cell) for row in widget.rows for cell in widget.get_row(row))
    if isinstance(widget, Input):
        return widget.value
    return str(widget.content) if isinstance(widget, Static) else ""


def check_nothing_left(pilot: Driver, slot: Slot) -> None:
    """Fail when anything of the school is still in a screen."""
    stack = pilot.app.screen_stack
    assert [type(screen) for screen in stack[1:]] == [LoginScreen]
    held = " ".join(words(widget) for screen in stack for widget in screen.walk_children(Widget))
    for row in slot.rows:
        assert row.name not in held and row.kana not in held
        assert row.name not in shown(pilot)
    assert office_of(pilot).door.office is None and office_of(pilot).who is None


def office_ref(pilot: Driver) -> "weakref.ref[Office]":
    office = office_of(pilot).door.office
    assert office is not None
    return weakref.ref(office)


async def test_f8_leaves_only_the_login(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("f8")
        await screen_of(pilot, LoginScreen)
        check_nothing_left(pilot, slot)
        assert "施錠しました" in shown(pilot)


async def test_after_the_lock_the_office_is_out_of_memory(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        office = office_ref(pilot)
        await pilot.press("f8")
        await screen_of(pilot, LoginScreen)

        def gone() -> bool:
            gc.collect()
            return office() is None

        await until(pilot, gone, "the office is still referred to")


async def test_the_passphrase_alone_leads_back(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("f8")
        await screen_of(pilot, LoginScreen)
        screen = at_login(pilot)
        assert screen.query_one("#login-name", Input).value == "sato"
        assert pilot.app.focused is screen.query_one("#passphrase")
        type_fast(pilot, *PASSPHRASE, "enter")
        await screen_of(pilot, HomeScreen)
        who = office_of(pilot).who
        assert who is not None and who.login == "sato"


async def test_somebody_else_may_take_the_seat(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("f8")
        await screen_of(pilot, LoginScreen)
        field = at_login(pilot).query_one("#login-name", Input)
        field.value = ""
        field.focus()
        type_fast(pilot, *"suzuki", "enter", *PASSPHRASE, "enter")
        await screen_of(pilot, HomeScreen)
        who = office_of(pilot).who
        assert who is not None and who.login == "suzuki"


async def test_idleness_locks_also_under_an_open_dialog(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app._LOOK_S", 0.1)
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "up")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("r")
        await screen_of(pilot, DetailScreen)
        monkeypatch.setattr(Office, "lock_after_s", 1)
        await screen_of(pilot, LoginScreen)
        check_nothing_left(pilot, slot)


async def test_whoever_types_is_not_locked_out(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app._LOOK_S", 0.1)
    async with at_home(school) as pilot:
        monkeypatch.setattr(Office, "lock_after_s", 2)
        began = time.monotonic()
        while time.monotonic() - began < 4:
            await pilot.press("down")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_nothing_can_be_asked_of_a_locked_office(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        below = pilot.app.screen
        await pilot.press("f8")
        await screen_of(pilot, LoginScreen)
        for key in ("escape", "f3", "f5", "f9", "b"):
            await pilot.press(key)
        assert isinstance(pilot.app.screen, LoginScreen) and not below.is_attached
        check_nothing_left(pilot, slot)


async def test_a_key_in_the_same_burst_as_the_lock_shows_nothing(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        type_fast(pilot, "b", "f8", "f3", "h", "r", "f5")
        await screen_of(pilot, LoginScreen)
        await pilot.pause(0.5)
        check_nothing_left(pilot, slot)
