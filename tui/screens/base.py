"""What every screen of the open office has: the line at the bottom, errors in words, the way home.

Invariant: a failed call leaves the screen as it was and shows what happened; nothing fails in silence.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Footer

from appliance.office import Office
from appliance.views import Light
from crypto.errors import KurabakoError
from tui.actions import Action, bindings
from tui.compositor import LineCompositor
from tui.door import NotLoggedInError
from tui.i18n import _
from tui.looks import LOOKS, after, wear
from tui.screens.correction import CorrectionScreen
from tui.screens.fieldhelp import FieldHelp
from tui.screens.help import show_help
from tui.screens.problem import ProblemScreen
from tui.widgets.lightbar import LightBar

if TYPE_CHECKING:
    from tui.app import OfficeApp

T = TypeVar("T")
_SECOND = 1.0
_FRAME_S = 1 / 1000
"""After a paint Textual waits for one to two frames of 1/60 s; a mark is the second paint after its key."""


class OfficeScreen(Screen[None]):
    """A screen of the open office.

    Sub-classes give `actions`, `help_text`, `field_help`, `body`, `refresh_data`, `locked`.
    """

    actions: tuple[Action, ...] = ()
    help_text = ""
    field_help: FieldHelp = {}
    locked = False  # what it shows is of importance I or II

    def __init_subclass__(cls, **rest: Any) -> None:
        """Make the key bindings from the registry of actions."""
        cls.BINDINGS = list(bindings(cls.actions))
        super().__init_subclass__(**rest)

    def __init__(self) -> None:
        super().__init__()
        self._compositor = LineCompositor()
        self._token = -1
        self._lease_over = False
        self._opened_once = False
        self._seen_before = False
        self._fitted: Size | None = None
        self._frames: Timer | None = None

    @property
    def office_app(self) -> "OfficeApp":
        """Return the app, typed."""
        from tui.app import OfficeApp

        assert isinstance(self.app, OfficeApp)  # noqa: S101 - these screens exist in no other
        return self.app

    @property
    def watching(self) -> bool:
        """Say whether somebody else decides at what moment it changes."""
        return False

    @property
    def _update_timer(self) -> Timer:
        """Return the clock of paints."""
        if self._frames is None:
            self._frames = self.set_interval(_FRAME_S, self._on_timer_update, name="screen_update", pause=True)
        return self._frames

    def paint(self, *changed: Widget) -> None:
        """Paint widgets that changed at once: what a key did need not wait until everything else was looked at."""
        self._dirty_widgets.update(changed)
        self._on_timer_update()

    def body(self) -> ComposeResult:
        """Yield what is between the title and the bottom lines."""
        yield from ()

    def compose(self) -> ComposeResult:
        """Yield body, light and footer."""
        yield from self.body()
        yield LightBar()
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        """Fill the screen and look for news every second.

        Textual calls the handlers of every class, so it calls this one again after a sub-class did.
        """
        if self._opened_once:
            return
        self._opened_once = True
        await self.reload()
        self.fits()
        self.set_interval(_SECOND, self.look)

    async def on_screen_resume(self) -> None:
        """Fill the screen again after another one lay above it."""
        if self._seen_before and self._token >= 0:
            await self.reload()
        self._seen_before = True

    def fits(self) -> bool:
        """Say whether the terminal is as large as when this was asked last, so that what is shown still fits."""
        fitted, self._fitted = self._fitted, self.app.size
        return fitted == self._fitted

    async def look(self) -> None:
        """Show the light, and the data again when somebody kept something."""
        if self.app.screen is not self:
            return
        seen = await self.ask(lambda office: (office.light(), office.changed_since(self._token)), quiet=True)
        if seen is None:
            return
        light, (token, changed) = seen
        self.show_light(light)
        if light.lease_over and not self._lease_over:
            await self.lease_ended()
        self._lease_over = light.lease_over
        if changed and self.app.screen is self:
            self._token = token
            await self.refresh_data()

    async def lease_ended(self) -> None:
        """Take away what may no longer be open: the whole screen, where all of it is of importance I or II."""
        if not self.locked:
            await self.refresh_data()
            return
        told = _("教育委員会の許可（リース）が切れたので、Ⅰ・Ⅱの画面を閉じました。")
        self.notify(told, severity="warning")
        self.action_back()

    async def reload(self) -> None:
        """Fill the screen now."""
        seen = await self.ask(lambda office: (office.light(), office.changed_since(self._token)))
        if seen is not None:
            self.show_light(seen[0])
            self._token = seen[1][0]
            await self.refresh_data()

    def show_light(self, light: Light) -> None:
        """Show how far the entries have got."""
        self.query_one(LightBar).show(light, self.office_app.door.busy_s)

    async def refresh_data(self) -> None:
        """Read what the screen shows."""

    async def ask(self, what: Callable[[Office], T], *, quiet: bool = False) -> T | None:
        """Run something on the office; on failure show it and return None."""
        try:
            return await self.office_app.door.call(what)
        except NotLoggedInError:
            return None
        except KurabakoError as error:
            if not quiet:
                self.app.push_screen(ProblemScreen(error))
            return None

    def give_reason(self, what: str, then: Callable[[str], Awaitable[None]]) -> None:
        """Ask why a confirmed day is corrected, then go on; without a reason nothing is."""

        async def ask() -> None:
            reasons = await self.ask(lambda office: office.attendance.corrections())

            async def given(why: str | None) -> None:
                if why is not None:
                    await then(why)

            if reasons is not None:
                self.app.push_screen(CorrectionScreen(what, reasons), given)

        self.run_worker(ask())

    def action_help(self) -> None:
        """Explain what the cursor is on and what this screen can do, and do what is chosen there."""
        show_help(self, self.help_text, self.actions, self.field_help)

    def action_back(self) -> None:
        """Go to the screen below."""
        self.app.pop_screen()

    async def action_look(self) -> None:
        """Wear the next look, and remember it for this person on this box."""
        name = await self.ask(lambda office: office.keep_look(after(self.app.theme)))
        if name is not None:
            wear(self.office_app, name)
            self.notify(_("見え方: {name}").format(name=LOOKS[name]))

    def action_find(self) -> None:
        """Look for a pupil."""
        self.office_app.find_pupil()

    async def action_lock(self) -> None:
        """Leave the seat: keys are forgotten, the place is remembered."""
        await self.office_app.lock()

    async def action_leave(self) -> None:
        """Log out and end."""
        await self.office_app.leave()
