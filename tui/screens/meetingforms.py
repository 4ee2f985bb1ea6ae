"""Small forms of the meetings: which template, and who does what by when."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.meetings.desk import MeetingDesk
from appliance.meetings.views import AgendaItemView
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.typed import read_day
from tui.wrap import fold

_WIDTH = 50
_LATE = timedelta(days=60)


class TemplateScreen(Dialog["str | None"]):
    """Which text a new meeting begins with; returns its name, "" for the newest meeting's agenda."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("会議を作ります。もとにする文を選ぶと、書き直す画面が出ます。")
    field_help = {
        "templates": _(
            "会議のひな形。Enter を押すと、その議題から始めます。例 毎週の会議は「前の会議と同じ議題で」。"
        ),
    }

    def compose(self) -> ComposeResult:
        """Yield the list."""
        options = [Option(name, id=own) for own, name in MeetingDesk.templates().items()]
        with Vertical(classes="dialog"):
            yield Static(_("どの会議を作りますか"), classes="dialog-title")
            yield OptionList(*options, Option(_("前の会議と同じ議題で"), id="last"), id="templates", markup=False)
            yield Static(_("Enter で選ぶ   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin at the first."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the name."""
        self.dismiss("" if event.option_id == "last" else event.option_id)

    def action_cancel(self) -> None:
        """Choose none."""
        self.dismiss(None)


class TaskForm(NamedTuple):
    """What was typed for a task."""

    text: str
    owner: str
    due: date | None


class TaskScreen(Dialog["TaskForm | None"]):
    """What is to be done, by whom, by when; stays until it was kept."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "keep", _("保存"))]
    help_text = _("会議で決まったことの、担当と期限を書きます。F4 で保存します。")
    field_help = {
        "text": _("すること。例 換気の呼びかけ。空にして保存すると、担当を取り消します。Enter で次へ進みます。"),
        "owner": _("担当。氏名か分掌を書きます。例 佐藤、保健部。"),
        "due": _("期限。例 12/10。なければ、空のままにします。Enter で保存します。"),
    }

    def __init__(self, item: AgendaItemView, today: date, keep: Callable[[TaskForm], Awaitable[bool]]) -> None:
        super().__init__()
        self._item = item
        self._today = today
        self._keep = keep

    def compose(self) -> ComposeResult:
        """Yield the three lines."""
        task = self._item.task
        due = f"{task.due:%m/%d}" if task and task.due else ""
        with Vertical(classes="dialog task"):
            yield Static(fold(self._item.title, _WIDTH), markup=False, classes="dialog-title")
            yield Static(_("すること（空にすると取り消し）"))
            yield Input(
                task.text if task else self._item.decision.split("\n")[0], id="text", max_length=200, compact=True
            )
            yield Static(_("担当（氏名か分掌）"))
            yield Input(task.owner if task else self._item.department, id="owner", max_length=60, compact=True)
            yield Static(_("期限 例 12/10（なければ空）"))
            yield Input(due, id="due", max_length=10, compact=True)
            yield Static("", id="wrong", markup=False)
            yield Static(_("Enter で次へ   F4 で保存   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with what is to be done."""
        self.query_one("#text", Input).focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next line, or keep."""
        event.stop()
        if event.input.id == "due":
            await self.action_keep()
        else:
            self.focus_next()

    async def action_keep(self) -> None:
        """Keep it, once the day can be read."""
        text, owner, typed = (self.query_one(f"#{name}", Input).value for name in ("text", "owner", "due"))
        due = read_due(typed, self._today)
        if typed.strip() and due is None:
            self.query_one("#wrong", Static).update(_("期限が読めません。12/10 のように書いてください。"))
            self.query_one("#due", Input).focus()
            return
        form = TaskForm(text, owner, due)
        if await self._keep(form):
            self.dismiss(form)

    def action_cancel(self) -> None:
        """Keep nothing."""
        self.dismiss(None)


def read_due(typed: str, today: date) -> date | None:
    """Return a day to come such as 12/10: one that is long over is next year's; None when it cannot be read."""
    found = read_day(typed, today) if typed.strip() else None
    if found is None:
        return None
    months = found.replace(year=today.year) if (found.month, found.day) != (2, 29) else found
    return months if months >= today - _LATE else months.replace(year=today.year + 1)
