"""What a person at the screen feels: the first paint, a key's effect, a page that the chair shows.

A time ends with the paint that shows the effect: the screens run with their real store, keeper and compositor, the
terminal alone is missing. A school of 600 pupils; a class that is large and a month of it. Opening a room has its
own figure: nobody presses a key for what is not yet painted.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from textual import events
from textual.widgets import DataTable, Input, OptionList

import tui.app
from appliance.demo.agenda import demo_agenda
from appliance.views import ClassView
from tests.school import PASSPHRASE, SCHOOL_DAY, School, enrol
from tui import pauses
from tui.app import OfficeApp
from tui.screens.attendance import AttendanceScreen
from tui.screens.base import OfficeScreen
from tui.screens.home import HomeScreen
from tui.screens.login import LoginScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.month import MonthScreen
from tui.screens.problem import ProblemScreen
from tui.widgets.monthtable import MonthTable
from tui.widgets.pupiltable import PupilTable

DAY = date(2026, 11, 10)
STARTS = 5
KEYS = 200
PAGES = 60
_PATIENCE_S = 180.0  # what never comes ends a run; a machine under load is only slow
_LOOK_S = 0.002
_NEXT_S = 0.02  # until a person's next key
_REACTION_S = 0.25  # nobody presses a key sooner for what has just been painted


@dataclass
class Felt:
    """Seconds: from the start to the first paint; from opening a room to its first paint with what it shows; from
    a key to its paint by what it does; from page to page. `control` is a fixed piece of work, as often and after
    the same pauses as keys: what is slow about it is the machine."""

    first_paint: list[float] = field(default_factory=list)
    class_opens: list[float] = field(default_factory=list)
    month_opens: list[float] = field(default_factory=list)
    move: list[float] = field(default_factory=list)
    mark: list[float] = field(default_factory=list)
    month: list[float] = field(default_factory=list)
    follow: list[float] = field(default_factory=list)
    control: list[float] = field(default_factory=list)


class Painted(OfficeApp):
    """The office that knows the first paint at which something holds."""

    CSS_PATH = str(Path(tui.app.__file__).with_name("office.tcss"))
    wanted: Callable[[], bool] | None = None
    painted = 0.0

    def _display(self, *args: Any) -> None:
        super()._display(*args)
        if self.wanted is not None and self.wanted():
            self.wanted, self.painted = None, time.monotonic()


def measure(folder: Path) -> Felt:
    """Play everything once."""
    folder.mkdir()
    school = enrol(folder)
    try:
        return asyncio.run(_play(school))
    finally:
        school.close()


async def _play(school: School) -> Felt:
    felt = Felt()
    pauses.keep_out_of_the_way()  # as where the office is launched
    for _ in range(STARTS):
        begun = time.monotonic()
        async with _seat(school) as app:
            felt.first_paint.append(app.painted - begun)
    async with _seat(school) as app:
        await _log_in(app, "sato")
        for _ in range(STARTS):
            await _class(app, felt, 0)
            await _month(app, felt, 0)
        await _class(app, felt, KEYS)
        await _month(app, felt, KEYS)
    async with _meeting(school, "kyoto") as chair, _meeting(school, "sato") as other:
        await _follow(chair, other, felt)
    return felt


async def _class(app: Painted, felt: Felt, keys: int) -> None:
    view = _largest(app)
    room = AttendanceScreen(view.class_id, DAY)
    felt.class_opens.append(await _enter(app, room, lambda: room.query_one(PupilTable).row_count > 0))
    table = room.query_one(PupilTable)
    for number in range(keys):
        place, key = table.cursor_row, "down" if (number // (view.pupils - 1)) % 2 == 0 else "up"
        felt.move.append(await _press(app, key, _left(table, place)))
    for number in range(keys):
        table.move_cursor(row=0)
        await _until(lambda: table.cursor_row == 0, app)
        await asyncio.sleep(_NEXT_S)  # painted: it was no key that put the cursor there
        before = [str(cell) for cell in table.get_row_at(0)]
        key = "bj"[number % 2]
        felt.mark.append(await _press(app, key, _other(table, before)))
        felt.control.append(_control())
        await asyncio.sleep(_NEXT_S)
    await _home(app)


async def _month(app: Painted, felt: Felt, keys: int) -> None:
    view = _largest(app)
    room = MonthScreen(view.class_id, DAY)
    felt.month_opens.append(await _enter(app, room, lambda: room.query_one(MonthTable).place is not None))
    table = room.query_one(MonthTable)
    for number in range(keys):
        row = table.cursor_row
        key = "down" if (number // (view.pupils - 1)) % 2 == 0 else "up"
        felt.month.append(await _press(app, key, _left(table, row)))
    await _home(app)


def _largest(app: Painted) -> ClassView:
    office = app.door.office
    assert office is not None
    return max(office.attendance.classes(DAY), key=lambda view: view.pupils)


async def _enter(app: Painted, room: OfficeScreen, filled: Callable[[], bool]) -> float:
    """Open a room; return the seconds to its first paint with what it shows."""
    shows = _shows(app, time.monotonic(), lambda: app.screen is room and filled())
    app.push_screen(room)
    took = await shows
    await asyncio.sleep(_REACTION_S)
    return took


async def _home(app: Painted) -> None:
    app.pop_screen()
    await _until(lambda: isinstance(app.screen, HomeScreen), app)
    await asyncio.sleep(_REACTION_S)


@asynccontextmanager
async def _meeting(school: School, name: str) -> AsyncIterator[Painted]:
    """Log in and open the meeting; before another app starts, whose screens these would else belong to."""
    meeting, items = demo_agenda(SCHOOL_DAY)
    async with _seat(school) as app:
        await _log_in(app, name)
        app.push_screen(MeetingScreen(meeting.id))
        await _until(_open(app, len(items)), app)
        await asyncio.sleep(_REACTION_S)
        yield app


async def _follow(chair: Painted, other: Painted, felt: Felt) -> None:
    theirs = other.screen.query_one("#items", OptionList)
    chair.post_message(events.Key("l", "l"))
    await _until(lambda: "▶" in str(theirs.get_option_at_index(0).prompt), chair)
    for number in range(PAGES):
        key = "down" if (number // (theirs.option_count - 1)) % 2 == 0 else "up"
        place = theirs.highlighted
        shows = _shows(other, time.monotonic(), _turned(theirs, place))
        chair.post_message(events.Key(key, None))
        felt.follow.append(await shows)
        await asyncio.sleep(0.03)  # not in step with the tenth of a second at which followers look


def _left(table: DataTable[Any], row: int) -> Callable[[], bool]:
    return lambda: table.cursor_row != row


def _other(table: DataTable[Any], row: list[str]) -> Callable[[], bool]:
    return lambda: [str(cell) for cell in table.get_row_at(0)] != row


def _turned(options: OptionList, place: int | None) -> Callable[[], bool]:
    return lambda: options.highlighted != place


def _open(app: Painted, items: int) -> Callable[[], bool]:
    def opened() -> bool:
        screen = app.screen
        return isinstance(screen, MeetingScreen) and any(o.option_count == items for o in screen.query(OptionList))

    return opened


async def _log_in(app: Painted, name: str) -> None:
    await _until(lambda: isinstance(app.screen, LoginScreen) and isinstance(app.screen.focused, Input), app)
    for key in (*name, "enter", *PASSPHRASE, "enter"):
        app.post_message(events.Key({"-": "minus"}.get(key, key), key if len(key) == 1 else None))
    await _until(
        lambda: isinstance(app.screen, HomeScreen) and any(t.row_count for t in app.screen.query(DataTable)), app
    )


async def _press(app: Painted, key: str, holds: Callable[[], bool]) -> float:
    """Return the seconds from a key to the paint that shows its effect."""
    shows = _shows(app, time.monotonic(), holds)
    app.post_message(events.Key(key, key if len(key) == 1 else None))
    took = await shows
    await asyncio.sleep(_NEXT_S)
    return took


def _control() -> float:
    """Return the seconds of some milliseconds of work that is always the same."""
    began = time.monotonic()
    made = dict[int, str]()
    for number in range(20_000):
        made[number % 97] = str(number)
    return time.monotonic() - began


def _shows(app: Painted, begun: float, holds: Callable[[], bool]) -> Awaitable[float]:
    """Return, once awaited, the seconds up to the paint at which something holds."""
    app.wanted = holds

    async def wait() -> float:
        await _until(lambda: app.wanted is None, app)
        return app.painted - begun

    return wait()


async def _until(holds: Callable[[], bool], app: Painted) -> None:
    """Wait without taking the processor from what is waited for: what is measured is when it was painted.

    A keeper that did not answer in time is told on the screen, and what was waited for never comes.
    """
    end = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > end or isinstance(app.screen, ProblemScreen):
            seen = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
            raise AssertionError("\n".join(["never shown", *seen]))
        await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def _seat(school: School) -> AsyncIterator[Painted]:
    app = Painted(school.site, school.made.name)
    app.wanted = lambda: isinstance(app.screen, LoginScreen) and bool(app.screen.query(Input))
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            await _until(lambda: app.wanted is None, app)
            yield app
            await pilot.pause()
    finally:
        app.door.close()
