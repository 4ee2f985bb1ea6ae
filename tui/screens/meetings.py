"""The list of staff meetings."""

from collections.abc import Sequence
from datetime import date

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.meetings.records import Meeting
from appliance.meetings.views import MeetingView
from tui.actions import MEETING_LIST
from tui.i18n import _
from tui.releasing import release
from tui.screens.ask import KeepTextScreen
from tui.screens.base import OfficeScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetingforms import TemplateScreen
from tui.screens.meetinglists import MeetingSearchScreen, TasksScreen
from tui.screens.meetingways import calendar_ways
from tui.wrap import plain

_HELP = _("""会議を矢印で選び、Enter で議題を開きます。新しい会議が上です。
未読は、まだ既読にしていない議題の数です。確認は校長確認がすんだ会議です。
n で会議を作ります（毎週など、くり返す会議も）。t は決まったことの担当と期限、s はこれまでの会議から探します。
F7 で、予定を Outlook などに取り込むファイル（.ics）に書き出します。""")
_HOW = _("""1行目は題。くり返すなら「繰り返し: 毎週 4回」（隔週・毎月も）。
## 報告・協議・連絡 の下に「- 題（分掌・提案者・10分）」と説明。
個人のことは（…・Ⅱ）。ほかの文書や予定表（.ics）の中身を貼り付けてもかまいません。""")
_CALENDAR = "BEGIN:VCALENDAR"


class MeetingsScreen(OfficeScreen):
    """All meetings, newest first."""

    actions = MEETING_LIST
    help_text = _HELP
    field_help = {
        "meetings": _("会議の一覧。新しい会議が上です。選んで Enter を押すと、議題を開きます。"),
    }

    def body(self) -> ComposeResult:
        """Yield the title and the table."""
        yield Static(_("職員会議"), id="title", markup=False)
        yield DataTable(id="meetings", cursor_type="row", zebra_stripes=True)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        wide = ((_("日時"), 11), (_("会議"), 26), (_("場所"), 10))
        for label, width in (*wide, *((label, 4) for label in (_("議題"), _("決定"), _("未読"), _("確認")))):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the list."""
        seen = await self.ask(lambda office: (office.meetings.all(), office.today()))
        if seen is None:
            return
        meetings, today = seen
        table = self.query_one(DataTable)
        place = table.cursor_row if table.row_count else _next(meetings, today)
        table.clear()
        for m in meetings:
            texts = (plain(m.title), plain(m.place))
            counts = (f"{m.items:>4}", f"{m.decided:>4}", f"{m.unread or '':>4}", " ✓" if m.confirmed else "")
            table.add_row(f"{m.starts:%m/%d %H:%M}", *texts, *counts, key=m.meeting_id)
        table.move_cursor(row=place)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the meeting."""
        if event.row_key.value is not None:
            self.app.push_screen(MeetingScreen(event.row_key.value))

    def action_open(self) -> None:
        """Open the meeting under the cursor."""
        self.query_one(DataTable).action_select_cursor()

    def action_new_meeting(self) -> None:
        """Make a meeting, or several, from a template."""

        async def write(name: str | None) -> None:
            if name is None:
                return
            text = await self.ask(lambda office: office.meetings.template(name))
            if text is not None:
                told = _(
                    "会議の題と議題。ひな形を書き直します。例 - 運動会（体育部・佐藤・10分）。F4 で作ります。"
                )
                self.app.push_screen(KeepTextScreen(_("会議を作る"), text, keep, _HOW, told=told))

        async def keep(text: str) -> bool:
            if text.lstrip().startswith(_CALENDAR):
                taken = await self.ask(lambda office: office.meetings.take_ics(text.strip().encode()))
                told = _("予定表から会議を {count}件 加えました").format(count=taken[0]) if taken else ""
            else:
                saved = await self.ask(lambda office: office.meetings.write(text))
                told = _("会議を保存しました") if saved else ""
            if not told:
                return False
            self.notify(told)
            await self.refresh_data()
            return True

        self.app.push_screen(TemplateScreen(), write)

    def action_release(self) -> None:
        """Let the dates of all meetings out."""
        release(self, _("会議の予定を書き出す"), Meeting.importance, calendar_ways())

    def action_tasks(self) -> None:
        """Show who does what by when."""
        self.app.push_screen(TasksScreen())

    def action_search_all(self) -> None:
        """Look for a text in all meetings."""
        self.app.push_screen(MeetingSearchScreen())


def _next(meetings: Sequence[MeetingView], today: date) -> int:
    """Return where the next meeting stands: the last of those, newest first, that are not over by days."""
    return max((n for n, m in enumerate(meetings) if m.starts.date() >= today), default=0)
