"""What every dialog has: F1, which explains what the cursor is on, and a word at its lower edge that says so.

Invariant: the help lies above the dialog, which keeps all that was typed and the cursor where it was.
"""

from typing import TypeVar

from textual import on
from textual.binding import Binding
from textual.events import Mount
from textual.screen import ModalScreen

from tui.actions import HELP, Action
from tui.i18n import _
from tui.screens.fieldhelp import FieldHelp
from tui.screens.help import show_help

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A question or a list above a screen. Sub-classes give `help_text`, and `field_help` for each field."""

    BINDINGS = [Binding(HELP.key, HELP.id, HELP.label)]
    help_text = ""
    field_help: FieldHelp = {}

    @on(Mount)
    def _name_the_key(self) -> None:
        """Say at the lower edge which key explains; it can be clicked."""
        self.query_one(".dialog").border_subtitle = f"[@click=screen.help]{_('F1 説明')}[/]"

    def action_help(self) -> None:
        """Explain what the cursor is on and what can be done here, and do what is chosen there."""
        own = [bound for bound in self.BINDINGS if isinstance(bound, Binding) and bound.description]
        own.sort(key=lambda bound: bound.key.startswith("escape"))  # what gives up comes last
        doable = (Action(one.action, one.key.split(",")[0], one.description, one.description) for one in own)
        show_help(self, self.help_text, tuple(doable), self.field_help)
