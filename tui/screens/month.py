"""出席簿 by month: a class's pupils on every day, entered in place as on the paper book.

Invariant: what the grid shows was read back from the store after the keeper acknowledged it.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from textual import events
from textual.app import ComposeResult
from textual.coordinate import Coordinate
from textual.widgets import Static

from appliance.attendance.pasting import pasted_cells
from appliance.attendance.records import Mark
from appliance.office import Office
from appliance.views import AttendanceCode, MonthDay, MonthGrid, PeriodTotals, PupilTotals, Saved, Span
from crypto.errors import KurabakoError
from tui.actions import CLEAR, MONTH
from tui.i18n import _, day_text
from tui.releasing import release
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.monthways import month_ways
from tui.screens.problem import ProblemScreen
from tui.screens.totals import TotalsScreen
from tui.widgets.monthtable import FIXED, MonthTable
from tui.widgets.told import tell
from tui.wrap import rows

_HELP = _("""一人の一日を矢印で選び、記号の文字を押すと、その場で保存されます。x で消します。番号でも移れます。
Enter と文字のあとの進む向きは、F4 で縦（次の人）と横（次の日）に変わります。
灰色は休業日・閉鎖の日、／ は在籍していない日です。下の行は選んだ人の今日までの集計です。
表計算ソフトで選んで写した記号は、端末の貼り付けでそのまま入ります（確かめてから保存します）。
F7 で、印刷用（PDF）や Excel に書き出します。表計算ソフトに貼り付けるように写すこともできます。
u で直前の自分の入力を、貼り付けならまとめて、元に戻します。
すべての日が確定したら F2 で締めます。締めた月は、校長だけが理由を書いて開けられます。""")


class MonthScreen(OfficeScreen):
    """A class's month."""

    actions = MONTH
    help_text = _HELP
    field_help = {
        "month": _(
            "全員の毎日の表。一人の一日を選び、記号の文字を押すと、その場で保存されます。"
            "例 b は病欠、x は取り消し。"
        ),
    }

    def __init__(self, class_id: str, on: date) -> None:
        super().__init__()
        self._class_id = class_id
        self._wanted: date | None = on
        self._month = on.replace(day=1)
        self._codes: tuple[AttendanceCode, ...] = ()
        self._grid: MonthGrid | None = None
        self._done: list[Saved] = []

    def body(self) -> ComposeResult:
        """Yield title, grid, totals and the legend of codes."""
        yield Static("", id="title", markup=False)
        yield MonthTable()
        yield Static("", id="state", markup=False)
        yield Static("", id="legend", markup=False)

    async def on_mount(self) -> None:
        """Read the codes, then fill the grid."""
        self._codes = await self.ask(lambda office: office.attendance.codes()) or ()
        letters = [f"{c.key} {c.symbol}" for c in self._codes] + [f"{CLEAR.key} {CLEAR.label}"]
        tell(self.query_one("#legend", Static), rows(letters, self.app.size.width - 2))
        table = self.query_one(MonthTable)
        table.set_codes(self._codes)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the month and keep the cursor on its cell."""
        where = (self._class_id, self._month)
        grid = await self.ask(lambda office: office.attendance.month(*where))
        if grid is None or where != (self._class_id, self._month):  # another month was opened meanwhile
            return
        self._grid, wanted, self._wanted = grid, self._wanted, None
        turn = _("縦に進む") if self.query_one(MonthTable).downward else _("横に進む")
        title = f"{_('出席簿')}  {grid.title}  {grid.month.year}/{grid.month.month:02}  {_closed(grid) or turn}"
        tell(self.query_one("#title", Static), title)
        self.query_one(MonthTable).show(grid, self.app.size.width, wanted)
        self._show_state()

    def on_data_table_cell_highlighted(self) -> None:
        """Tell of the pupil and the day under the cursor; the name is no place to enter anything."""
        table = self.query_one(MonthTable)
        if table.cursor_column < FIXED and table.row_count:  # an event may be older than where the cursor is now
            table.cursor_coordinate = Coordinate(table.cursor_row, FIXED)
        self._show_state()

    def _show_state(self) -> None:
        grid, place = self._grid, self.query_one(MonthTable).place
        if grid is None or place is None:
            tell(self.query_one("#state", Static), "")
            return
        pupil = next((p for p in grid.pupils if p.pupil_id == place[0]), None)
        day = grid.days[(place[1] - grid.month).days] if place[1].month == grid.month.month else None
        if pupil is None or day is None:
            return
        words = f"{day_text(day.on)}  {_state(day)}  {pupil.number or ''} {pupil.name}"
        tell(self.query_one("#state", Static), f"{words}\n{_totals(pupil.totals)}")

    async def on_month_table_marked(self, event: MonthTable.Marked) -> None:
        """Keep a mark."""
        grid = self._grid
        pupil = next((p for p in grid.pupils if p.pupil_id == event.pupil_id), None) if grid else None
        if grid is None or pupil is None:
            return
        place = (event.on - grid.month).days
        if not event.code and not pupil.codes[place]:
            return
        where = (self._class_id, event.on, event.pupil_id, event.code)
        await self._correct([event.on], lambda office, why: office.attendance.mark(*where, why=why))

    async def _correct(self, days: Sequence[date], mark: Callable[[Office, str], Saved]) -> None:
        """Keep marks; those of a confirmed day are corrections, and say why."""

        async def keep(why: str) -> None:
            await self._keep(await self.ask(lambda office: mark(office, why)))

        grid = self._grid
        corrected = [on for on in days if grid is not None and grid.days[(on - grid.month).days].confirmed]
        if grid is None or not corrected or grid.closed_at is not None:
            await keep("")  # of a closed month the desk says more
        else:
            self.give_reason(f"{grid.title}  {'、'.join(map(day_text, dict.fromkeys(corrected)))}", keep)

    async def _keep(self, saved: Saved | None) -> None:
        if saved is not None:
            self._done.append(saved)
            await self.refresh_data()

    def on_paste(self, event: events.Paste) -> None:
        """Check what was pasted, say how much it changes, and keep it in one go."""
        grid, place = self._grid, self.query_one(MonthTable).place
        if grid is None or place is None:
            return
        event.stop()
        pupil = next(n for n, row in enumerate(grid.pupils) if row.pupil_id == place[0])
        try:
            changes = pasted_cells(event.text, grid, pupil, (place[1] - grid.month).days, self._codes)
        except KurabakoError as error:
            self.app.push_screen(ProblemScreen(error))
            return
        if not changes:
            self.notify(_("変わるところはありません"))
            return
        cells = [(pupil_id, grid.month + timedelta(days=day), code) for pupil_id, day, code in changes]
        question = _("{title}: 貼り付けると {count}か所が変わります。保存しますか。")
        question = question.format(title=grid.title, count=len(cells))

        def keep(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._keep_cells(cells))

        self.app.push_screen(YesNoScreen(question, _("保存")), keep)

    async def _keep_cells(self, cells: list[tuple[str, date, str]]) -> None:
        class_id, days = self._class_id, [on for _, on, _ in cells]
        await self._correct(days, lambda office, why: office.attendance.mark_many(class_id, cells, why))

    async def action_undo(self) -> None:
        """Take the newest own entry of this screen back."""
        if not self._done:
            self.notify(_("元に戻す入力がありません"))
            return
        last = self._done.pop()
        if await self.ask(lambda office: office.attendance.undo(last)) is not None:
            self.notify(_("元に戻しました"))
            await self.refresh_data()

    def action_close_month(self) -> None:
        """Close the month after a question; a closed one is opened again for a reason."""
        grid = self._grid
        if grid is None:
            return
        where = (self._class_id, self._month)

        async def close(yes: bool | None) -> None:
            if yes and await self.ask(lambda office: office.attendance.close_month(*where)) is not None:
                self._done.clear()
                self.notify(_("締めました"))
                await self.refresh_data()

        async def reopen(reason: str) -> bool:
            if await self.ask(lambda office: office.attendance.reopen_month(*where, reason)) is None:
                return False
            self.notify(_("締めを解きました"))
            await self.refresh_data()
            return True

        if grid.closed_at is not None:
            told = _("締めを解く理由。あとに残ります。例 20日の早退が書かれていなかった。F4 で締めを解きます。")
            self.app.push_screen(KeepTextScreen(_("締めを解く理由（校長）"), "", reopen, told=told))
            return
        question = _("{title} {month}月の出席簿を締めますか。このあとの記入は、校長が締めを解くまでできません。")
        question = question.format(title=grid.title, month=grid.month.month)
        self.app.push_screen(YesNoScreen(question, _("締める")), close)

    def action_release(self) -> None:
        """Print the month, or let it out for a spreadsheet or the school system."""
        grid = self._grid
        if grid is not None:
            title = _("{title} {month}月の出席簿を書き出す").format(title=grid.title, month=grid.month.month)
            release(self, title, Mark.importance, month_ways(self._class_id, self._month))

    async def action_turn(self) -> None:
        """Go on downward or to the right."""
        table = self.query_one(MonthTable)
        table.downward = not table.downward
        await self.refresh_data()

    def action_month_totals(self) -> None:
        """Show everybody's totals: of the month, the term, the year."""
        class_id, month = self._class_id, self._month

        async def read(span: Span) -> PeriodTotals | None:
            return await self.ask(lambda office: office.attendance.totals(class_id, month, span))

        if self._grid is not None:
            self.app.push_screen(TotalsScreen(self._grid.totals, read))

    async def action_previous_month(self) -> None:
        """Open the month before."""
        await self._go((self._month - timedelta(days=1)).replace(day=1))

    async def action_next_month(self) -> None:
        """Open the month after."""
        await self._go((self._month + timedelta(days=31)).replace(day=1))

    async def _go(self, month: date) -> None:
        self._month, self._wanted = month, month
        self._done.clear()
        await self.refresh_data()

    async def on_resize(self) -> None:
        """Give the names what room there is."""
        if not self.fits():
            await self.refresh_data()


def _closed(grid: MonthGrid) -> str:
    """Return who closed the month, and how much came in afterwards."""
    if grid.closed_at is None:
        return ""
    late = _("  ⚠締めのあとの記入 {count}").format(count=grid.late) if grid.late else ""
    return _("締め {who} {at}").format(who=grid.closed_by, at=f"{grid.closed_at:%m/%d}") + late


def _state(day: MonthDay) -> str:
    """Return why there is no school, or how far the day is."""
    if day.reason or day.to_come:
        return day.reason or _("これから")
    return _("✓ 確定") if day.confirmed else _("・ 未確定")


def _totals(totals: PupilTotals) -> str:
    """Return the columns of the 指導要録 in one line."""
    words = (
        (_("授業"), totals.school_days),
        (_("停忌"), totals.suspended),
        (_("要出"), totals.must_attend),
        (_("欠席"), totals.absent),
        (_("出席"), totals.present),
        (_("遅刻"), totals.late),
        (_("早退"), totals.left_early),
    )
    return "  ".join(f"{word} {count}" for word, count in words)
