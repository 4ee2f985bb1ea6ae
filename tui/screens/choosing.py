"""Choosing one thing by words of its title: a document, a meeting.

Invariant: what is listed was asked for through the office's door; nothing is chosen but what is listed.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from crypto.errors import KurabakoError
from tui.door import NotLoggedInError
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.widgets.hits import MOST, Hits
from tui.wrap import cut

if TYPE_CHECKING:
    from appliance.office import Office
    from tui.door import Door

    Find = Callable[[Office, str], Sequence[tuple[str, str]]]

_TITLE: Final = 60


class ChooseScreen(Dialog["str | None"]):
    """Returns the id of what was chosen; `find` gives id and line of what fits the words that were typed."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("down", "to_list", show=False)]
    help_text = _("一つを選びます。上にことばを打つと、候補が減ります。")
    field_help = {
        "paper": _(
            "選ぶものを探すことば。打つと、下の候補が減ります。例 避難訓練。Enter で、いちばん上を選びます。"
        ),
        "hits": _("選べるものの一覧。Enter で決めます。"),
    }

    def __init__(self, door: "Door[Office]", title: str, placeholder: str, find: "Find") -> None:
        super().__init__()
        self._door = door
        self._title, self._placeholder, self._find_all = title, placeholder, find

    def compose(self) -> ComposeResult:
        """Yield the line and the list."""
        with Vertical(classes="dialog wide"):
            yield Static(self._title, classes="dialog-title")
            yield Input(placeholder=self._placeholder, id="paper")
            yield Hits("hits", _("まだ何もありません。"))
            yield Static(_("↓ で一覧へ   Enter で選ぶ   Esc でやめる"), classes="hint")

    async def on_mount(self) -> None:
        """Show the newest and begin to type."""
        self.query_one(Input).focus()
        await self._find("")

    async def on_input_changed(self, event: Input.Changed) -> None:
        """Search again."""
        await self._find(event.value)

    async def _find(self, words: str) -> None:
        found: Sequence[tuple[str, str]] | None = None
        try:
            found = await self._door.call(lambda office: self._find_all(office, words))
        except NotLoggedInError:
            return
        except KurabakoError:
            pass
        if words == self.query_one(Input).value:
            lines = None if found is None else [(thing, cut(line, _TITLE)) for thing, line in found[:MOST]]
            self.query_one(Hits).show(words, lines)

    def on_input_submitted(self) -> None:
        """Take the first."""
        first = self.query_one(Hits).first
        if first is not None:
            self.dismiss(first)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the chosen one."""
        self.dismiss(event.option.id)

    def action_to_list(self) -> None:
        """Go from the line to the list."""
        self.query_one(Hits).focus()

    def action_cancel(self) -> None:
        """Take none."""
        self.dismiss(None)


def document_choice(door: "Door[Office]", title: str) -> ChooseScreen:
    """Return a screen to choose a document."""

    def find(office: "Office", words: str) -> list[tuple[str, str]]:
        views = office.documents.find(words).views[:MOST]
        return [(view.document_id, f"{view.importance.label} {view.title}") for view in views]

    return ChooseScreen(door, title, _("題名かファイル名のことば"), find)


def meeting_choice(door: "Door[Office]", title: str) -> ChooseScreen:
    """Return a screen to choose a meeting."""

    def find(office: "Office", words: str) -> list[tuple[str, str]]:
        lines = [(view.meeting_id, f"{view.starts:%Y-%m-%d} {view.title}") for view in office.meetings.all()]
        return [(meeting, line) for meeting, line in lines if all(word in line for word in words.split())]

    return ChooseScreen(door, title, _("日付か題名のことば"), find)
