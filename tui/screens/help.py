"""F1: what this screen is for, and everything that it can do, to be read, chosen or clicked."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.actions import Action
from tui.i18n import _
from tui.wrap import fold

_WIDTH = 64
_KEY_NAMES = {"escape": "Esc", "enter": "Enter", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn"}


class HelpScreen(ModalScreen["str | None"]):
    """The explanation of one screen; returns the id of the action that was chosen, or None."""

    BINDINGS = [Binding("escape,f1", "cancel", _("閉じる"))]

    def __init__(self, text: str, actions: tuple[Action, ...]) -> None:
        super().__init__()
        self._text = text
        self._actions = [action for action in actions if action.id not in ("help", "command_palette")]

    def compose(self) -> ComposeResult:
        """Yield text and actions."""
        options = [
            Option(f"{key_name(action.key):>5}  {action.explain}", id=action.id) for action in self._actions
        ]
        with Vertical(classes="dialog full"):
            with VerticalScroll(id="explained"):
                yield Static(fold(self._text, _WIDTH), markup=False)
            yield Static(_("できること"), classes="panel-title")
            yield OptionList(*options, id="doable", markup=False)
            yield Static(_("↑↓ と Enter かクリックで行う   Tab で説明へ   Esc で閉じる"), classes="hint")

    def on_mount(self) -> None:
        """Begin at the actions."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return what was chosen."""
        self.dismiss(event.option_id)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


def key_name(key: str) -> str:
    """Return how a key is written for people."""
    return _KEY_NAMES.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)
