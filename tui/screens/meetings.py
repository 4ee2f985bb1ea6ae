"""The list of staff meetings."""

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from tui.actions import MEETING_LIST
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.screens.meeting import MeetingScreen
from tui.wrap import plain

_HELP = _("会議を矢印で選び、Enter で議題を開きます。新しい会議が上です。")


class MeetingsScreen(OfficeScreen):
    """All meetings, newest first."""

    actions = MEETING_LIST
    help_text = _HELP

    def body(self) -> ComposeResult:
        """Yield the title and the table."""
        yield Static(_("職員会議"), id="title", markup=False)
        yield DataTable(id="meetings", cursor_type="row", zebra_stripes=True)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in ((_("日時"), 14), (_("会議"), 28), (_("場所"), 12), (_("議題"), 4), (_("決定"), 4)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the list."""
        meetings = await self.ask(lambda office: office.meetings.all())
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for m in meetings or ():
            texts = (plain(m.title), plain(m.place))
            counts = (f"{m.items:>4}", f"{m.decided:>4}")
            table.add_row(f"{m.starts:%m/%d %H:%M}", *texts, *counts, key=m.meeting_id)
        table.move_cursor(row=place)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the meeting."""
        if event.row_key.value is not None:
            self.app.push_screen(MeetingScreen(event.row_key.value))

    def action_open(self) -> None:
        """Open the meeting under the cursor."""
        self.query_one(DataTable).action_select_cursor()
