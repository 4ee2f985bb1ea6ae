"""Writing one mark with the letters of the attendance book; returns the mark, or None."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Static

from appliance.views import AttendanceCode, MarkValue
from tui.actions import CLEAR
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.typed import read_time
from tui.widgets.pupiltable import PupilTable
from tui.wrap import cut, fold, rows

_ROW = "-"
_WIDTH = 66


class MarkScreen(Dialog["MarkValue | None"]):
    """One row of the book: a letter is the mark; where the code wants a time, that is asked next."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("出欠の記号を一つ書きます。Esc でやめると、何も変わりません。")
    field_help = {
        "pupils": _("記号を書く行。下に並ぶ文字を一つ押すと、決まります。例 b は病欠、x は取り消し。"),
        "time": _("遅刻や早退の時刻。例 9:40。分からなければ、空のまま Enter を押します。"),
    }

    def __init__(self, title: str, codes: Sequence[AttendanceCode]) -> None:
        super().__init__()
        self._title = title
        self._codes = {code.code: code for code in codes}
        self._code = ""

    def compose(self) -> ComposeResult:
        """Yield the row, the letters and the line for a time."""
        letters = [f"{code.key} {code.name}" for code in self._codes.values()]
        letters.append(f"{CLEAR.key} {CLEAR.label}")
        with Vertical(classes="dialog wide mark"):
            yield Static(fold(self._title, _WIDTH), markup=False, classes="dialog-title")
            yield PupilTable()
            yield Static(rows(letters, _WIDTH), markup=False)
            yield Static(_("時刻（遅刻・早退）例 9:40"), id="time-label")
            yield Input("", id="time", max_length=5, disabled=True)
            yield Static(_("文字を一つ押す   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Show an empty row and begin there."""
        table = self.query_one(PupilTable)
        table.set_codes(tuple(self._codes.values()))
        table.add_column(_("出欠"), width=_WIDTH - 4)
        table.show({_ROW: ("",)})
        table.focus()

    def on_pupil_table_marked(self, event: PupilTable.Marked) -> None:
        """Take the letter."""
        event.stop()
        code = self._codes.get(event.code)
        if code is None or not code.wants_time:
            self.dismiss(MarkValue(event.code))
            return
        self._code = code.code
        self.query_one(PupilTable).show({_ROW: (cut(f"{code.symbol} {code.name}", _WIDTH - 4),)})
        line = self.query_one(Input)
        line.disabled = False
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the time; an empty one is none."""
        event.stop()
        at_time = read_time(event.value)
        if event.value.strip() and at_time is None:
            self.notify(_("時刻は 9:40 のように書いてください"), severity="warning")
            return
        self.dismiss(MarkValue(self._code, at_time))

    def action_cancel(self) -> None:
        """Write nothing."""
        self.dismiss(None)
