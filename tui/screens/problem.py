"""An error in words: what happened, whether the data is safe, what to do, the code."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.messages import explain
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.wrap import fold

_WIDTH = 50


class ProblemScreen(Dialog[None]):
    """One failure. `c` copies the code."""

    BINDINGS = [
        Binding("escape,enter", "dismiss", _("閉じる")),
        Binding("c", "copy_code", _("コードを写す")),
    ]
    help_text = _(
        "できなかったわけと、すること（→）です。いちばん下のコードは、問い合わせるときに伝えてください。"
        "c で写せます。"
    )

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.told = explain(error)

    def compose(self) -> ComposeResult:
        """Yield sentence, hint and code."""
        with Vertical(classes="dialog problem"):
            yield Static(_("できませんでした"), classes="dialog-title")
            yield Static(fold(self.told.sentence, _WIDTH), markup=False)
            yield Static(fold("→ " + self.told.hint, _WIDTH), markup=False, classes="todo")
            yield Static(f"[{self.told.code}]  {_('c で写す   Enter で閉じる')}", markup=False, classes="hint")

    def action_copy_code(self) -> None:
        """Copy the code to the clipboard of the terminal."""
        self.app.copy_to_clipboard(self.told.code)
        self.notify(_("コードを写しました"))
