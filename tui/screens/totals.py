"""A class's totals by the rules of the 指導要録: of the month, the term, the year."""

from collections.abc import Awaitable, Callable
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from appliance.views import PeriodTotals, Span
from tui.i18n import _, day_text
from tui.screens.dialog import Dialog
from tui.wrap import plain

Read = Callable[[Span], Awaitable[PeriodTotals | None]]
_SPANS: Final = tuple(Span)


class TotalsScreen(Dialog[None]):
    """The totals, and the days that nobody confirmed yet; `read` gives those of another span."""

    BINDINGS = [
        Binding("escape,f5", "dismiss", _("閉じる")),
        Binding("left", "turn(-1)", _("短く"), priority=True),
        Binding("right", "turn(1)", _("長く"), priority=True),
    ]
    help_text = _("この学級の集計です。指導要録の数え方です。← → で月・学期・年度を変えます。")
    field_help = {
        "totals": _("一人ずつの集計の表。停忌は出席停止と忌引、要出は出席すべき日数です。0 は空にしてあります。"),
    }

    def __init__(self, totals: PeriodTotals, read: Read) -> None:
        super().__init__()
        self._totals = totals
        self._read = read
        self._span = 0

    def compose(self) -> ComposeResult:
        """Yield the table."""
        with Vertical(classes="dialog full"):
            yield Static("", markup=False, classes="dialog-title", id="period")
            yield DataTable(id="totals", cursor_type="row", zebra_stripes=True)
            yield Static("", markup=False, classes="hint", id="left")
            yield Static(_("← → で 月・学期・年度   Esc で閉じる"), classes="hint")

    def on_mount(self) -> None:
        """Set the columns, then fill them."""
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
        self._fill()
        table.focus()

    async def action_turn(self, step: int) -> None:
        """Go on to the next longer or shorter span."""
        place = max(0, min(self._span + step, len(_SPANS) - 1))
        if place == self._span:
            return
        totals = await self._read(_SPANS[place])
        if totals is not None and self.is_attached:
            self._span, self._totals = place, totals
            self._fill()

    def _fill(self) -> None:
        """Write the totals; 0 is shown blank, as on paper."""
        self.query_one("#period", Static).update(f"{self._totals.title}  {self._totals.name}")
        self.query_one("#left", Static).update(self._open_days())
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
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
        table.move_cursor(row=place)

    def _open_days(self) -> str:
        days = self._totals.unconfirmed
        if not days:
            return _("すべての日が確定しています")
        shown = " ".join(day_text(on) for on in days[:5]) + (" …" if len(days) > 5 else "")
        return _("未確定 {count}日: ").format(count=len(days)) + shown
