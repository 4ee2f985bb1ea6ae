"""Driving the office screen in tests: start, log in, wait, read what is shown."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from appliance.views import PupilRow
from tests.school import PASSPHRASE, School
from tui.app import OfficeApp
from tui.screens.attendance import AttendanceScreen
from tui.screens.home import HomeScreen
from tui.screens.login import LoginScreen
from tui.widgets.pupiltable import PupilTable

SMALL = (80, 24)
LARGE = (120, 36)
SIZES = (SMALL, LARGE)
Driver = Pilot[int]
S = TypeVar("S", bound=Screen[Any])
_PATIENCE_S = 180.0


@dataclass(frozen=True)
class Slot:
    """A class on a day that no other test touches."""

    class_id: str
    title: str
    on: date
    rows: tuple[PupilRow, ...]


@asynccontextmanager
async def started(school: School, size: tuple[int, int] = SMALL) -> AsyncIterator[Driver]:
    """Start the screens and end them with everything they hold."""
    app = OfficeApp(school.site, school.made.name)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            yield pilot
    finally:
        app.door.close()


@asynccontextmanager
async def at_home(school: School, size: tuple[int, int] = SMALL, name: str = "sato") -> AsyncIterator[Driver]:
    """Start the screens and log in."""
    async with started(school, size) as pilot:
        await log_in(pilot, name)
        yield pilot


@asynccontextmanager
async def in_class(
    school: School, slot: Slot, size: tuple[int, int] = SMALL, name: str = "sato"
) -> AsyncIterator[Driver]:
    """Start the screens, log in and open a class."""
    async with at_home(school, size, name) as pilot:
        await open_class(pilot, slot)
        yield pilot


async def log_in(pilot: Driver, name: str = "sato") -> None:
    """Type login and passphrase and wait for the first screen."""
    type_fast(pilot, *name, "enter", *PASSPHRASE, "enter")
    await screen_of(pilot, HomeScreen)
    await until(pilot, lambda: said(pilot, "#title") != "")


async def open_class(pilot: Driver, slot: Slot) -> AttendanceScreen:
    """Open a class without looking for it in the list."""
    await pilot.app.push_screen(AttendanceScreen(slot.class_id, slot.on))
    screen = await screen_of(pilot, AttendanceScreen)
    await until(pilot, lambda: screen.query_one(PupilTable).row_count == len(slot.rows))
    return screen


def type_fast(pilot: Driver, *keys: str) -> None:
    """Put keys on the queue all at once, as a fast typist, a paste or a slow line does."""
    for key in keys:
        name = {"-": "minus", " ": "space"}.get(key, key)
        pilot.app.post_message(events.Key(name, key if len(key) == 1 else None))


async def until(pilot: Driver, holds: Callable[[], bool], what: str = "") -> None:
    """Wait until something holds."""
    end = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{what}\n{shown(pilot)}")
        await asyncio.sleep(0.01)
    await pilot.pause()


async def opened(pilot: Driver, make: Callable[[], Any]) -> Any:
    """Open a screen, and take away what it says in a box of its own."""
    screen = make()
    await pilot.app.push_screen(screen)
    await pilot.pause()
    while pilot.app.screen is not screen:
        pilot.app.pop_screen()
        await pilot.pause()
    return screen


async def screen_of(pilot: Driver, kind: type[S]) -> S:
    """Wait for a screen of this kind and return it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted, kind.__name__)
    found = pilot.app.screen
    assert isinstance(found, kind)
    return found


async def sees(pilot: Driver, text: str) -> None:
    """Wait until a text is on the screen."""
    await until(pilot, lambda: text in shown(pilot), f"never shown: {text}")


def shown(pilot: Driver) -> str:
    """Return what a person sees, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def said(pilot: Driver, selector: str) -> str:
    """Return the text of a line, without the ends of folded lines."""
    return str(pilot.app.screen.query_one(selector, Static).content).replace("\n", "")


def office_of(pilot: Driver) -> OfficeApp:
    """Return the app, typed."""
    assert isinstance(pilot.app, OfficeApp)
    return pilot.app


def pupils(pilot: Driver) -> PupilTable:
    """Return the table of the open class."""
    return pilot.app.screen.query_one(PupilTable)


def marks(pilot: Driver) -> list[str]:
    """Return the 出欠 column of the open class."""
    return column(pilot, "code")


def column(pilot: Driver, key: str) -> list[str]:
    """Return a column of the open class."""
    table = pupils(pilot)
    return [table.get_cell(row.value or "", key).plain for row in table.rows]


def at_login(pilot: Driver) -> LoginScreen:
    """Return the login screen, which must be the one that is open."""
    screen = pilot.app.screen
    assert isinstance(screen, LoginScreen)
    return screen
