"""情報資産台帳: which information there is and how it is handled; managers write the lines of the school's own.

Invariant: whether somebody may change a line is asked before they type, and again when it is kept.
"""

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.ledger.desk import LedgerChange
from appliance.ledger.ledger import Entry, LedgerEntry
from appliance.ledger.lines import LedgerLine, ledger_of
from appliance.views import HistoryLine
from tui.actions import LEDGER
from tui.i18n import _
from tui.releasing import release
from tui.screens.base import OfficeScreen
from tui.screens.history import HistoryScreen
from tui.screens.ledgerform import LedgerForm
from tui.screens.otherways import ledger_ways
from tui.wrap import fold, plain

_HELP = _("""学校の情報資産の台帳です。矢印で選ぶと、取扱者・持ち出し・保管期間と根拠が下に出ます。
◆ は、この学校が足したか変えた行です。ほかは教育委員会の標準台帳です。
「学校で定める」とある項目は仮の値です。校長が定めてください。
校長・教頭は e で行を直し、n で行を足します。h で、だれがいつ変えたかを見ます。
分類の違うものが入る所は、最も重い分類に従います。この装置の保管庫の分類は上の行に出ます。""")


class LedgerScreen(OfficeScreen):
    """The list, and one asset in full below."""

    actions = LEDGER
    help_text = _HELP
    field_help = {
        "assets": _(
            "情報資産の一覧。選ぶと、取扱者・持ち出し・保管期間が下に出ます。◆ は、学校が足したか変えた行です。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[LedgerLine, ...] = ()

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("情報資産台帳"), id="title", markup=False)
        yield DataTable(id="assets", cursor_type="row", zebra_stripes=True)
        yield Static("", id="asset", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("分類"), 4), (_("情報資産"), 33), (_("保管場所"), 16), (_("保管期間"), 12))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the ledger."""
        seen = await self.ask(lambda office: (office.ledger.all(), office.ledger.store_class()))
        if seen is None or seen[0] == self._lines:
            return
        self._lines, store = seen
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for line in self._lines:
            cells = (f" {line.importance}", _name(line), line.place, line.retention)
            table.add_row(*(plain(cell) for cell in cells))
        table.move_cursor(row=place)
        title = _("情報資産台帳  {count}件  この装置の保管庫の分類: {label}")
        self.query_one("#title", Static).update(title.format(count=len(self._lines), label=store.label))
        self._show(place)

    async def on_resize(self) -> None:
        """Fold the detail anew."""
        self._show(self.query_one(DataTable).cursor_row)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the asset under the cursor in full."""
        self._show(event.cursor_row)

    async def action_edit_line(self) -> None:
        """Change the line under the cursor, for this school."""
        line = self._current
        if line is not None:
            await self._change(line.name)

    async def action_add_line(self) -> None:
        """Add a line of the school's own."""
        await self._change("")

    async def action_line_history(self) -> None:
        """Show who changed the line under the cursor when."""
        line = self._current
        if line is None:
            return
        changes = await self.ask(lambda office: office.ledger.history(line.name))
        if changes is not None:
            self.app.push_screen(HistoryScreen(line.name, [_told(change) for change in changes]))

    def action_release(self) -> None:
        """Let the ledger out."""
        release(self, _("情報資産台帳を書き出す"), LedgerEntry.importance, ledger_ways())

    async def _change(self, name: str) -> None:
        entry = await self.ask(lambda office: office.ledger.to_change(name))

        async def keep(line: Entry) -> bool:
            return await self.ask(lambda office: office.ledger.keep(line)) is not None

        async def kept(line: Entry | None) -> None:
            if line is not None:
                self.notify(_("保存しました"))
                await self.reload()

        if entry is not None:
            self.app.push_screen(LedgerForm(entry, keep), kept)

    @property
    def _current(self) -> LedgerLine | None:
        place = self.query_one(DataTable).cursor_row
        return self._lines[place] if 0 <= place < len(self._lines) else None

    def _show(self, place: int) -> None:
        if place < len(self._lines):
            text = fold(_text(self._lines[place]), self.app.size.width - 4)
            self.query_one("#asset", Static).update(text)


def _name(line: LedgerLine) -> str:
    return f"◆ {line.name}" if line.own else line.name


def _text(line: LedgerLine) -> str:
    kept = _("する") if line.kept_locally else _("しない")
    rows = (
        ((_("保管場所"), line.place), (_("取扱者"), line.handlers)),
        ((_("持ち出し"), line.takeout), (_("保管期間"), line.retention), (_("端末での保管"), kept)),
        ((_("学校で定める"), line.to_set),),
        ((_("根拠"), line.source),),
    )
    told = ["  ".join(f"{label}: {value}" for label, value in row if value) for row in rows]
    return "\n".join([f"{line.name}（{line.importance}）  {ledger_of(line)}", *filter(None, told)])


def _told(change: LedgerChange) -> HistoryLine:
    """Return a change as a line of the history."""
    line = change.line
    what = "  ".join((line.importance, line.place, line.handlers, line.takeout, line.retention))
    return HistoryLine(change.at, change.who, what)
