"""出席簿 by day: one class, one key for each code.

Invariant: what the table shows was read back from the store after the keeper acknowledged it.
"""

from collections.abc import Callable
from datetime import date, time, timedelta

from textual.app import ComposeResult
from textual.widgets import Static

from appliance.office import Office
from appliance.views import AttendanceCode, DayView, PupilRow, Saved
from crypto.errors import KurabakoError
from tui.actions import ATTENDANCE, CLEAR, DETAIL, HISTORY, RING
from tui.door import NotLoggedInError
from tui.i18n import _, day_text
from tui.screens.ask import DetailScreen, YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.history import HistoryScreen
from tui.screens.month import MonthScreen
from tui.widgets.pupiltable import PupilTable
from tui.widgets.told import tell
from tui.wrap import cut, rows

_HELP = _("""一人を選び、下に並ぶ記号の文字を一つ押すと、その場で保存されます。
出席の人には何も押さず、最後に F2「全員出席」か F4「確定」を押します。
確定すると、記入のない人は出席になります。あとから直すときは訂正の理由を選びます（だれがいつ何からも残ります）。
番号を打つと、その番号の人に移ります（1 2 b で、12番が病欠）。
「交流」は特別支援学級の人です。ここでも記入でき、その学級の出席簿に入ります（人数と集計はその学級の分です）。
理由は r で書けます（重要性分類Ⅱ: 見られるのは権限のある職員だけです）。
d で、その人の保護者の電話番号が出ます（重要性分類Ⅱ。線が切れていても見られます）。
日本語入力は切って（半角で）押してください。全角で押しても受け付けます。""")

_COLUMNS = {
    "number": (_("番"), 4),
    "name": (_("氏名"), 14),
    "kana": (_("かな"), 15),
    "code": (_("出欠"), 14),
    "note": (_("理由"), 4),
    "who": (_("記入"), 15),
}
_NARROW = 80


class AttendanceScreen(OfficeScreen):
    """A class on a day."""

    actions = ATTENDANCE
    help_text = _HELP
    field_help = {
        "pupils": _(
            "出欠を記入する表。一人を選び、下に並ぶ文字を一つ押すと、その場で保存されます。"
            "例 b は病欠、x は取り消し。"
        ),
    }

    def __init__(self, class_id: str, on: date, pupil_id: str = "") -> None:
        super().__init__()
        self._class_id = class_id
        self._on = on
        self._wanted = pupil_id
        self._codes: dict[str, AttendanceCode] = {}
        self._day: DayView | None = None
        self._done: list[Saved] = []
        self._widths: dict[str, int] = {}

    def body(self) -> ComposeResult:
        """Yield title, table and the legend of codes."""
        yield Static("", id="title", markup=False)
        yield Static("", id="state", markup=False)
        yield PupilTable()
        yield Static("", id="legend", markup=False)

    async def on_mount(self) -> None:
        """Read the codes, set the columns, then fill them."""
        codes = await self.ask(lambda office: office.attendance.codes()) or ()
        self._codes = {code.code: code for code in codes}
        letters = [f"{c.key} {c.name}" for c in codes]
        letters += [f"{action.key} {action.label}" for action in (CLEAR, DETAIL, HISTORY, RING)]
        self.query_one("#legend", Static).update(rows(letters, self.app.size.width - 2))
        table = self.query_one(PupilTable)
        table.set_codes(codes)
        self._set_columns()
        await super().on_mount()
        table.focus()

    def _set_columns(self) -> None:
        """Set the columns anew; in a wide terminal the names, and what was entered, are given the room."""
        more = max(0, self.app.size.width - _NARROW)
        wider = {"name": min(more // 2, 18), "kana": min(more // 4, 10), "code": min(more // 4, 10)}
        self._widths = {key: width + wider.get(key, 0) for key, (_label, width) in _COLUMNS.items()}
        table = self.query_one(PupilTable)
        self._wanted = self._wanted or table.pupil_id or ""
        table.clear(columns=True)
        for key, (label, _width) in _COLUMNS.items():
            table.add_column(label, width=self._widths[key], key=key)

    async def on_resize(self) -> None:
        """Give the names what room there is."""
        if not self.fits():
            self._set_columns()
            await self.refresh_data()

    async def refresh_data(self) -> None:
        """Read the day and keep the cursor on the same pupil."""
        class_id, on = self._class_id, self._on
        day = await self.ask(lambda office: office.attendance.day(class_id, on))
        if day is not None and (class_id, on) == (
            self._class_id,
            self._on,
        ):  # else another day was opened meanwhile
            self._show(day)

    def _show(self, day: DayView) -> None:
        wanted, self._wanted, self._day = self._wanted, "", day
        tell(self.query_one("#title", Static), f"{_('出席簿')}  {day.title}  {day_text(day.on)}")
        self._show_state(day)
        self.query_one(PupilTable).show({row.pupil_id: self._cells(row) for row in day.rows}, wanted)

    def _cells(self, row: PupilRow) -> tuple[str, ...]:
        note = _("あり") if row.has_reason else ""
        if row.conflict:
            note = _("競合")
        who = f"{row.entered_at:%H:%M} {row.entered_by}" if row.entered_at else ""
        number, reading = (_("交流"), row.guest) if row.guest else (f"{row.number or '':>3}", row.kana)
        cells = (number, row.name, reading, self._mark(row), note, who)
        return tuple(cut(cell, width) for cell, width in zip(cells, self._widths.values(), strict=True))

    def _mark(self, row: PupilRow) -> str:
        """Return symbol, name and time; a long name gives way, for half a time would be a wrong one."""
        code = self._codes.get(row.code or "")
        at_time = f" {row.at_time:%H:%M}" if row.at_time else ""
        if code is None:
            return (row.code or "") + at_time
        return f"{code.symbol} {cut(code.name, self._widths['code'] - 3 - len(at_time))}{at_time}"

    def _show_state(self, day: DayView) -> None:
        state = self.query_one("#state", Static)
        blank = sum(row.code is None for row in day.own)
        if not day.school_day:
            state.set_classes("closed")
            tell(state, _("休業日です: {reason}").format(reason=day.closed_reason))
        elif day.confirmed_at is not None:
            late = "  " + _("確定のあとに直しがあります") if day.changed_after_confirm else ""
            state.set_classes("confirmed")
            text = _("✓ 確定 {who} {at}").format(who=day.confirmed_by, at=f"{day.confirmed_at:%m/%d %H:%M}")
            tell(state, text + late)
        else:
            state.set_classes("open")
            tell(state, _("・ 未確定  記入なし {count}名").format(count=blank))

    def _selected(self) -> PupilRow | None:
        pupil_id = self.query_one(PupilTable).pupil_id
        rows = self._day.rows if self._day is not None else ()
        return next((row for row in rows if row.pupil_id == pupil_id), None)

    async def on_pupil_table_marked(self, event: PupilTable.Marked) -> None:
        """Keep a mark."""
        where = (self._class_id, self._on, event.pupil_id)
        row = next((r for r in self._day.rows if r.pupil_id == event.pupil_id), None) if self._day else None
        if not event.code and (row is None or row.entered_at is None):
            return
        await self._correct(row, lambda office, why: office.attendance.mark(*where, event.code, why=why))

    async def _correct(self, row: PupilRow | None, mark: Callable[[Office, str], Saved]) -> None:
        """Keep a mark; once the day was confirmed it is a correction, and says why."""

        async def keep(why: str) -> None:
            await self._keep(await self.ask(lambda office: mark(office, why)))

        day = self._day
        if day is None or row is None:
            await keep("")
        elif day.confirmed_at is None:
            await self._enter(day, row.pupil_id, lambda office: mark(office, ""))
        else:
            self.give_reason(f"{row.number or ''} {row.name}  {day_text(day.on)}", keep)

    async def _enter(self, day: DayView, pupil_id: str, mark: Callable[[Office], Saved]) -> None:
        """Keep a mark and show its row alone: the next key comes sooner than a whole day is read.

        What somebody else kept meanwhile is seen at the next look for news.
        """

        def entered(office: Office) -> tuple[Saved, PupilRow | None, int | None]:
            saved = mark(office)
            row = office.attendance.row(day.class_id, day.on, pupil_id)
            return saved, row, office.since_entry(self._token, saved)

        saved, row, token = await self.ask(entered) or (None, None, None)
        if saved is None or row is None or day is not self._day:
            await self._keep(saved)
            return
        self._done.append(saved)
        self._token = self._token if token is None else token
        self._day = day.with_entry(row)
        self._show_state(self._day)
        table = self.query_one(PupilTable)
        table.show_row(pupil_id, self._cells(row))
        self.paint(self.query_one("#state"), table)

    async def _keep(self, saved: Saved | None) -> None:
        """Remember an entry for undo and show the day as it now stands."""
        if saved is not None:
            if saved.undo is not None:
                self._done.append(saved)
            await self.refresh_data()

    def action_clear(self) -> None:
        """Take the mark of the selected pupil back (chosen from the palette; the letter goes to the table)."""
        pupil_id = self.query_one(PupilTable).pupil_id
        if pupil_id is not None:
            self.post_message(PupilTable.Marked(pupil_id, ""))

    async def action_rest_present(self) -> None:
        """Put everyone without a mark as present."""
        where = (self._class_id, self._on)
        await self._keep(await self.ask(lambda office: office.attendance.mark_rest_present(*where)))

    async def action_undo(self) -> None:
        """Take the newest own entry of this screen back."""
        if not self._done:
            self.notify(_("元に戻す入力がありません"))
            return
        last = self._done.pop()
        if await self.ask(lambda office: office.attendance.undo(last)) is not None:
            self.notify(_("元に戻しました"))
            await self.refresh_data()

    def action_confirm(self) -> None:
        """Ask, then confirm the day or take the confirmation back."""
        day = self._day
        if day is None:
            return
        if day.confirmed_at is not None:
            question = _("{title} の確定を解きますか。").format(title=day.title)
            self.app.push_screen(YesNoScreen(question, _("解く")), self._reopen)
            return
        blank = sum(row.code is None for row in day.own)
        if not blank:
            self.run_worker(self._confirm())
            return
        question = _("{title}: 記入のない {count}名は出席になります。確定しますか。")
        self.app.push_screen(
            YesNoScreen(question.format(title=day.title, count=blank), _("確定")), self._confirm_if
        )

    def _confirm_if(self, yes: bool | None) -> None:
        if yes:
            self.run_worker(self._confirm())

    async def _confirm(self) -> None:
        where = (self._class_id, self._on)
        await self._keep(await self.ask(lambda office: office.attendance.confirm(*where)))

    def _reopen(self, yes: bool | None) -> None:
        async def reopen() -> None:
            where = (self._class_id, self._on)
            await self._keep(await self.ask(lambda office: office.attendance.reopen(*where)))

        if yes:
            self.run_worker(reopen())

    async def action_detail(self) -> None:
        """Write reason and time of the selected pupil's mark."""
        row = self._selected()
        if row is None:
            return
        if row.code is None or row.entered_at is None:  # the cursor moves on after a mark: say whose turn it is
            self.notify(_("{name}: 記号の記入がまだありません\n前の人は ↑ で選べます").format(name=row.name))
            return
        try:
            reason, readable = await self._reason(row)
        except NotLoggedInError:
            return
        at_time = f"{row.at_time:%H:%M}" if row.at_time else ""
        screen = DetailScreen(f"{row.number or ''} {row.name}", reason, at_time, readable=readable)

        def keep(answer: tuple[str, time | None] | None) -> None:
            if answer is not None:
                self.run_worker(self._keep_detail(row, answer, reason or ""))

        self.app.push_screen(screen, keep)

    async def _reason(self, row: PupilRow) -> tuple[str | None, bool]:
        on = self._on
        try:
            return await self.office_app.door.call(lambda o: o.attendance.reason(row.pupil_id, on)), True
        except KurabakoError:
            return None, False  # not cleared for II: may write a reason, not read one

    async def _keep_detail(self, row: PupilRow, answer: tuple[str, time | None], before: str) -> None:
        reason, at_time = answer
        new_reason = reason if reason != before else None
        where = (self._class_id, self._on, row.pupil_id, row.code)
        told = {"time": at_time, "reason": new_reason}
        await self._correct(row, lambda office, why: office.attendance.mark(*where, **told, why=why))  # type: ignore[arg-type]

    async def action_history(self) -> None:
        """Show who entered what when for the selected pupil."""
        row = self._selected()
        if row is None:
            return
        on = self._on
        lines = await self.ask(lambda office: office.attendance.history(row.pupil_id, on))
        if lines is not None:
            empty = _("記入はありません。全員出席か確定により出席です") if row.code else ""
            self.app.push_screen(HistoryScreen(f"{row.name}  {day_text(on)}", lines, empty))

    async def action_ring(self) -> None:
        """Show whom to ring for the selected pupil."""
        row = self._selected()
        if row is not None:
            await self.office_app.show_contacts(row.pupil_id, self._on)

    def action_by_month(self) -> None:
        """Open the class's month."""
        self.app.push_screen(MonthScreen(self._class_id, self._on))

    async def action_previous_day(self) -> None:
        """Open the day before."""
        await self._go(self._class_id, self._on - timedelta(days=1))

    async def action_next_day(self) -> None:
        """Open the day after."""
        await self._go(self._class_id, self._on + timedelta(days=1))

    async def action_previous_class(self) -> None:
        """Open the class before."""
        await self._step_class(-1)

    async def action_next_class(self) -> None:
        """Open the next class."""
        await self._step_class(1)

    async def _step_class(self, by: int) -> None:
        on = self._on
        classes = await self.ask(lambda office: office.attendance.classes(on))
        ids = [view.class_id for view in classes or ()]
        if self._class_id in ids:
            await self._go(ids[(ids.index(self._class_id) + by) % len(ids)], on)

    async def _go(self, class_id: str, on: date) -> None:
        self._class_id, self._on, self._day = class_id, on, None
        self._done.clear()
        await self.refresh_data()
