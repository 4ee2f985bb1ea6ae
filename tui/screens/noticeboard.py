"""掲示板: the notices for pupils' tablets, and whether each is on the page as it stands here."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from appliance.noticeboard.desk import NoticeView, Shown
from appliance.noticeboard.records import MOST_AUDIENCE, MOST_TITLE, SECTIONS, NoticeItem
from tui.actions import NOTICEBOARD
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.dialog import Dialog
from tui.typed import read_period
from tui.wrap import fold, plain

_HELP = _("""児童生徒のタブレットに見せる掲示板です。
載せるのは、だれが見てもよいもの（重要性分類Ⅳ）だけにしてください。
氏名・成績・健康・連絡先は書きません。n で書いて保存すると、すぐページに載ります。
「未反映」は、教育委員会が書いたなど、まだページに出ていないものです。F4 で出します。
終わりの日を過ぎると、だれも何もしなくても消えます。x で早く取り下げられます。""")
_STATES = {Shown.POSTED: _("● 掲示中"), Shown.WAITING: _("⚠ 未反映"), Shown.OVER: _("・ 終了")}
_URGENT = "！"
_WEEK = timedelta(days=7)


class NoticeForm(Dialog[bool]):
    """A notice to be written or changed; it stays until it was kept."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4,ctrl+s", "keep", _("保存"))]
    help_text = _("児童生徒のタブレットに見せる掲示を書きます。氏名・成績・健康・連絡先は書かないでください。")
    field_help = {
        "headline": _("掲示の題。！ではじめると「たいせつ」と出ます。例 ！あすは弁当の日。Enter で次へ進みます。"),
        "audience": _("見せる相手。学年や学級を書きます。例 3年。空なら全員です。"),
        "period": _("掲示の日。はじめとおわりを書きます。例 11/24-12/1。おわりの日を過ぎると、自動で消えます。"),
        "sections": _("掲示の欄。のせる所を選びます。Enter で本文に進みます。"),
        "text": _("掲示の本文。何行でも書けます。例 水筒と雨具を持ってきてください。F4 で保存して載せます。"),
    }

    def __init__(
        self, item: NoticeItem | None, today: date, keep: Callable[[NoticeItem], Awaitable[bool]]
    ) -> None:
        super().__init__()
        self._item, self._today, self._keep = item, today, keep
        self._keeping = False

    def compose(self) -> ComposeResult:
        """Yield the lines and the text."""
        item = self._item
        days = (item.first, item.until) if item else (self._today, self._today + _WEEK)
        title = (_URGENT if item and item.urgent else "") + (item.title if item else "")
        with Vertical(classes="dialog full"):
            yield Static(_("掲示を書く（だれが見てもよいものだけ）"))
            with Horizontal(classes="line"):
                yield Static(_("題（！で「たいせつ」）"), classes="label")
                yield Input(title, id="headline", max_length=MOST_TITLE + 1, compact=True)
            with Horizontal(classes="line"):
                yield Static(_("対象 例 3年（空は全員）"), classes="label")
                yield Input(item.audience if item else "", id="audience", max_length=MOST_AUDIENCE, compact=True)
            with Horizontal(classes="line"):
                yield Static(_("掲示の日 例 11/24-12/1"), classes="label")
                period = f"{days[0]:%m/%d}-{days[1]:%m/%d}"
                yield Input(period, id="period", max_length=13, select_on_focus=True, compact=True)
            yield OptionList(*(Option(section) for section in SECTIONS), id="sections", markup=False)
            yield TextArea(item.body if item else "", id="text", soft_wrap=True, show_line_numbers=False)
            yield Static("", id="wrong", markup=False)
            yield Static(_("Enter・Tab で次へ   F4 で保存して載せる   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the title."""
        options = self.query_one(OptionList)
        options.highlighted = SECTIONS.index(self._item.section) if self._item else 0
        self.query_one("#headline", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next line."""
        event.stop()
        self.focus_next()

    def on_option_list_option_selected(self) -> None:
        """Go on to the text."""
        self.query_one(TextArea).focus()

    def action_keep(self) -> None:
        """Keep it, once however often the key is pressed."""
        days = read_period(self.query_one("#period", Input).value, self._today)
        title = self.query_one("#headline", Input).value.strip()
        urgent = title.startswith((_URGENT, "!"))
        title = title[1:].strip() if urgent else title
        if days is None or not title:
            wrong = _("題を書いてください。") if days else _("日は 11/24-12/1 のように書いてください。")
            self.query_one("#wrong", Static).update(wrong)
            self.query_one("#headline" if days else "#period", Input).focus()
        elif not self._keeping:
            self._keeping = True
            item = NoticeItem(
                title=title,
                body=self.query_one(TextArea).text,
                first=days[0],
                until=days[1],
                section=SECTIONS[self.query_one(OptionList).highlighted or 0],
                audience=self.query_one("#audience", Input).value,
                urgent=urgent,
            )
            self.run_worker(self._try(item))

    async def _try(self, item: NoticeItem) -> None:
        try:
            if await self._keep(item):
                self.dismiss(True)
        finally:
            self._keeping = False

    def action_cancel(self) -> None:
        """Keep nothing."""
        self.dismiss(False)


class NoticeboardScreen(OfficeScreen):
    """The list, and the notice under the cursor below."""

    actions = NOTICEBOARD
    help_text = _HELP
    field_help = {
        "notices": _("掲示の一覧。選ぶと、下に中身が出ます。Enter で直し、n で新しく書きます。"),
    }

    def __init__(self) -> None:
        super().__init__()
        self._notices: tuple[NoticeView, ...] = ()
        self._today = date.min

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("掲示板"), id="title", markup=False)
        yield DataTable(id="notices", cursor_type="row", zebra_stripes=True)
        yield Static("", id="asset", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("状態"), 9), (_("題"), 34), (_("対象"), 8), (_("いつまで"), 8), (_("書いた人"), 9))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the notices."""
        seen = await self.ask(lambda office: (office.noticeboard.listed(), office.today()))
        if seen is None:
            return
        self._notices, self._today = seen
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for view in self._notices:
            title = (_URGENT if view.item.urgent else "") + view.item.title
            until = f"{view.item.until:%m/%d}"
            cells = (_STATES[view.shown], title, view.item.audience or _("全員"), until, view.by)
            table.add_row(*map(plain, cells))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        waiting = sum(view.shown is Shown.WAITING for view in self._notices)
        posted = sum(view.shown is Shown.POSTED for view in self._notices)
        title = _("掲示板  掲示中 {posted}件").format(posted=posted)
        title += _("  未反映 {waiting}件: F4 で載せる").format(waiting=waiting) if waiting else ""
        self.query_one("#title", Static).update(title)
        self._show_notice()

    def on_data_table_row_highlighted(self) -> None:
        """Show the notice under the cursor."""
        self._show_notice()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show_notice()

    def _show_notice(self) -> None:
        view = self._current
        text = _text(view) if view else _("掲示はまだありません。n で書きます。")
        self.query_one("#asset", Static).update(fold(text, self.app.size.width - 4))

    @property
    def _current(self) -> NoticeView | None:
        place = self.query_one(DataTable).cursor_row
        return self._notices[place] if 0 <= place < len(self._notices) else None

    def action_post(self) -> None:
        """Write a new notice."""
        self._write(None)

    def action_open(self) -> None:
        """Change the notice under the cursor."""
        if (view := self._current) is not None:
            self._write(view)

    def on_data_table_row_selected(self) -> None:
        """Change the notice that was clicked."""
        self.action_open()

    def _write(self, view: NoticeView | None) -> None:
        async def keep(item: NoticeItem) -> bool:
            own = view.notice_id if view else ""
            kept = await self.ask(lambda office: office.noticeboard.keep(item, own)) is not None
            if kept:
                self.notify(_("載せました"))
            return kept

        async def closed(_kept: bool | None) -> None:
            await self.refresh_data()

        self.app.push_screen(NoticeForm(view.item if view else None, self._today, keep), closed)

    def action_take_down(self) -> None:
        """Ask, then withdraw the notice under the cursor."""
        view = self._current
        if view is None or view.item.withdrawn:
            self.notify(_("選んでください") if view is None else _("もう取り下げてあります"))
            return

        async def answered(yes: bool | None) -> None:
            if yes and await self.ask(lambda office: office.noticeboard.withdraw(view.notice_id)) is not None:
                self.notify(_("取り下げました"))
                await self.refresh_data()

        question = _("「{title}」を掲示板から取り下げますか。").format(title=view.item.title)
        self.app.push_screen(YesNoScreen(question, _("取り下げる")), answered)

    async def action_post_all(self) -> None:
        """Release what waits."""
        count = await self.ask(lambda office: office.noticeboard.release())
        if count is not None:
            self.notify(_("{count}件を載せました").format(count=count) if count else _("未反映のものはありません"))
            await self.refresh_data()


def _text(view: NoticeView) -> str:
    item = view.item
    head = _("{section}  {first}–{until}  {who} {at}").format(
        section=item.section,
        first=f"{item.first:%m/%d}",
        until=f"{item.until:%m/%d}",
        who=view.by,
        at=f"{view.at:%m/%d %H:%M}",
    )
    parts = [head, item.title, item.body]
    if view.conflict:
        parts.insert(1, _("⚠ 競合があります。ホームの競合で決めてください。"))
    return "\n".join(parts)
