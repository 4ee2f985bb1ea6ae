"""F1: what the cursor is on, what the screen is for, and all that it can do, to be read, chosen or clicked."""

from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.actions import Action
from tui.i18n import _
from tui.screens.fieldhelp import FieldHelp, help_of, keys_of
from tui.wrap import fold

_WIDTH = 64
_KEY_NAMES = {"escape": "Esc", "enter": "Enter", "left": "←", "right": "→", "pageup": "PgUp", "pagedown": "PgDn"}


class HelpScreen(ModalScreen["str | None"]):
    """The explanation of one screen; returns the id of the action that was chosen, or None.

    `field` says what the cursor is on; where it is on nothing, it is empty.
    """

    BINDINGS = [Binding("escape,f1", "cancel", _("閉じる"))]

    def __init__(self, text: str, actions: tuple[Action, ...], field: str = "") -> None:
        super().__init__()
        self._text = text
        self._field = field
        self._actions = [action for action in actions if action.id not in ("help", "command_palette")]

    def compose(self) -> ComposeResult:
        """Yield field, text and actions."""
        options = [
            Option(f"{key_name(action.key):>5}  {action.explain}", id=action.id) for action in self._actions
        ]
        with Vertical(classes="dialog full"):
            with VerticalScroll(id="explained"):
                if self._field:
                    yield Static(fold(self._field, _WIDTH), id="field", markup=False)
                yield Static(fold(self._text, _WIDTH), markup=False)
            yield Static(_("できること"), classes="panel-title")
            yield OptionList(*options, id="doable", markup=False)
            yield Static(_("↑↓ と Enter かクリックで行う   Tab で説明へ   Esc で閉じる"), classes="hint")

    def on_mount(self) -> None:
        """Begin at the actions, on none of them: who read the help and presses Enter has chosen nothing."""
        doable = self.query_one(OptionList)
        doable.highlighted = None
        doable.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return what was chosen."""
        self.dismiss(event.option_id)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


def show_help(screen: Screen[Any], text: str, actions: tuple[Action, ...], field_help: FieldHelp) -> None:
    """Explain a screen, first what the cursor is on, and do there what is chosen."""
    field = help_of(screen.focused, field_help)
    told = f"▶ {field}\n{keys_of(screen.focused)}".rstrip() if field else ""

    async def chosen(action: str | None) -> None:
        if action is not None:
            await screen.run_action(action)

    screen.app.push_screen(HelpScreen(text, actions, told), chosen)


def key_name(key: str) -> str:
    """Return how a key is written for people."""
    return _KEY_NAMES.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)
