"""照合: the parents' app's list of absences, pasted after an outage, beside what stands in the book."""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.attendance.noticedesk import Compared, Match
from appliance.attendance.notices import Unread
from appliance.views import AttendanceCode, Saved
from tui.actions import NOTICES
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.wrap import cut, fold, plain

_HELP = _("""線が切れていた間に保護者アプリへ届いた欠席連絡を、出席簿と照らし合わせます。
アプリの一覧（見出しの行も）を写して、この画面に貼り付けてください。ファイルは作りません。
F4 で未記入の連絡をすべて記入します。食い違いは、その行で Enter を押すと、連絡のほうに直せます。
「連絡なし」は、欠席と記入されていて、アプリの連絡がない人です。家庭に確かめてください。
u で直前の記入を元に戻します。""")
_WORDS: Final = {
    Match.NEW: _("＋ 未記入"),
    Match.DIFFERENT: _("⚠ 食い違い"),
    Match.UNTOLD: _("？ 連絡なし"),
    Match.UNREAD: _("× 読めない"),
    Match.CLOSED: _("・ 休みの日"),
    Match.SAME: _("✓ 一致"),
}
_UNREAD: Final = {
    Unread.DAY: _("日付が読めません"),
    Unread.PUPIL: _("名簿のだれか決められません"),
    Unread.KIND: _("区分の言葉を知りません"),
    Unread.TIME: _("時刻が読めません"),
}
_WHO, _ENTRY = 26, 18


class NoticesScreen(OfficeScreen):
    """A list that is empty until something is pasted."""

    actions = NOTICES
    help_text = _HELP
    field_help = {
        "notices": _(
            "欠席連絡の一覧。保護者アプリの一覧を写し、ここに貼り付けます。"
            "食い違いの行では、Enter で連絡のほうに直せます。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._rows: tuple[Compared, ...] = ()
        self._codes: dict[str, AttendanceCode] = {}
        self._done: list[tuple[Saved, ...]] = []

    def body(self) -> ComposeResult:
        """Yield title, list, and what to do."""
        yield Static(_("欠席連絡の照合"), id="title", markup=False)
        yield DataTable(id="notices", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Set the columns and say what to paste."""
        self._codes = {code.code: code for code in await self.ask(lambda office: office.attendance.codes()) or ()}
        table = self.query_one(DataTable)
        for label, width in (
            (_("照合"), 11),
            (_("日"), 5),
            (_("だれ"), _WHO),
            (_("連絡"), 8),
            (_("記入"), _ENTRY),
        ):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def on_paste(self, event: events.Paste) -> None:
        """Compare what was pasted; what cannot be read leaves the list as it was."""
        event.stop()
        before, self._text = self._text, event.text
        if not await self._compare():
            self._text = before

    async def refresh_data(self) -> None:
        """Compare anew: somebody may have entered something."""
        if not self._text:
            self.query_one("#detail", Static).update(fold(_HELP.partition("\nF4")[0], self.app.size.width - 4))
        elif not await self._compare():
            return

    async def _compare(self) -> bool:
        text = self._text
        rows = await self.ask(lambda office: office.notices.compare(text))
        if rows is None:
            return False
        self._rows = rows
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for row in rows:
            table.add_row(*map(plain, self._cells(row)))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        counts = [f"{word} {n}" for match, word in _WORDS.items() if (n := sum(r.match is match for r in rows))]
        self.query_one("#title", Static).update(f"{_('欠席連絡の照合')}  {'  '.join(counts)}")
        self._show_detail()
        return True

    def _cells(self, row: Compared) -> tuple[str, ...]:
        on = f"{row.on:%m/%d}" if row.on else ""
        entry = f"{self._code_name(row.stands)} {row.by}".strip()
        return _WORDS[row.match], on, cut(row.words, _WHO), cut(self._code_name(row.code), 8), cut(entry, _ENTRY)

    def _code_name(self, code: str) -> str:
        known = self._codes.get(code)
        return known.name if known else code

    def on_data_table_row_highlighted(self) -> None:
        """Show the row in full."""
        self._show_detail()

    def _selected(self) -> Compared | None:
        place = self.query_one(DataTable).cursor_row
        return self._rows[place] if place < len(self._rows) else None

    def _show_detail(self) -> None:
        row = self._selected()
        if row is None:
            return
        words = [row.words, _UNREAD[row.unread] if row.unread else self._code_name(row.code)]
        if row.notice is not None:
            words += [f"{row.notice.at_time:%H:%M}" if row.notice.at_time else "", row.notice.reason]
        if row.stands:
            words.append(_("記入: {name}（{by}）").format(name=self._code_name(row.stands), by=row.by))
        self.query_one("#detail", Static).update(fold("  ".join(filter(None, words)), self.app.size.width - 4))

    def on_data_table_row_selected(self) -> None:
        """Enter this one."""
        self.action_open()

    def action_open(self) -> None:
        """Enter one notice; over another entry only after a question."""
        row = self._selected()
        if row is None or row.match not in (Match.NEW, Match.DIFFERENT):
            self.notify(_("記入するものはありません"))
            return
        if row.match is Match.NEW:
            self.run_worker(self._take([row]))
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._take([row]))

        question = _("{who}: {by} さんの「{old}」を、連絡の「{new}」に直しますか。前の記入は履歴に残ります。")
        names = {"old": self._code_name(row.stands), "new": self._code_name(row.code)}
        self.app.push_screen(YesNoScreen(question.format(who=row.words, by=row.by, **names), _("直す")), answered)

    def action_take_all(self) -> None:
        """Enter everything that was told and not entered."""
        new = [row for row in self._rows if row.match is Match.NEW]
        if new:
            self.run_worker(self._take(new))
        else:
            self.notify(_("記入するものはありません"))

    async def _take(self, rows: list[Compared]) -> None:
        saved = await self.ask(lambda office: office.notices.take(rows))
        if saved:
            self._done.append(saved)
            self.notify(_("{count}件を記入しました").format(count=len(saved)))
        await self._compare()

    async def action_undo(self) -> None:
        """Take the newest entry of this screen back, all of it."""
        if not self._done:
            self.notify(_("元に戻す入力がありません"))
            return
        last = self._done.pop()
        if await self.ask(lambda office: [office.attendance.undo(saved) for saved in last]) is not None:
            self.notify(_("元に戻しました"))
        await self._compare()

    async def on_resize(self) -> None:
        """Fold the texts anew."""
        await self.refresh_data()
