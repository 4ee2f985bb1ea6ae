"""A class's month: totals by the rules of the 指導要録."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from appliance.views import MonthTotals
from tui.i18n import _, day_text
from tui.wrap import plain


class TotalsScreen(ModalScreen[None]):
    """The totals, and the days that nobody confirmed yet."""

    BINDINGS = [Binding("escape,f5", "dismiss", _("閉じる"))]

    def __init__(self, totals: MonthTotals) -> None:
        super().__init__()
        self._totals = totals

    def compose(self) -> ComposeResult:
        """Yield the table."""
        month = self._totals.month
        with Vertical(classes="dialog full"):
            title = f"{self._totals.title}  {month.year}/{month.month:02}"
            yield Static(title, markup=False, classes="dialog-title")
            yield DataTable(cursor_type="row", zebra_stripes=True)
            yield Static(self._open_days(), markup=False, classes="hint")

    def on_mount(self) -> None:
        """Fill the table; 0 is shown blank, as on paper."""
        table = self.query_one(DataTable)
        for label, width in (
            (_("番"), 3),
            (_("氏名"), 16),
            (_("授業"), 4),
            (_("停忌"), 4),
            (_("要出"), 4),
            (_("欠席"), 4),
            (_("出席"), 4),
            (_("遅刻"), 4),
            (_("早退"), 4),
            (_("扱い"), 4),
        ):
            table.add_column(label, width=width)
        for row in self._totals.rows:
            counts = (
                row.school_days,
                row.suspended,
                row.must_attend,
                row.absent,
                row.present,
                row.late,
                row.left_early,
                row.attended_elsewhere,
            )
            table.add_row(f"{row.number or '':>3}", plain(row.name), *(f"{n or '':>4}" for n in counts))
        table.focus()

    def _open_days(self) -> str:
        days = self._totals.unconfirmed
        if not days:
            return _("すべての日が確定しています")
        shown = " ".join(day_text(on) for on in days[:5]) + (" …" if len(days) > 5 else "")
        return _("未確定 {count}日: ").format(count=len(days)) + shown
