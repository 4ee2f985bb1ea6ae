"""What came of all meetings: the tasks, and a text found in any of them."""

from textual.app import ComposeResult
from textual.widgets import DataTable, Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.meetings.views import Hit, TaskView
from tui.actions import MEETING_SEARCH, TASK_LIST
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.screens.meeting import MeetingScreen
from tui.widgets.told import tell
from tui.wrap import cut, fold, plain

_TASKS_HELP = _("""会議で決まったことの担当と期限です。まだのものが、期限の早い順に上に並びます。
⚠ は期限を過ぎたものです。d で済にし、もう一度押すと戻ります。Enter でその会議を開きます。""")
_SEARCH_HELP = _("""ことばを書いて Enter を押すと、これまでのすべての会議の題・資料・質疑・決定・担当から探します。
二つ以上のことばは空白で区切ります。矢印で選び、Enter でその会議を開きます。""")


class TasksScreen(OfficeScreen):
    """All tasks, and one in full below."""

    actions = TASK_LIST
    help_text = _TASKS_HELP
    field_help = {
        "tasks": _(
            "担当と期限の一覧。⚠ は期限を過ぎたものです。選んで d を押すと済になります。"
            "Enter でその会議を開きます。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._tasks: tuple[TaskView, ...] = ()

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static("", id="title", markup=False)
        yield DataTable(id="tasks", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in (("", 2), (_("期限"), 6), (_("すること"), 34), (_("担当"), 14), (_("会議"), 14)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the tasks."""
        seen = await self.ask(lambda office: (office.meetings.tasks(), office.today()))
        if seen is None:
            return
        self._tasks, today = seen
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for task in self._tasks:
            late = not task.done and task.due is not None and task.due < today
            mark = "✓" if task.done else "⚠" if late else "□"
            due = f"{task.due:%m/%d}" if task.due else ""
            table.add_row(mark, due, *map(plain, (task.text, task.owner, task.meeting)))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        waiting = sum(not task.done for task in self._tasks)
        tell(self.query_one("#title", Static), _("担当と期限  まだ {count}件").format(count=waiting))
        self._show_detail()

    def on_data_table_row_highlighted(self) -> None:
        """Show the line under the cursor in full."""
        self._show_detail()

    def _show_detail(self) -> None:
        task = self._current
        empty = _("担当はまだありません。会議の議題で t を押して書きます。")
        text = f"{task.meeting}「{task.item}」 {task.owner}: {task.text}" if task else empty
        tell(self.query_one("#detail", Static), fold(text, self.app.size.width - 4))

    def on_data_table_row_selected(self) -> None:
        """Open the meeting that it comes from."""
        task = self._current
        if task is not None:
            self.app.push_screen(MeetingScreen(task.meeting_id, task.item_id))

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self.query_one(DataTable).action_select_cursor()

    async def action_tick(self) -> None:
        """Say that it is done, or that it is not."""
        task = self._current
        if task is None:
            return
        if await self.ask(lambda office: office.minutes.tick(task.item_id)) is not None:
            await self.refresh_data()

    @property
    def _current(self) -> TaskView | None:
        place = self.query_one(DataTable).cursor_row
        return self._tasks[place] if 0 <= place < len(self._tasks) else None

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show_detail()


class MeetingSearchScreen(OfficeScreen):
    """A line to write in, and what was found."""

    actions = MEETING_SEARCH
    help_text = _SEARCH_HELP
    field_help = {
        "words": _("会議を探すことば。二つ以上は空白で区切ります。例 運動会 雨天。Enter で探します。"),
        "hits": _("見つかった所の一覧。選んで Enter を押すと、その会議を開きます。"),
    }

    def __init__(self) -> None:
        super().__init__()
        self._hits: tuple[Hit, ...] = ()
        self._asked = ""

    def body(self) -> ComposeResult:
        """Yield the line, how many were found, and the list."""
        yield Static(_("会議を探す"), id="title", markup=False)
        yield Input(placeholder=_("ことばを書いて Enter"), id="words", max_length=100)
        yield Static("", id="state", markup=False)
        yield OptionList(id="hits", markup=False)

    async def on_mount(self) -> None:
        """Begin to write."""
        await super().on_mount()
        self.query_one(Input).focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for the words, and go to what was found."""
        self._asked = event.value
        await self.refresh_data()
        if self._hits:
            self.query_one(OptionList).focus()

    async def refresh_data(self) -> None:
        """Look again for what was asked last."""
        if not self._asked.strip():
            return
        self._hits = await self.ask(lambda office: office.meetings.search(self._asked)) or ()
        found = _("{count}件見つかりました").format(count=len(self._hits))
        nothing = _("見つかりません。ことばを短くしてください。")
        tell(self.query_one("#state", Static), found if self._hits else nothing)
        options = self.query_one(OptionList)
        place = options.highlighted or 0
        options.clear_options()
        width = options.size.width - 4
        options.add_options([Option(cut(_line(hit), width)) for hit in self._hits])
        options.highlighted = min(place, len(self._hits) - 1) if self._hits else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the meeting at the item."""
        hit = self._hits[event.option_index]
        self.app.push_screen(MeetingScreen(hit.meeting_id, hit.item_id))


def _line(hit: Hit) -> str:
    return f"{hit.starts:%Y/%m/%d} {hit.meeting} {hit.where} {hit.excerpt}"
