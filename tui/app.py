"""The office screen: wires screens together, holds the door, locks itself when nobody is there.

Invariant: nothing of the school stays in this process after `lock` or `leave`: the office is closed and every
screen that showed it is taken down.
"""

import time
from collections.abc import Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from rich.segment import Segments
from rich.traceback import Traceback
from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen

from appliance.login import login, login_only
from appliance.office import Office
from appliance.views import FoundPupil, Who
from crypto.errors import KurabakoError
from tui import palette, pauses
from tui.door import Door, NotLoggedInError
from tui.i18n import _
from tui.looks import wear
from tui.screens.attendance import AttendanceScreen
from tui.screens.base import OfficeScreen
from tui.screens.contacts import ContactsScreen
from tui.screens.emergency import OpeningScreen
from tui.screens.find import FindScreen
from tui.screens.help import key_name
from tui.screens.home import HomeScreen
from tui.screens.login import LoginScreen
from tui.screens.problem import ProblemScreen
from tui.toasts import ToastingApp

_NEWLINE = "ctrl+j"
_LOOK_S = 5.0
_PAUSE_S = 3.0
RENEWED: Final = -1
"""The screen was locked and wants to go on in a process that never held a key."""


class OfficeApp(ToastingApp):
    """One site's office."""

    CSS_PATH = "office.tcss"
    TITLE = "蔵箱"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING: ClassVar[str] = "f9"

    def __init__(
        self,
        site_dir: Path,
        school: str,
        locked: str = "",
        *,
        renews: bool = False,
        pictures: str = "blocks",
        only: str = "",
    ) -> None:
        super().__init__()
        self.door: Door[Office] = Door(site_dir, partial(login_only, only) if only else login)
        self._only_login = only
        self._school = school
        self._touched = time.monotonic()
        self._rested = self._touched
        self._renews = renews
        self.pictures = pictures
        """How this terminal draws pictures: sixel, kitty or blocks."""
        self.login_name = locked
        """Who left the seat, or is at it."""

    @property
    def who(self) -> Who | None:
        """Return who is logged in."""
        return self.door.office.who if self.door.office is not None else None

    def on_mount(self) -> None:
        """Ask who is there."""
        self.theme = "textual-ansi" if self.ansi_color else "textual-dark"
        self.push_screen(self._locked() if self.login_name else LoginScreen(self._school, self._only_login))
        self.set_interval(_LOOK_S, self._lock_if_idle)
        self.set_interval(_PAUSE_S, self._rest_if_quiet)

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there."""
        if isinstance(event, events.Key | events.Paste | events.MouseDown):
            self._touched = time.monotonic()
        if isinstance(event, events.Key) and event.key == _NEWLINE:
            event = events.Key(
                "enter", "\r"
            )  # typed before the screen had the terminal: that made a newline of it
        # Here and not in the screen: a fast typist's keys are already on their way to the first line, and a
        # passphrase must not end up where it can be read.
        enter = isinstance(event, events.Key) and event.key == "enter"
        if enter and isinstance(self.screen, LoginScreen | OpeningScreen) and self.screen.to_next_line():
            return
        await super().on_event(event)

    async def entered(self, name: str) -> None:
        """Open the first screen."""
        self._touched = time.monotonic()
        self.login_name = name
        wear(self, await self.door.call(lambda office: office.look()))
        await self._only(HomeScreen())

    async def lock(self) -> None:
        """Forget the keys and everything shown; ask for the passphrase of the same person.

        Where the process is renewed, only the new one says that it is locked: it is true of no other.
        """
        await self.door.leave()
        self.clear_notifications()
        if self._renews:
            self.exit(RENEWED)
        else:
            await self._only(self._locked())

    async def leave(self) -> None:
        """Log out and end."""
        await self.door.leave()
        self.exit(0)

    def find_pupil(self) -> None:
        """Look for a pupil and open the class there."""
        office = self.door.office
        if office is None:
            return
        today = office.today()

        def go(hit: FoundPupil | None) -> None:
            if hit is not None:
                self.push_screen(AttendanceScreen(hit.class_id, today, hit.pupil_id))

        self.push_screen(FindScreen(self.door, today, lambda hit: self.show_contacts(hit.pupil_id, today)), go)

    async def show_contacts(self, pupil_id: str, on: date) -> None:
        """Show whom to ring for a pupil; a refusal is told and opens nothing."""
        try:
            contacts = await self.door.call(lambda office: office.contacts.of_pupil(pupil_id, on))
        except NotLoggedInError:
            return
        except KurabakoError as error:
            self.push_screen(ProblemScreen(error))
        else:
            self.push_screen(ContactsScreen(contacts))

    def _fatal_error(self) -> None:
        """Tell where the program failed, without the values of variables: a pupil's data may be among them."""
        self.bell()
        self._exit_renderables.append(Segments(self.console.render(Traceback(width=None, show_locals=False))))
        self._close_messages_no_wait()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer what applies to the open screen."""
        yield from palette.commands(screen)

    def action_command_palette(self) -> None:
        """Open the palette where there is something to choose, with a line in the language of the screens."""
        if isinstance(self.screen, OfficeScreen):
            self.push_screen(CommandPalette(placeholder=_("操作を探す…"), id="--command-palette"))

    def get_key_display(self, binding: Binding) -> str:
        """Return how the footer writes a key."""
        return key_name(binding.key)

    def _locked(self) -> LoginScreen:
        return LoginScreen(self._school, self.login_name, _("施錠しました。合言葉で戻れます。"))

    async def _only(self, screen: Screen[None]) -> None:
        """Take every screen down and show this one."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.push_screen(screen)

    def _rest_if_quiet(self) -> None:
        """Clear up once after somebody typed, when they have paused and do not watch what somebody else shows."""
        shown = self.screen_stack[-1:]  # nothing, while the program ends
        watching = any(isinstance(screen, OfficeScreen) and screen.watching for screen in shown)
        if self._rested < self._touched < time.monotonic() - _PAUSE_S and not watching:
            self._rested = time.monotonic()
            pauses.rest()

    async def _lock_if_idle(self) -> None:
        office = self.door.office
        if office is not None and time.monotonic() - self._touched > office.lock_after_s:
            await self.lock()
