"""The terminal at the entrance: a clock, in or out, and one line that takes a card or a short code.

Invariant: what was typed leaves the line at once and is never shown; a punch is called kept only after the keeper
acknowledged it. The keys live in this process, which can open importance IV only.
"""

from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Digits, Footer, Input, Static

from appliance.hours.punching import PunchDesk, Punched
from appliance.hours.reckoning import Way
from appliance.login import login_terminal
from appliance.messages import explain
from appliance.session import JST
from crypto.errors import KurabakoError
from tui.actions import HELP
from tui.door import Door, NotLoggedInError
from tui.i18n import _, day_text
from tui.launch import require_terminal
from tui.screens.ask import YesNoScreen
from tui.screens.help import key_name
from tui.toasts import ToastingApp
from tui.widgets.lightbar import LightBar
from tui.wrap import fold

_HELP: Final = _("""カードか番号の欄。例 職員証をかざす、または自分の番号を打って Enter を押す。
打った文字は見えません。← を押すと出勤、→ を押すと退勤になります。""")
_NOON: Final = 12
_SHOWN_S: Final = 6.0
_CHOSEN_S: Final = 30.0
_SECOND: Final = 1.0


class PunchApp(ToastingApp):
    """One site's entrance."""

    CSS_PATH = "office.tcss"
    TITLE = "蔵箱"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "come", _("出勤"), priority=True),
        Binding("right", "go", _("退勤"), priority=True),
        Binding(HELP.key, HELP.id, HELP.label, priority=True),
        Binding("f10", "leave", _("終了"), priority=True),
    ]

    def __init__(self, site_dir: Path, name: str, passphrase: str) -> None:
        super().__init__()
        self.door: Door[PunchDesk] = Door(site_dir, login_terminal)
        self._login = name, passphrase
        self.failure: KurabakoError | None = None
        """Why it could not begin."""
        self._way: tuple[Way, float] | None = None
        self._told_at = 0.0

    def compose(self) -> ComposeResult:
        """Yield school and day, the clock, in or out, the line, what was kept."""
        yield Static("", id="title", markup=False)
        yield Digits("", id="clock")
        yield Static("", id="way", markup=False)
        yield Input(id="card", password=True, max_length=64, placeholder=_("カードをかざすか、番号を打って Enter"))
        yield Static("", id="punched", markup=False)
        yield LightBar()
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        """Log in, then begin."""
        (name, passphrase), self._login = self._login, ("", "")
        try:
            await self.door.enter(name, passphrase)
        except KurabakoError as error:
            self.failure = error
            self.exit(1)
            return
        self.query_one("#card", Input).focus()
        self.set_interval(_SECOND, self._tick)
        await self._tick()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to a question that is open, and to its help."""
        return not isinstance(self.screen, ModalScreen)

    def get_key_display(self, binding: Binding) -> str:
        """Return how the footer writes a key."""
        return key_name(binding.key)

    @property
    def way(self) -> Way:
        """Return what the next card means: what was chosen a moment ago, else by the time of day."""
        if self._way is not None and self._now - self._way[1] < _CHOSEN_S:
            return self._way[0]
        return Way.IN if datetime.now(JST).hour < _NOON else Way.OUT

    @property
    def _now(self) -> float:
        return self._loop.time() if self._loop is not None else 0.0

    async def _tick(self) -> None:
        now = datetime.now(JST)
        desk = self.door.office
        if desk is None:
            return
        self.query_one("#title", Static).update(f"{desk.school_name}  {day_text(now.date())}")
        self.query_one("#clock", Digits).update(f"{now:%H:%M}")
        self._show_way()
        if self._told_at and self._now - self._told_at > _SHOWN_S:
            self._say("", "")
        try:
            light = await self.door.call(lambda desk: desk.light())
        except (KurabakoError, NotLoggedInError):
            return
        self.query_one(LightBar).show(light, self.door.busy_s)

    def _show_way(self) -> None:
        come, go = (_("出勤"), _("退勤"))
        words = (f"▶ {come} ◀    {go}  ", f"  {come}    ▶ {go} ◀")[self.way is Way.OUT]
        self.query_one("#way", Static).update(words)

    def action_come(self) -> None:
        """Let the next card mean coming."""
        self._way = Way.IN, self._now
        self._show_way()

    def action_go(self) -> None:
        """Let the next card mean going."""
        self._way = Way.OUT, self._now
        self._show_way()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take a card and be ready for the next one."""
        event.stop()
        card, event.input.value = event.value, ""
        if card.strip():
            self.run_worker(self._punch(card, self.way))

    async def _punch(self, card: str, way: Way) -> None:
        try:
            punched = await self.door.call(lambda desk: desk.punch(card, way))
        except NotLoggedInError:
            return
        except KurabakoError as error:
            told = explain(error)
            self.bell()
            self._say(f"⚠ {told.sentence}\n{told.hint} [{told.code}]", "bad")
            return
        self._way = None
        self._say(_words(punched), "good")

    def _say(self, text: str, kind: str) -> None:
        line = self.query_one("#punched", Static)
        line.set_classes(kind)
        line.update(fold(text, self.size.width - 8))
        self._told_at = self._now if text else 0.0

    def action_help(self) -> None:
        """Explain the line where the answers stand: a box above it would take the next one's card."""
        self._say(_HELP, "")

    def action_leave(self) -> None:
        """Ask, then end: whoever passes by shall not close the entrance by one key."""

        async def answered(yes: bool | None) -> None:
            if yes:
                await self.door.leave()
                self.exit(0)

        question = _("打刻の画面を終わりますか。もう一度開くには合言葉が要ります。")
        self.push_screen(YesNoScreen(question, _("終わる")), answered)


def _words(punched: Punched) -> str:
    way = _("出勤") if punched.way is Way.IN else _("退勤")
    kept = _("✓ {name} さん  {way} {at:%H:%M} を記録しました")
    again = _("{name} さん  {way} {at:%H:%M} は、もう記録してあります")
    return (again if punched.again else kept).format(name=punched.name, way=way, at=punched.at)


def run(site_dir: Path, name: str, passphrase: str) -> int:
    """Run the terminal until somebody ends it; return the exit code. Raises why it could not begin."""
    require_terminal()
    app = PunchApp(site_dir, name, passphrase)
    try:
        code = app.run()
    finally:
        app.door.close()
    if app.failure is not None:
        raise app.failure
    return code if code is not None else app.return_code or 0
