"""勤務 of everybody, as managers see it: the gravest first."""

from datetime import date, timedelta

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.hours.views import WorkMonth
from tui.actions import HOURS_ALL
from tui.i18n import _
from tui.screens.hours import HoursScreen, signal_text, standing_text
from tui.screens.hoursday import clock
from tui.screens.hourswork import HoursWork
from tui.widgets.told import tell
from tui.wrap import fold, plain

_HELP = _("""全員のひと月です。重い灯りの人から並びます（■ 80時間など、▲ 45時間など、● 範囲内）。
⚠ は、出勤と退勤がそろわない日の数、「待ち」は承認を待つ直しの数です。
Enter でその人のひと月を開き、承認や不承認をします。開いたことは監査記録に残ります。
r で市への報告（月平均）を開き、F7 でそれを書き出します。""")


class HoursAllScreen(HoursWork):
    """The list, and one person's standing below."""

    actions = HOURS_ALL
    help_text = _HELP
    field_help = {
        "hours": _(
            "全員のひと月の一覧。時間外の多い人が上です。選んで Enter を押すと、その人のひと月を開きます。"
        ),
    }
    locked = True

    def __init__(self, today: date, month: date) -> None:
        super().__init__()
        self._today, self._month = today, month
        self._months: tuple[WorkMonth, ...] = ()

    def body(self) -> ComposeResult:
        """Yield title, list and standing."""
        yield Static(_("勤務 全員"), id="title", markup=False)
        yield DataTable(id="hours", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        names = ((_("灯り"), 8), (_("氏名"), 18), (_("在校等"), 7), (_("時間外"), 7), (_("平均の最大"), 10))
        for label, width in (*names, ("⚠", 4), (_("待ち"), 4)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read everybody's month."""
        month = self._month
        told = await self.ask(lambda office: office.hours.all_months(month))
        if told is None or month != self._month:  # another month was opened meanwhile
            return
        self._months = told
        title = _("勤務 全員  {month}  {count}名").format(month=f"{month:%Y/%m}", count=len(told))
        tell(self.query_one("#title", Static), title)
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for one in told:
            table.add_row(*map(plain, _cells(one)))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        self._show_detail()

    def on_data_table_row_highlighted(self) -> None:
        """Show the standing of who is under the cursor."""
        self._show_detail()

    def _show_detail(self) -> None:
        place = self.query_one(DataTable).cursor_row
        one = self._months[place] if place < len(self._months) else None
        text = f"{one.name}  {standing_text(one.standing, one.total.at_work)}" if one else _("ありません")
        tell(self.query_one("#detail", Static), fold(text, self.app.size.width - 4))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open that person's month."""
        if event.cursor_row < len(self._months):
            self.app.push_screen(HoursScreen(self._today, self._months[event.cursor_row].person, self._month))

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self.query_one(DataTable).action_select_cursor()

    async def action_earlier(self) -> None:
        """Open the month before."""
        self._month = (self._month - timedelta(days=1)).replace(day=1)
        await self.refresh_data()

    async def action_later(self) -> None:
        """Open the month after."""
        self._month = (self._month + timedelta(days=31)).replace(day=1)
        await self.refresh_data()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show_detail()


def _cells(one: WorkMonth) -> tuple[str, ...]:
    standing = one.standing
    mean = clock(standing.worst_mean) if standing.worst_mean is not None else "—"
    figures = (f"{clock(one.total.at_work):>7}", f"{clock(standing.overtime):>7}", f"{mean:>10}")
    return (
        signal_text(standing.signal),
        one.name,
        *figures,
        f"{one.doubtful or '':>3}",
        f"{one.waiting or '':>3}",
    )
