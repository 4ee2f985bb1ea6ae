"""What `doctor` found on one box: asked when the screen opens, the gravest first."""

import threading
from collections.abc import Callable
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from appliance.fleet.boxview import BoxView
from appliance.fleet.gathering import Checks
from appliance.messages import explain
from crypto.errors import KurabakoError
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.wrap import fold

_WIDTH: Final = 70
_GLYPHS: Final = {"bad": "✗", "warn": "▲", "ok": "✓", "none": "－"}


class ChecksScreen(Dialog[None]):
    """The checks of one box; Esc or Enter closes it."""

    BINDINGS = [Binding("escape,enter", "dismiss", _("閉じる"))]
    help_text = _("一台の箱の点検です。悪いものが上に出ます。")
    field_help = {
        "found": _("点検の結果。✗ は異常、▲ は注意、✓ は正常、－ は対象外です。→ は、すること。"),
    }

    class Answered(Message):
        """The box answered, or did not."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, view: BoxView, ask: Callable[[], Checks]) -> None:
        super().__init__()
        self._view = view
        self._ask = ask

    def compose(self) -> ComposeResult:
        """Yield the box and a line that says that it is being asked."""
        with VerticalScroll(id="found", classes="dialog full"):
            yield Static(f"{self._view.name}  {self._view.host}", classes="dialog-title", markup=False)
            yield Static(_("聞いています…"), id="checks", markup=False)
            yield Static(_("Esc で閉じる"), classes="hint")

    def on_mount(self) -> None:
        """Ask, in a thread that the end of the program does not wait for."""
        threading.Thread(target=self._run, name="checks", daemon=True).start()

    def _run(self) -> None:
        try:
            text = _shown(self._ask())
        except KurabakoError as error:
            told = explain(error)
            text = f"{told.sentence}\n{told.hint} [{told.code}]"
        self.post_message(self.Answered(text))

    def on_checks_screen_answered(self, event: Answered) -> None:
        """Show it."""
        self.query_one("#checks", Static).update(fold(event.text, _WIDTH))


def _shown(checks: Checks) -> str:
    order = [*_GLYPHS]
    lines = []
    for state, what, says, todo in sorted(checks, key=lambda one: order.index(one[0]) if one[0] in order else 0):
        lines.append(f"{_GLYPHS.get(state, '？')} {what}: {says}")
        if todo:
            lines.append(f"   → {todo}")
    return "\n".join(lines)
