"""文書: the school's sealed documents, found by title and text, opened, added, classed anew, destroyed."""

from pathlib import Path

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import DataTable, Input, Static

from appliance.documents.desk import DocumentView, Whereabouts
from crypto.importance import Importance
from tui.actions import DOCUMENTS
from tui.i18n import _
from tui.releasing import release
from tui.screens.base import OfficeScreen
from tui.screens.document import DocumentScreen
from tui.screens.filing import Adding, AddScreen, ClassScreen, DestroyScreen, VersionsScreen, Witness
from tui.screens.otherways import document_ways
from tui.widgets.told import tell
from tui.wrap import fold, plain

_TITLE = 34  # cells of the list
_PAUSE_S = 0.4  # nobody types for so long: then the texts are searched too
_HELP = _("""封じて保管している文書の一覧です。上の行にことばを入れると、題名・ファイル名・本文から探します。
矢印で選び、Enter で開きます。開いた中身はこの装置のディスクには残りません。
n でこの装置にあるファイルを加えます。スキャナーや共有フォルダーからは、受け箱の分類のフォルダーに置くだけです。
c で重要性分類を変えます（低くするのは校長・教頭）。v で前の版を開けます。x で廃棄、F7 で書き出しです。
「？」は受け箱に分類なしで置かれたもので、Ⅱとして封じてあります。c で分類を決めてください。""")


class DocumentsScreen(OfficeScreen):
    """A line to search, the list, and one document's facts below."""

    actions = DOCUMENTS
    help_text = _HELP
    field_help = {
        "narrow": _(
            "文書を探すことば。題名・ファイル名・本文から探します。例 学校だより。空にすると、すべて出ます。"
        ),
        "documents": _("文書の一覧。選ぶと、くわしいことが下に出ます。Enter で開きます。"),
    }

    def __init__(self) -> None:
        super().__init__()
        self._documents: tuple[DocumentView, ...] = ()
        self._texts: Timer | None = None

    def body(self) -> ComposeResult:
        """Yield title, the line to search, list and facts."""
        yield Static(_("文書"), id="title", markup=False)
        yield Input(placeholder=_("題名・ファイル名・本文のことばで探す"), id="narrow", compact=True)
        yield DataTable(id="documents", cursor_type="row", zebra_stripes=True)
        yield Static("", id="document", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("分類"), 4), (_("題名"), _TITLE), (_("大きさ"), 8), (_("更新"), 11), (_("だれが"), 10))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the list; what only the text says comes a moment later."""
        words = self.query_one("#narrow", Input).value
        found = await self.ask(lambda office: office.documents.find(words))
        if found is not None:
            await self._fill(found.views, found.count)
        if words.strip():
            self._texts = self.set_timer(_PAUSE_S, self._find_in_texts)

    async def _find_in_texts(self) -> None:
        words, titled = self.query_one("#narrow", Input).value, self._documents
        found = await self.ask(lambda office: office.documents.find_in_text(words), quiet=True)
        known = {view.document_id for view in titled}
        more = tuple(view for view in found.views if view.document_id not in known) if found else ()
        if more and titled == self._documents and words == self.query_one("#narrow", Input).value:
            await self._fill((*titled, *more), len(titled) + len(more))

    async def _fill(self, views: tuple[DocumentView, ...], count: int) -> None:
        table = self.query_one(DataTable)
        place = table.cursor_row if views[: len(self._documents)] == self._documents else 0
        self._documents = views
        table.clear()
        for view in views:
            marks = ("？" if not view.labelled else "") + ("⚠" if view.conflict else "")
            cells = (f" {view.importance.label}", marks + view.title, size_text(view.size), _when(view), view.by)
            table.add_row(*(plain(cell) for cell in cells), key=view.document_id)
        table.move_cursor(row=max(0, place))
        tell(self.query_one("#title", Static), _("文書  {count}件").format(count=count))
        await self._show()

    async def on_input_changed(self) -> None:
        """Search again."""
        if self._texts is not None:
            self._texts.stop()
        await self.refresh_data()

    def on_input_submitted(self) -> None:
        """Go to the list."""
        self.query_one(DataTable).focus()

    async def on_data_table_row_highlighted(self) -> None:
        """Show the facts of the document under the cursor."""
        await self._show()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the document."""
        if event.row_key.value is not None:
            self.app.push_screen(DocumentScreen(event.row_key.value))

    def action_open(self) -> None:
        """Open the document under the cursor, from the line to search the first one."""
        self.query_one(DataTable).action_select_cursor()

    def action_add(self) -> None:
        """Ask for a file of this machine, and take it in."""

        async def add(told: Adding | None) -> None:
            if told is not None:
                path = Path(told.path).expanduser()
                kept = await self.ask(lambda office: office.filing.add_file(path, told.importance, told.title))
                if kept is not None:
                    self.notify(_("封じて保存しました。元のファイルはそのままです。"))
                    await self.reload()

        self.app.push_screen(AddScreen(), add)

    async def action_versions(self) -> None:
        """List the versions of the document under the cursor."""
        view = self._current
        if view is None:
            return
        versions = await self.ask(lambda office: office.documents.versions(view.document_id))

        def go(blob: bytes | None) -> None:
            if blob:
                self.app.push_screen(DocumentScreen(view.document_id, blob))

        if versions is not None:
            self.app.push_screen(VersionsScreen(view.title, versions), go)

    def action_classify(self) -> None:
        """Ask for another importance."""
        view = self._current
        if view is None:
            return

        async def classify(chosen: Importance | None) -> None:
            if chosen is not None:
                await self.ask(lambda office: office.filing.reclassify(view.document_id, chosen))
                await self.reload()

        self.app.push_screen(ClassScreen(view), classify)

    def action_destroy(self) -> None:
        """Ask, for importance I and II for a second person too, before anything is destroyed."""
        view = self._current
        if view is None:
            return

        async def destroy(told: Witness | None) -> None:
            if told is not None:
                await self.ask(lambda office: office.filing.destroy(view.document_id, told.login, told.passphrase))
                await self.reload()

        self.app.push_screen(DestroyScreen(view), destroy)

    def action_release(self) -> None:
        """Let the document under the cursor out, by the rules."""
        view = self._current
        if view is not None:
            title = _("「{title}」を書き出す").format(title=view.title)
            release(self, title, view.importance, document_ways(view.document_id))

    @property
    def _current(self) -> DocumentView | None:
        place = self.query_one(DataTable).cursor_row
        return self._documents[place] if 0 <= place < len(self._documents) else None

    async def _show(self) -> None:
        view = self._current
        if view is None:
            searched = self.query_one("#narrow", Input).value.strip()
            none = _("ありません") if searched else _("まだありません。n で加えるか、ファイルを受け箱に置きます。")
            tell(self.query_one("#document", Static), none)
            return
        where = await self.ask(lambda office: office.documents.whereabouts(view.document_id), quiet=True)
        if view == self._current:
            text = facts_text(view, where)
            tell(self.query_one("#document", Static), fold(text, self.app.size.width - 4))


def facts_text(view: DocumentView, where: Whereabouts | None) -> str:
    """Return what a person wants to know of a document before opening it."""
    lines = [view.title] if cell_len(view.title) > _TITLE else []
    lines.append(f"{view.name}  {_('重要性分類')}{view.importance.label}  {view.by} {view.at:%Y-%m-%d %H:%M}")
    if where is not None:
        sent = _("送信済 {at:%m/%d %H:%M}").format(at=where.sent_at) if where.sent_at else _("送信待ち")
        here = _("この装置にあります") if where.here else _("この装置にありません（開くと取り寄せます）")
        lines.append(f"{here}  {sent}")
    if not view.labelled:
        lines.append(_("？ 分類なしで受け箱に置かれました。c で分類を決めてください。"))
    elif view.found:
        lines.append(f"…{view.found}…")
    elif view.unread:
        lines.append(_("本文は検索できません: {why}").format(why=view.unread))
    return "\n".join(lines)


def _when(view: DocumentView) -> str:
    return f"{view.at:%m/%d %H:%M}"


def size_text(size: int) -> str:
    """Return a size as people say it."""
    for unit, step in (("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f} {unit}" if size < 100 * step else f"{size // step} {unit}"
    return f"{size} B"
