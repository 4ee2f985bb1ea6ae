"""Who entered what when, newest first."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from appliance.views import HistoryLine
from tui.i18n import _
from tui.screens.dialog import Dialog


def _shown(line: HistoryLine) -> str:
    """Return one entry: when, who, what it was made, what stood before, and why."""
    before = f" ← {line.before}" if line.before else ""
    why = "\n" + _("    訂正の理由: {why}").format(why=line.why) if line.why else ""
    return f"{line.at:%m/%d %H:%M:%S}  {line.who}  {line.what}{before}{why}"


class HistoryScreen(Dialog[None]):
    """The entries of one pupil on one day; `empty` is said where there are none."""

    BINDINGS = [Binding("escape,enter,h", "dismiss", _("閉じる"))]
    help_text = _("だれが、いつ、何を書いたかです。新しい順です。消した記入も残っています。")
    field_help = {
        "entries": _("書いたことの履歴。左から、時刻・人・書いたことです。← の右は、その前の記入です。"),
    }

    def __init__(self, title: str, lines: Sequence[HistoryLine], empty: str = "") -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._empty = empty or _("記入はまだありません")

    def compose(self) -> ComposeResult:
        """Yield one line for each entry."""
        shown = [_shown(line) for line in self._lines]
        with VerticalScroll(id="entries", classes="dialog wide"):
            yield Static(self._title, markup=False, classes="dialog-title")
            yield Static("\n".join(shown) or self._empty, markup=False)
            yield Static(_("Esc で閉じる"), classes="hint")
