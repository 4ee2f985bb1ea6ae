"""校務連携: what came from the school system and waits, what became of it, what went out and was answered."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.exchange.outgoing import Asked, What
from appliance.exchange.receipt import receipt_lines
from appliance.exchange.tables import months_between
from appliance.exchange.views import ArrivalView, ReceiptView, SentView
from appliance.messages import language
from appliance.office import Office
from appliance.permits.gate import Lock
from appliance.permits.handing import HandedOut
from crypto.importance import Importance
from tui.actions import EXCHANGE
from tui.i18n import _
from tui.releasing import Way, release
from tui.screens.base import OfficeScreen
from tui.screens.exchangefile import ExchangeFileScreen
from tui.screens.release import HandedOutScreen
from tui.wrap import fold, plain

_HELP = _("""統合型校務支援システムとのやり取りです。
受け箱の「取込」に置かれたファイルは封じられて、ここで待ちます。Enter で調べます。
調べただけでは何も変わりません。F4 で取り込むか、x で断ると、受領書ができます。
F2 は選んだファイルの受領書を書き出します。F7 は出欠・会議・勤務時間・名簿を書き出します。
前と同じ内容なら、新しいファイルは作りません。
相手の受領書を「取込」に置くと、書き出したものの行に「受領」と出ます。""")
_FORMS: Final = {"zip": "ZIP / Excel", "text": "CSV", "other": "?"}
_STATES: Final = {
    "applied": _("● 取込済"),
    "nothing": _("・ 同じ"),
    "refused": _("× 断った"),
    "answer": _("● 受領"),
}
_WHAT_WORDS: Final = {
    What.ATTENDANCE: _("出欠（日ごと）"),
    What.MONTHS: _("出欠の月の集計"),
    What.MEETINGS: _("会議の議題と決定"),
    What.HOURS: _("勤務時間"),
    What.ROSTER: _("名簿（OneRoster）"),
}
_KNOWN: Final = 12
_MONTHS: Final = 2
_Row = ArrivalView | ReceiptView | SentView


class ExchangeScreen(OfficeScreen):
    """Waiting files first, then what became of others and what went out, the newest first."""

    actions = EXCHANGE
    help_text = _HELP
    field_help = {
        "notices": _(
            "届いたファイルと、書き出したファイルの一覧。選んで Enter を押すと、中身を調べます。"
            "調べただけでは何も変わりません。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[_Row] = []
        self._today = date.min

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("校務連携"), id="title", markup=False)
        yield DataTable(id="notices", cursor_type="row", zebra_stripes=True)
        yield Static("", id="asset", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("状態"), 9), (_("日時"), 11), (_("内容"), 24), (_("件数"), 6), (_("だれが"), 14))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read all three lists."""
        seen = await self.ask(
            lambda o: (o.exchange.waiting(), o.exchange.receipts(), o.exchange.sent(), o.today())
        )
        if seen is None:
            return
        waiting, receipts, sent, self._today = seen
        later: list[ReceiptView | SentView] = [*receipts, *sent]
        self._rows = [*waiting, *sorted(later, key=lambda one: one.at, reverse=True)]
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for row in self._rows:
            table.add_row(*map(plain, _cells(row)))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        title = _("校務連携  待っているファイル {count}件").format(count=len(waiting))
        self.query_one("#title", Static).update(title)
        self._show_row()

    def on_data_table_row_highlighted(self) -> None:
        """Show the row under the cursor."""
        self._show_row()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show_row()

    def _show_row(self) -> None:
        row = self._current
        nothing = _("まだ何もありません。受け箱の「取込」にファイルを置くか、F7 で書き出します。")
        text = "\n".join(_details(row)) if row else nothing
        self.query_one("#asset", Static).update(fold(text, self.app.size.width - 4))

    @property
    def _current(self) -> _Row | None:
        place = self.query_one(DataTable).cursor_row
        return self._rows[place] if 0 <= place < len(self._rows) else None

    def action_open(self) -> None:
        """Look at the waiting file under the cursor."""
        row = self._current
        if isinstance(row, ArrivalView):
            self.app.push_screen(ExchangeFileScreen(row.document_id))
        else:
            self.notify(_("待っているファイルを選んでください"))

    def on_data_table_row_selected(self) -> None:
        """Look at the file that was clicked."""
        self.action_open()

    async def action_receipt(self) -> None:
        """Write the receipt of the file under the cursor."""
        row = self._current
        if not isinstance(row, ReceiptView):
            self.notify(_("取り込んだか断ったファイルを選んでください"))
            return
        handed = await self.ask(lambda office: _receipt_of(office, row))
        if handed is not None:
            self.app.push_screen(HandedOutScreen(handed))

    def action_release(self) -> None:
        """Choose what goes out, and let it."""
        months = list(months_between(_earlier(self._today), self._today))[-_MONTHS:]
        ways = [_way(what, month, self._today) for month in reversed(months) for what in What]
        release(self, _("校務支援システムへ書き出す"), Importance.III, ways)


def _way(what: What, month: date, today: date) -> Way:
    last = min(today, _last_of(month))

    def hand(office: Office, lock: Lock, again: bool) -> HandedOut:
        return office.send_out(Asked(what, month, last, again), lock)

    word = _("{month}月 {what}").format(month=month.month, what=_WHAT_WORDS[what])
    return Way(word, hand=hand, graded=Importance.II if what is What.HOURS else None)


def _receipt_of(office: Office, row: ReceiptView) -> HandedOut:
    return office.give_receipt(row.receipt_id, row.name)


def _cells(row: _Row) -> tuple[str, ...]:
    if isinstance(row, ArrivalView):
        what = row.name or _FORMS.get(row.form, "?")
        return _("⚠ 待ち"), f"{row.at:%m/%d %H:%M}", what, "", f"{row.size:,} B"
    if isinstance(row, ReceiptView):
        receipt = row.receipt
        what = row.name or _("受け取り {mark}").format(mark=receipt.sha256.hex()[:_KNOWN])
        count = f"{receipt.put + receipt.removed}"
        return _STATES.get(receipt.outcome, "?"), f"{row.at:%m/%d %H:%M}", what, count, row.by
    state = _("→ 書出")
    if row.answer is not None:
        state = _("● 受領") if row.answer.taken else _("× 受領せず")
    return state, f"{row.at:%m/%d %H:%M}", _what(row), f"{row.rows}", row.by


def _what(row: SentView) -> str:
    return _WHAT_WORDS[What(row.what)] if row.what in tuple(What) else row.what


def _details(row: _Row) -> Iterator[str]:
    if isinstance(row, ArrivalView):
        yield row.name or _FORMS.get(row.form, "?")
        yield _("{at} に届いて、だれかを待っています。Enter で調べます。").format(at=f"{row.at:%m/%d %H:%M}")
        yield f"SHA-256 {row.sha256}"
    elif isinstance(row, ReceiptView):
        yield row.name or _FORMS["other"]
        yield from receipt_lines(row, language())
    else:
        yield f"{row.name}  {row.importance.label}  {row.first:%m/%d}–{row.last:%m/%d}"
        yield f"SHA-256 {row.sha256}"
        if row.answer is not None:
            yield _("相手の返事: {told}").format(told=row.answer.told or "—")


def _last_of(month: date) -> date:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _earlier(today: date) -> date:
    return date.fromordinal(today.replace(day=1).toordinal() - 1)
