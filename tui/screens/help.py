"""F1: what this screen is for and what its keys do."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import Action
from tui.i18n import _
from tui.wrap import fold

_WIDTH = 66
_KEY_NAMES = {"escape": "Esc", "enter": "Enter", "left": "←", "right": "→"}


class HelpScreen(ModalScreen[None]):
    """The explanation of one screen; any of Esc, Enter and F1 closes it."""

    BINDINGS = [
        Binding("escape,enter,f1", "dismiss", _("閉じる")),
    ]

    def __init__(self, text: str, actions: tuple[Action, ...]) -> None:
        super().__init__()
        self._text = text
        self._actions = actions

    def compose(self) -> ComposeResult:
        """Yield text and keys."""
        lines = [f"{key_name(action.key):>5}  {action.explain}" for action in self._actions]
        with VerticalScroll(classes="dialog wide"):
            yield Static(_("使い方"), classes="dialog-title")
            yield Static(fold(self._text, _WIDTH) + "\n\n" + "\n".join(lines), markup=False)
            yield Static(_("Esc で閉じる"), classes="hint")


def key_name(key: str) -> str:
    """Return how a key is written for people."""
    return _KEY_NAMES.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)
