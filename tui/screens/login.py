"""Logging in.

Invariant: the passphrase is in the input line only and is wiped from it at once, whether it was right or not.
"""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Center, Vertical
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from appliance.messages import explain
from crypto.errors import KurabakoError, WrongPassphraseError
from sync.errors import UnknownLoginError
from tui.actions import LOGIN, bindings
from tui.i18n import _
from tui.screens.help import show_help
from tui.wrap import fold

if TYPE_CHECKING:
    from tui.app import OfficeApp

_WIDTH = 50  # two cells less than the box: a closing mark may stand beyond the line
_HELP = _("""利用者名と合言葉を入れて Enter を押してください。
線が切れていても入れます。記録は箱の中にあり、鍵は入っている間だけこの画面にあります。
合言葉を続けて間違えると、しばらく入れなくなります。""")


class LoginScreen(Screen[None]):
    """Asks who is there. `name` and `note` are shown after a lock."""

    BINDINGS = list(bindings(LOGIN))
    field_help = {
        "login-name": _("利用者名。学校で決めた、あなたの名前です。例 sato。Enter で合言葉に進みます。"),
        "passphrase": _(
            "合言葉。あなたが決めたものです。打った文字は見えません。Enter で入ります。"
            "忘れたら、教育委員会に知らせてください。"
        ),
    }

    def __init__(self, school: str, name: str = "", note: str = "") -> None:
        super().__init__()
        self._school = school
        self._login_name = name
        self._note = note

    def compose(self) -> ComposeResult:
        """Yield the two lines."""
        with Center(), Vertical(id="login-box"):
            yield Static(_("蔵箱  くらばこ"), id="login-title")
            yield Static(self._school, markup=False, id="login-school")
            yield Static(_("利用者名"))
            yield Input(self._login_name, id="login-name", max_length=64)
            yield Static(_("合言葉"))
            yield Input(password=True, id="passphrase", max_length=256)
            yield Static(self._note, markup=False, id="login-note")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin with the line that is empty."""
        self.query_one("#passphrase" if self._login_name else "#login-name", Input).focus()

    def on_input_submitted(self) -> None:
        """Log in."""
        field = self.query_one("#passphrase", Input)
        passphrase, field.value = field.value, ""
        self._say(_("確かめています…"), "checking")
        self.run_worker(self._enter(passphrase), exclusive=True)

    def to_next_line(self) -> bool:
        """Go from the first line to the second; False when the focus was not on the first."""
        if self.focused is not self.query_one("#login-name", Input):
            return False
        self.set_focus(self.query_one("#passphrase", Input))
        return True

    async def _enter(self, passphrase: str) -> None:
        app = self._office_app
        name = self.query_one("#login-name", Input).value.strip()
        try:
            await app.door.enter(name, passphrase)
        except KurabakoError as error:
            # One answer for both, or the screen would tell a stranger which logins exist.
            wrong = isinstance(error, WrongPassphraseError)
            told = explain(UnknownLoginError(operation="log in") if wrong else error)
            self._say(fold(f"{told.sentence}\n{told.hint} [{told.code}]", _WIDTH), "problem")
            return
        app.call_later(app.entered, name)  # this worker ends with the screen that entered() takes down

    def action_help(self) -> None:
        """Explain the line that the cursor is in, and how to log in."""
        show_help(self, _HELP, LOGIN, self.field_help)

    def action_leave(self) -> None:
        """End."""
        self.app.exit(0)

    def _say(self, text: str, kind: str) -> None:
        note = self.query_one("#login-note", Static)
        note.set_classes(kind)
        note.update(text)

    @property
    def _office_app(self) -> "OfficeApp":
        from tui.app import OfficeApp

        assert isinstance(self.app, OfficeApp)  # noqa: S101 - this screen exists in no other
        return self.app
