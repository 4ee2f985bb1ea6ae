"""Looking for a pupil by the beginning of the reading, while one types."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from appliance.views import FoundPupil
from crypto.errors import KurabakoError
from tui.door import NotLoggedInError
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.widgets.hits import MOST, Hits, pupil_lines

if TYPE_CHECKING:
    from appliance.office import Office
    from tui.door import Door


class FindScreen(Dialog["FoundPupil | None"]):
    """Returns the pupil that was chosen; `ring` shows somebody's telephone numbers above the search."""

    BINDINGS = [
        Binding("escape", "cancel", _("やめる")),
        Binding("f2", "ring", _("電話")),
        Binding("down", "to_list", show=False),
    ]
    help_text = _("児童生徒を探し、その人の学級を開きます。F2 では、その人の保護者の電話番号を見ます。")
    field_help = {
        "kana": _(
            "探す児童生徒の名前。読みのはじめか氏名を打ちます。例 さと、サト。Enter で、いちばん上の人を開きます。"
        ),
        "hits": _("見つかった児童生徒の一覧。Enter で、その人の学級を開きます。"),
    }

    def __init__(self, door: "Door[Office]", on: date, ring: Callable[[FoundPupil], Awaitable[None]]) -> None:
        super().__init__()
        self._door = door
        self._on = on
        self._ring = ring
        self._hits: tuple[FoundPupil, ...] = ()

    def compose(self) -> ComposeResult:
        """Yield the line and the list."""
        with Vertical(classes="dialog wide"):
            yield Static(_("児童生徒を探す"), classes="dialog-title")
            yield Input(placeholder=_("読みのはじめ（ひらがな・カタカナ）か氏名"), id="kana")
            yield Hits("hits")
            yield Static(_("↓ で一覧へ   Enter で開く   F2 で保護者の電話   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin to type."""
        self.query_one(Input).focus()

    async def on_input_changed(self, event: Input.Changed) -> None:
        """Search again."""
        typed, on = event.value, self._on
        found: tuple[FoundPupil, ...] | None = None
        try:
            found = await self._door.call(lambda office: office.attendance.find_pupils(typed, on))
        except NotLoggedInError:
            return
        except KurabakoError:
            pass
        self._hits = (found or ())[:MOST]
        self.query_one(Hits).show(typed, None if found is None else pupil_lines(self._hits))

    def on_input_submitted(self) -> None:
        """Take the first hit."""
        if self._hits:
            self.dismiss(self._hits[0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the chosen hit."""
        self.dismiss(self._hits[int(event.option.id or 0)])

    async def action_ring(self) -> None:
        """Show whom to ring for the chosen hit, or for the first."""
        place = self.query_one(Hits).highlighted or 0
        if self._hits:
            await self._ring(self._hits[place])

    def action_to_list(self) -> None:
        """Go from the line to the list."""
        self.query_one(Hits).focus()

    def action_cancel(self) -> None:
        """Take nobody."""
        self.dismiss(None)
