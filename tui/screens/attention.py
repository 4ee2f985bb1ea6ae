"""気になる欠席: long absences, and class days that nobody confirmed."""

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.attendance.alerts import AlertKind
from appliance.attendance.attention import Attention, NoticedPupil, OpenClass
from tui.actions import ATTENTION
from tui.i18n import _, day_text
from tui.screens.attendance import AttendanceScreen
from tui.screens.base import OfficeScreen
from tui.widgets.told import tell
from tui.wrap import fold, plain

_HELP = _("""上は、正当な事由のない欠席が授業日で七日続いた人（施行令20条: 校長は速やかに教育委員会へ）と、
今年度の欠席が三十日になった人です。いまも休んでいる人から並びます。
下は、きのうまでに確定していない日がある学級です。確定していない日は、数えも途切れさせもしません。
Enter でその学級のその日を開きます。""")
_KINDS = {AlertKind.CONSECUTIVE: _("連続欠席"), AlertKind.LONG_TERM: _("長期欠席")}


class AttentionScreen(OfficeScreen):
    """The list, and one line in full below."""

    actions = ATTENTION
    help_text = _HELP
    field_help = {
        "attention": _(
            "気になる欠席と、確定していない学級の一覧。選んで Enter を押すと、その学級のその日を開きます。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[NoticedPupil | OpenClass] = []

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("気になる欠席"), id="title", markup=False)
        yield DataTable(id="attention", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in ((_("こと"), 10), (_("学級"), 20), (_("だれ"), 18), (_("日数"), 6), (_("いつ"), 13)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the school year."""
        told = await self.ask(lambda office: office.attendance.attention())
        if told is None:
            return
        self._lines = [*told.pupils, *told.classes]
        tell(self.query_one("#title", Static), _title(told))
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for line in self._lines:
            table.add_row(*map(plain, _cells(line)))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        self._show_detail()

    def on_data_table_row_highlighted(self) -> None:
        """Show the line under the cursor in full."""
        self._show_detail()

    def _show_detail(self) -> None:
        place = self.query_one(DataTable).cursor_row
        line = self._lines[place] if place < len(self._lines) else None
        text = _detail(line) if line is not None else _("気になる欠席はなく、すべての学級が確定しています。")
        tell(self.query_one("#detail", Static), fold(text, self.app.size.width - 4))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the class on the day that matters."""
        if event.cursor_row < len(self._lines):
            line = self._lines[event.cursor_row]
            pupil = line.alert.pupil_id if isinstance(line, NoticedPupil) else ""
            on = line.alert.last if isinstance(line, NoticedPupil) else line.days[0]
            self.app.push_screen(AttendanceScreen(line.class_id, on, pupil))

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self.query_one(DataTable).action_select_cursor()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show_detail()


def _title(told: Attention) -> str:
    text = _("気になる欠席  {pupils}件   確定していない学級  {classes}")
    return text.format(pupils=len(told.pupils), classes=len(told.classes))


def _cells(line: NoticedPupil | OpenClass) -> tuple[str, ...]:
    if isinstance(line, OpenClass):
        return (_("未確定"), line.title, "", f"{len(line.days):>4}", f"{line.days[0]:%m/%d}–")
    alert = line.alert
    until = "–" if alert.open else f"–{alert.last:%m/%d}"
    mark = "⚠ " if alert.open and alert.kind is AlertKind.CONSECUTIVE else ""
    who = f"{line.number or ''} {line.name}"
    return (mark + _KINDS[alert.kind], line.class_title, who, f"{alert.days:>4}", f"{alert.first:%m/%d}{until}")


def _detail(line: NoticedPupil | OpenClass) -> str:
    if isinstance(line, OpenClass):
        days = " ".join(day_text(on) for on in line.days[:8]) + (" …" if len(line.days) > 8 else "")
        return _("{title}: 確定していない日 {days}").format(title=line.title, days=days)
    alert = line.alert
    if alert.kind is AlertKind.LONG_TERM:
        return _("{name}: 今年度の欠席が {days}日になりました。").format(name=line.name, days=alert.days)
    state = _("いまも続いています。") if alert.open else _("その後は登校しています。")
    text = _("{name}: 正当な事由のない欠席が授業日で {days}日続きました。{state}")
    law = _("校長は教育委員会へ知らせます（施行令20条）。")
    return text.format(name=line.name, days=alert.days, state=state) + law
