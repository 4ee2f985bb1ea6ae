"""監査記録: who opened, released or was refused what. Read only, for managers and the board."""

from textual.app import ComposeResult
from textual.widgets import DataTable, Input, Static

from appliance.audit import AuditEntry
from appliance.auditdesk import AuditLine
from tui.actions import AUDIT
from tui.i18n import _
from tui.releasing import release
from tui.screens.base import OfficeScreen
from tui.screens.otherways import audit_ways
from tui.wrap import fold, plain

_MOST = 500
_HELP = _("""重要性分類Ⅰ・Ⅱを開いたこと、外に出したこと、断られたことの記録です。新しい順に出ます。
上の行に名前や「拒否」などを入れると絞り込めます。F4 で、断られたものだけにします。
記録は、見せる前に書かれます。だれも消したり書き換えたりできません。見たこと自体も記録に残ります。""")


class AuditScreen(OfficeScreen):
    """A line to narrow the list, the list, and one act in full below."""

    actions = AUDIT
    help_text = _HELP
    field_help = {
        "narrow": _(
            "記録を絞り込むことば。名前、したこと、「拒否」などを打ちます。例 佐藤。空にすると、すべて出ます。"
        ),
        "acts": _("開いた・出した・断られたことの記録。新しい順です。選ぶと、くわしいことが下に出ます。"),
    }
    locked = True

    def __init__(self, narrow: str = "") -> None:
        super().__init__()
        self._narrow = narrow
        self._lines: tuple[AuditLine, ...] = ()
        self._refused = False

    def body(self) -> ComposeResult:
        """Yield title, the line to narrow, list and detail."""
        yield Static(_("監査記録"), id="title", markup=False)
        yield Input(self._narrow, placeholder=_("名前・こと・「拒否」などで絞り込む"), id="narrow", compact=True)
        yield DataTable(id="acts", cursor_type="row", zebra_stripes=True)
        yield Static("", id="act", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in ((_("日時"), 12), (_("だれが"), 14), (_("何を"), 26), (_("判定"), 8)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the list."""
        text, refused = self.query_one("#narrow", Input).value.strip(), self._refused
        lines = await self.ask(lambda office: office.audit.lines(refused_only=refused, text=text))
        if lines is None or lines == self._lines:
            return
        self._lines = lines
        table = self.query_one(DataTable)
        table.clear()
        for line in lines[:_MOST]:
            what = f"{line.what}（{line.importance}）"
            cells = (f"{line.at:%m/%d %H:%M}", line.who, what, line.verdict)
            table.add_row(*(plain(cell) for cell in cells))
        title = _("監査記録  {count}件").format(count=len(lines))
        self.query_one("#title", Static).update(title + (_("  断られたものだけ") if refused else ""))
        self._show(0)

    async def on_input_changed(self) -> None:
        """Narrow the list."""
        await self.refresh_data()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the act under the cursor in full."""
        self._show(event.cursor_row)

    async def action_refused(self) -> None:
        """Show only what was refused, or everything again."""
        self._refused = not self._refused
        await self.refresh_data()

    def action_release(self) -> None:
        """Let the record out, under a permit."""
        release(self, _("監査記録を書き出す"), AuditEntry.importance, audit_ways())

    def _show(self, place: int) -> None:
        text = _text(self._lines[place]) if place < len(self._lines) else _("ありません")
        self.query_one("#act", Static).update(fold(text, self.app.size.width - 4))


def _text(line: AuditLine) -> str:
    who = f"{line.role} {line.who}".strip()
    whose = f"  {line.whose}" if line.whose else ""
    lines = [
        f"{line.at:%Y-%m-%d %H:%M:%S}  {who}  {line.place}  {line.source}",
        f"{line.what}（{line.importance}）{whose}  {line.verdict}",
    ]
    parts = ((_("規則"), line.rule), (_("目的"), line.purpose), (_("許可番号"), line.permit))
    lines.append("  ".join(f"{label} {value}" for label, value in parts if value))
    return "\n".join(lines)
