"""One opened document, page by page: text, Markdown, tables, PDF pages and pictures.

Invariant: what was opened lives in this screen and in the one process that reads it; leaving the screen ends both.
What a document says is shown as plain characters, never taken for a command of the terminal or for markup.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import DataTable, Markdown, Static

from appliance.documents.desk import DocumentElsewhereError, OpenedDocument
from appliance.documents.pages import Pages
from appliance.messages import explain_code
from appliance.office import Office
from crypto.errors import KurabakoError
from sync.openrecords import LOCKED
from tui.actions import DOCUMENT
from tui.door import NotLoggedInError
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.screens.problem import ProblemScreen
from tui.widgets.pictures import WIDE, picture_of
from tui.wrap import fold, plain

T = TypeVar("T")
_AGAIN_S: Final = 2.0
_HELP = _("""開いた文書です。← → で前後のページ、↑ ↓ と PageUp PageDown で動きます。
t で、絵と文字を切り替えます（PDF）。戻ると、開いた中身はどこにも残りません。
「取り寄せています」と出たら、クラウドから届くのを待っています。届くと自動で開きます。""")


class DocumentScreen(OfficeScreen):
    """The title, where one is, and the page."""

    actions = DOCUMENT
    help_text = _HELP
    field_help = {
        "page": _("開いた文書。← → で前後のページを見ます。戻ると、中身はどこにも残りません。"),
    }

    def __init__(self, document_id: str, blob: bytes = b"") -> None:
        super().__init__()
        self._document, self._blob = document_id, blob
        self._pages: Pages | None = None
        self._told: tuple[str, str] = ("", "")
        self._page = 0
        self._as_text = False

    def body(self) -> ComposeResult:
        """Yield title, place and page."""
        yield Static(_("文書"), id="title", markup=False)
        yield Static(_("開いています…"), id="place", markup=False)
        yield VerticalScroll(id="page")

    async def on_mount(self) -> None:
        """Open the document."""
        await super().on_mount()
        self.query_one("#page").focus()
        self.run_worker(self._open())

    async def on_unmount(self) -> None:
        """Let go of everything that was opened."""
        pages, self._pages = self._pages, None
        if pages is not None:
            await asyncio.to_thread(pages.close)

    async def action_page_back(self) -> None:
        """Show the page before."""
        await self._turn(-1)

    async def action_page_on(self) -> None:
        """Show the next page."""
        await self._turn(1)

    async def action_as_text(self) -> None:
        """Show pictures as text, or text as pictures again."""
        self._as_text = not self._as_text
        await self._show()

    async def _open(self) -> None:
        try:
            opened, pages = await self.office_app.door.call(self._take)
        except NotLoggedInError:
            return
        except DocumentElsewhereError as error:
            self.query_one("#place", Static).update(_("この装置にないので、取り寄せています。届くと開きます。"))
            await self._tell_why(str(error.params["problem"]), error.subject)
            self.set_timer(_AGAIN_S, self._open)
            return
        except KurabakoError as error:
            self.query_one("#place", Static).update(_("開けませんでした。"))
            self.app.push_screen(ProblemScreen(error))
            return
        if not self.is_attached:
            pages.close()
            return
        self._pages = pages
        self.locked = opened.importance in LOCKED
        self.query_one("#title", Static).update(opened.title)
        self._told = (f"{_('重要性分類')}{opened.importance.label}  {opened.name}", opened.media)
        await self._show()

    def _take(self, office: Office) -> tuple[OpenedDocument, Pages]:
        """Open the document and hand its bytes on; this runs in the office's own thread."""
        opened = office.documents.open(self._document, self._blob)
        return opened, Pages(opened.source(), opened.size, opened.media)

    async def _tell_why(self, problem: str, blob: str) -> None:
        """Say what is in the way of a document that is fetched; an empty code says that nothing is."""
        told = explain_code(problem, blob=blob[:12])
        why = f"{told.sentence}\n{told.hint}\n[{problem}]" if problem else ""
        holder = self.query_one("#page", VerticalScroll)
        await holder.remove_children()
        await holder.mount(self._text(why))

    async def _turn(self, by: int) -> None:
        if self._pages is not None and 0 <= self._page + by < self._pages.count:
            self._page += by
            await self._show()

    async def _show(self) -> None:
        pages = self._pages
        if pages is None:
            return
        widget, note = await self._widget(pages)
        holder = self.query_one("#page", VerticalScroll)
        await holder.remove_children()
        await holder.mount(widget)
        holder.scroll_home(animate=False)
        place = _("{page}／{count}ページ").format(page=self._page + 1, count=pages.count) if pages.count else ""
        self.query_one("#place", Static).update("  ".join(filter(None, (self._told[0], place, note))))

    async def _widget(self, pages: Pages) -> tuple[Widget, str]:
        """Return what shows the page, and what is to be said of it."""
        page = self._page
        if pages.kind == "picture" and not self._as_text:
            how = self.office_app.pictures
            text = await self._ask(lambda: pages.text(page)) if how == "blocks" else ""
            if text.strip():
                return self._text(text), _("この端末では文字だけを表示しています")
            png = await self._ask(lambda: pages.picture(page, WIDE[how]))
            if png:
                return picture_of(png, how), ""
        if pages.kind == "table" and not self._as_text:
            return _table(await self._ask(lambda: pages.rows(page))), ""
        text = await self._ask(lambda: pages.text(page))
        if pages.kind == "markdown" and not self._as_text:
            return Markdown(text, open_links=False), ""
        if pages.fault or pages.kind == "none":
            return self._text(_("この種類のファイルは、ここでは表示できません。")), self._told[1]
        return self._text(text or _("（文字がありません）")), ""

    async def _ask(self, what: Callable[[], T]) -> T:
        return await asyncio.to_thread(what)

    def _text(self, text: str) -> Static:
        shown = "".join(c if c.isprintable() or c == "\n" else " " for c in text.expandtabs(4))
        return Static(fold(shown, self.app.size.width - 6), markup=False)


def _table(rows: tuple[tuple[str, ...], ...]) -> Widget:
    table: DataTable[object] = DataTable(cursor_type="row", zebra_stripes=True, show_header=False)
    width = max((len(row) for row in rows), default=1)
    table.add_columns(*(str(number) for number in range(width)))
    for row in rows:
        cells = [*row, *[""] * (width - len(row))]
        table.add_row(*(plain(" ".join(cell.split())) for cell in cells))
    table.styles.height = "1fr"
    return table
