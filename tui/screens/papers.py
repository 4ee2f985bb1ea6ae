"""資料: the sealed documents beside an agenda item, and choosing one to put there."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.documents.desk import DocumentView
from tui.actions import PAPER_LIST
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.screens.choosing import document_choice
from tui.screens.document import DocumentScreen
from tui.wrap import cut, plain

if TYPE_CHECKING:
    pass

_MOST = 50
_TITLE = 60
_HELP = _("""議題に付いている資料です。Enter で開き、← → で頁が変わります。戻ると、中身はどこにも残りません。
n で、封じて保管している文書から選んで付けます。x で外します（文書そのものは残ります）。
重要性分類の重い資料は、開ける人だけが開けます。""")


class PapersScreen(OfficeScreen):
    """The list of one item."""

    actions = PAPER_LIST
    help_text = _HELP
    field_help = {
        "documents": _("この議題に付いている資料の一覧。選んで Enter を押すと開きます。n で付け、x で外します。"),
    }

    def __init__(self, meeting_id: str, item_id: str, title: str) -> None:
        super().__init__()
        self._meeting, self._item, self._title = meeting_id, item_id, title

    def body(self) -> ComposeResult:
        """Yield title and list."""
        yield Static("", id="title", markup=False)
        yield DataTable(id="documents", cursor_type="row", zebra_stripes=True)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in ((_("分類"), 4), (_("題名"), _TITLE)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the item and what its documents are called."""
        detail = await self.ask(lambda office: office.meetings.open(self._meeting))
        if detail is None:
            return
        item = next((one for one in detail.items if one.item_id == self._item), None)
        found = [(document, await self._facts(document)) for document in (item.documents if item else ())]
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for document, view in found:
            cells = (f" {view.importance.label}", cut(view.title, _TITLE)) if view else ("", _("開けない資料"))
            table.add_row(*map(plain, cells), key=document)
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        head = _("資料  {title}  {count}件").format(title=self._title, count=table.row_count)
        self.query_one("#title", Static).update(head)

    async def _facts(self, document: str) -> DocumentView | None:
        return await self.ask(lambda office: office.documents.facts(document), quiet=True)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the document."""
        if event.row_key.value is not None:
            self.app.push_screen(DocumentScreen(event.row_key.value))

    def action_open(self) -> None:
        """Open the document under the cursor."""
        self.query_one(DataTable).action_select_cursor()

    def action_attach(self) -> None:
        """Choose a document and put it beside the item."""

        async def attach(document: str | None) -> None:
            if document is None:
                return
            chosen = self._meeting, self._item, document
            saved = await self.ask(lambda office: office.meetings.attach(*chosen))
            if saved is not None:
                self.notify(_("資料を付けました"))
                await self.refresh_data()

        self.app.push_screen(document_choice(self.office_app.door, _("付ける文書を探す")), attach)

    async def action_detach(self) -> None:
        """Take the document under the cursor from the item."""
        table = self.query_one(DataTable)
        if not table.row_count:
            return
        document = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value or ""
        if await self.ask(lambda office: office.meetings.detach(self._meeting, self._item, document)):
            self.notify(_("資料を外しました。文書は残っています。"))
            await self.refresh_data()
