"""勤務: a person's month, day by day: in and out with one key, what counts, how it stands against the limits."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.hours.limits import Reason, Signal, Standing
from appliance.hours.reckoning import DayKind, Doubt, Way
from appliance.hours.records import DayRecord
from appliance.hours.views import TrendPoint, WorkDay, WorkMonth
from tui.actions import HOURS
from tui.i18n import _, day_text
from tui.screens.ask import TextScreen, YesNoScreen
from tui.screens.hoursday import HoursDayScreen, clock, correction_text
from tui.screens.hourstrend import SIGNALS, TrendScreen
from tui.screens.hourswork import HoursWork
from tui.widgets.told import tell
from tui.wrap import fold, plain

_HELP = _("""i で出勤、o で退勤を記録します。押した時刻がそのまま残ります。
日を選んで Enter を押すと、休憩・自己研鑽・校外・テレワーク・持ち帰りを申告できます。
押し忘れは、正しい時刻と理由を書きます。校長か教頭が承認すると、それで数えます。
振替や4時間の割振り変更も同じ所に、その日の所定を書きます（振替で休んだ日は 0:00）。
時間外は、所定の勤務時間（休日は全部）を超えた分です。持ち帰りは別に記録し、数えません。
校長・教頭は F2 で全員の一覧を開き、承認待ちの日で Enter（承認）か F4（不承認）を押します。
校長・教頭・事務職員は、r で市への報告、s で勤務表、m で打刻機のファイルの取り込みを開きます。""")
_REASONS: Final = {
    Reason.GOAL: _("月30時間の目安を超えました"),
    Reason.MONTH: _("月45時間を超えました"),
    Reason.YEAR: _("年360時間を超えました"),
    Reason.LAST_MONTH: _("45時間を超えた月が年の上限に達しました"),
    Reason.MONTH_HIGH: _("月80時間を超えました"),
    Reason.MONTH_MOST: _("月100時間に達しました"),
    Reason.MEAN: _("複数月の平均が80時間を超えました"),
    Reason.MONTHS_OVER: _("45時間を超えた月が年の上限より多くなりました"),
    Reason.YEAR_MOST: _("年720時間を超えました"),
}
_DOUBTS: Final = {Doubt.NO_OUT: _("退勤なし"), Doubt.NO_IN: _("出勤なし"), Doubt.REPEATED: _("二度押し")}
_KINDS: Final = {DayKind.WORKDAY: "", DayKind.WEEKLY_OFF: _("週休日"), DayKind.HOLIDAY: _("休日")}
_BARS: Final = "▁▂▃▄▅▆▇█"
_FULL: Final = 100 * 60


class HoursScreen(HoursWork):
    """One's own month, or somebody's as a manager sees it."""

    actions = HOURS
    help_text = _HELP
    field_help = {
        "hours": _("ひと月の勤務の表。日を選んで Enter を押すと、休憩の申告や、押し忘れた時刻の直しを書けます。"),
    }
    locked = True

    def __init__(self, today: date, person: str = "", month: date | None = None) -> None:
        super().__init__()
        self._today, self._person = today, person
        self._month = (month or today).replace(day=1)
        self._told: WorkMonth | None = None
        self._trend: Sequence[TrendPoint] = ()
        self._begun = False

    def body(self) -> ComposeResult:
        """Yield title, standing, days, one day in full, trend."""
        yield Static("", id="title", markup=False)
        yield Static("", id="state", markup=False)
        yield DataTable(id="hours", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)
        yield Static("", id="trend", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("日"), 14), (_("出勤 退勤"), 25), (_("在校等"), 6), (_("時間外"), 6), (_("記録"), 16))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the month."""
        person, month = self._person, self._month
        if person:
            told = await self.ask(lambda o: (o.hours.month_of(person, month), o.hours.trend_of(person, month)))
        else:
            told = await self.ask(lambda o: (o.hours.own_month(month), o.hours.own_trend(month)))
        if told is None or (person, month) != (self._person, self._month):  # another month was opened meanwhile
            return
        self._told, self._trend = told
        self._show(*told)

    def _show(self, told: WorkMonth, trend: Sequence[TrendPoint]) -> None:
        width = self.app.size.width - 2
        tell(
            self.query_one("#title", Static), f"{_('勤務')}  {told.month.year}/{told.month.month:02}  {told.name}"
        )
        tell(self.query_one("#state", Static), fold(standing_text(told.standing, told.total.at_work), width))
        table = self.query_one(DataTable)
        place = table.cursor_row if self._begun else min(self._today.day, len(told.days)) - 1
        self._begun = True
        table.clear()
        for day in told.days:
            table.add_row(*map(plain, _cells(day)))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        tell(self.query_one("#trend", Static), trend_text(trend))
        self._show_detail()

    def on_data_table_row_highlighted(self) -> None:
        """Show the day under the cursor in full."""
        self._show_detail()

    def _show_detail(self) -> None:
        day = self._selected()
        if day is not None:
            tell(self.query_one("#detail", Static), fold(_detail(day), self.app.size.width - 4))

    def _selected(self) -> WorkDay | None:
        place = self.query_one(DataTable).cursor_row
        days = self._told.days if self._told else ()
        return days[place] if place < len(days) else None

    async def action_come(self) -> None:
        """Write down that the person at the screen comes now."""
        await self._punch(Way.IN, _("出勤 {at:%H:%M} を記録しました"))

    async def action_go(self) -> None:
        """Write down that the person at the screen goes now."""
        await self._punch(Way.OUT, _("退勤 {at:%H:%M} を記録しました"))

    async def _punch(self, way: Way, words: str) -> None:
        if self._person:
            self.notify(_("自分の画面でだけ記録できます"))
            return
        saved = await self.ask(lambda office: office.hours.punch(way))
        if saved is not None:
            self.notify(words.format(at=saved.at))
            await self.refresh_data()

    def on_data_table_row_selected(self) -> None:
        """Declare one's own day, or answer what somebody asked for."""
        self.action_open()

    def action_open(self) -> None:
        """Declare one's own day; on somebody else's allow the correction that waits."""
        day = self._selected()
        if day is None:
            return
        if self._person:
            self._answer(day)
        elif day.on > self._today:
            self.notify(_("まだ来ていない日です"))
        else:
            self.app.push_screen(HoursDayScreen(day), self._declared)

    def _declared(self, record: DayRecord | None) -> None:
        async def keep(told: DayRecord) -> None:
            minutes = {
                name: getattr(told, name)
                for name in ("rest", "self_study", "off_campus", "telework", "taken_home")
            }
            declared = await self.ask(
                lambda o: o.hours.declare(told.on, note=told.note, correction=told.correction, **minutes)
            )
            if declared is not None:
                await self.refresh_data()

        if record is not None:
            self.run_worker(keep(record))

    def _answer(self, day: WorkDay) -> None:
        asked, person = day.waiting, self._person
        if asked is None:
            self.notify(_("承認を待つ直しはありません"))
            return

        async def approve() -> None:
            if await self.ask(lambda o: o.hours.approve(person, day.on, asked)) is not None:
                await self.refresh_data()

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(approve())

        question = _("{day} {what} を承認しますか。").format(day=day_text(day.on), what=correction_text(asked))
        self.app.push_screen(YesNoScreen(question, _("承認")), answered)

    def action_turn_down(self) -> None:
        """Refuse the correction that waits, with a reason."""
        day, person = self._selected(), self._person
        asked = day.waiting if day is not None else None
        if day is None or asked is None or not person:
            self.notify(_("承認を待つ直しはありません"))
            return

        async def refuse(reason: str) -> None:
            if await self.ask(lambda o: o.hours.refuse(person, day.on, asked, reason)) is not None:
                await self.refresh_data()

        def answered(reason: str | None) -> None:
            if reason and reason.strip():
                self.run_worker(refuse(reason.strip()))

        told = _(
            "直しを認めない理由。必ず書きます。本人が読みます。例 会議の時刻と違います。F4 で不承認にします。"
        )
        self.app.push_screen(TextScreen(_("不承認の理由"), "", told=told), answered)

    def action_trend(self) -> None:
        """Show the year's months as bars."""
        if self._told is not None:
            self.app.push_screen(TrendScreen(self._told.name, self._trend))

    def action_everybody(self) -> None:
        """Open everybody's month (managers)."""
        from tui.screens.hoursall import HoursAllScreen

        self.app.push_screen(HoursAllScreen(self._today, self._month))

    async def action_earlier(self) -> None:
        """Open the month before."""
        await self._go((self._month - timedelta(days=1)).replace(day=1))

    async def action_later(self) -> None:
        """Open the month after."""
        await self._go((self._month + timedelta(days=31)).replace(day=1))

    async def _go(self, month: date) -> None:
        self._month = month
        await self.refresh_data()

    async def on_resize(self) -> None:
        """Fold the texts anew."""
        await self.refresh_data()


def signal_text(signal: Signal) -> str:
    """Return a light as a glyph and a word."""
    words = {Signal.GREEN: _("範囲内"), Signal.YELLOW: _("注意"), Signal.RED: _("超過")}
    return f"{SIGNALS[signal]}{words[signal]}"


def standing_text(standing: Standing, at_work: int) -> str:
    """Return light, sums and reasons."""
    sums = _("在校等 {at_work}  時間外 {overtime}  今年度の時間外 {year}").format(
        at_work=clock(at_work), overtime=clock(standing.overtime), year=clock(standing.year)
    )
    reasons = "、".join(_REASONS[told.reason] for told in standing.reasons) or _("上限の範囲です")
    return f"{SIGNALS[standing.signal]} {sums}\n  {reasons}"


def _cells(day: WorkDay) -> tuple[str, ...]:
    spans = _spans((span.begin, span.end) for span in day.spans)
    here = f"{spans} {clock(day.came)}- {_('在校中')}".strip() if day.came is not None else spans
    figures = (day.reckoned.at_work, day.reckoned.overtime)
    return (day_text(day.on), here, *(f"{clock(made) if made else '':>6}" for made in figures), _note(day))


def _note(day: WorkDay) -> str:
    if day.doubts:
        return "⚠ " + "・".join(_DOUBTS[doubt] for doubt in day.doubts)
    if day.waiting is not None:
        return _("承認待ち")
    if day.refused:
        return _("不承認")
    return _KINDS[day.kind]


def _spans(spans: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"{clock(begin)}-{clock(end)}" for begin, end in spans)


def _detail(day: WorkDay) -> str:
    """Return what was declared, and what became of a correction."""
    words = [day_text(day.on)]
    if day.declared is not None:
        told = day.declared
        declared = (
            (_("休憩"), told.rest),
            (_("自己研鑽"), told.self_study),
            (_("校外"), told.off_campus),
            (_("テレワーク"), told.telework),
            (_("持ち帰り"), told.taken_home),
        )
        words += [f"{name} {clock(minutes)}" for name, minutes in declared if minutes]
        words += [told.note] if told.note else []
    if day.waiting is not None:
        words.append(_("承認待ち: {what}").format(what=correction_text(day.waiting)))
    if day.corrected is not None:
        words.append(_("承認済: {what}").format(what=correction_text(day.corrected)))
    if day.refused:
        words.append(_("不承認: {why}").format(why=day.refused))
    return "  ".join(words)


def trend_text(points: Sequence[TrendPoint]) -> str:
    """Return the months as bars up to 100 hours; a month of which nothing is known is a dot."""
    bars = "".join(_bar(point) for point in points)
    if not points:
        return ""
    first, last = points[0].month, points[-1].month
    return f"{_('推移')} {first:%Y/%m} {bars} {last:%Y/%m}"


def _bar(point: TrendPoint) -> str:
    if not point.known:
        return "·"
    return _BARS[min(len(_BARS) - 1, point.standing.overtime * len(_BARS) // _FULL)]
