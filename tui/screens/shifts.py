"""勤務表: who works when, of which kind of staff and course, with which cards.

Invariant: what is pasted or typed is checked as a whole by the one reader of the table before anything is kept.
"""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Input, Static

from appliance.hours.reckoning import Staff
from appliance.hours.records import Shift
from appliance.hours.settings import Pattern
from appliance.hours.shiftfile import COLUMNS, read_shifts, shift_line
from appliance.hours.views import StaffEntry
from appliance.office import Office
from tui.actions import SHIFT_LIST
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.dialog import Dialog
from tui.wrap import cut, fold, plain

_HELP = _("""だれがどの勤務時間か（いまの分）の表です。勤務表のない人は、パターンAで数えます。
選んで Enter を押すと、いつから・どのパターン・職種・課程・カード番号を書けます。前の分は残ります。
表計算ソフトの表（氏名、いつから、パターン、職種、課程、カード番号）は、写して貼り付けるとまとめて入ります。""")
_STAFF: Final = {Staff.TEACHING: _("教育"), Staff.OFFICE: _("事務")}
_COURSES: Final = {"": "—", "lower": _("前期"), "upper": _("後期")}
_LABELS: Final = (
    _("いつから 例 2026-04-01"),
    _("パターン"),
    _("職種（教育・事務）"),
    _("課程（前期・後期・空）"),
    _("カード番号（空白で二枚）"),
)


class ShiftForm(Dialog["str | None"]):
    """One person's shift; returns it as a line of the table."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "keep", _("保存"))]
    help_text = _("一人の勤務時間を書きます。前の分は残ります。F4 で保存します。")
    field_help = {
        "cell-0": _("いつから。この勤務時間がはじまる日です。例 2026-04-01。Enter で次へ進みます。"),
        "cell-1": _("勤務時間のパターン。下に並ぶ名前の一つを書きます。例 A。"),
        "cell-2": _("職種。教育 か 事務 と書きます。"),
        "cell-3": _("課程。前期 か 後期 と書きます。どちらでもなければ空にします。"),
        "cell-4": _("打刻に使うカードの番号。数字と A から F です。例 04A1B2C3。二枚なら空白で区切ります。"),
    }

    def __init__(self, entry: StaffEntry, patterns: tuple[Pattern, ...], since: str) -> None:
        super().__init__()
        self._entry, self._patterns, self._since = entry, patterns, since

    def compose(self) -> ComposeResult:
        """Yield a line for each column."""
        told = shift_line(self._entry, self._since)[1:]
        with Vertical(classes="dialog wide"):
            yield Static(self._entry.name, markup=False, classes="dialog-title")
            for place, (label, value) in enumerate(zip(_LABELS, told, strict=True)):
                with Horizontal(classes="line"):
                    yield Static(label, classes="label")
                    yield Input(value, id=f"cell-{place}", max_length=100, compact=True)
            shown = "  ".join(f"{p.name} {p.begins}-{p.ends}" for p in self._patterns)
            yield Static(fold(_("パターン: {list}").format(list=shown), 68), markup=False, classes="hint")
            yield Static(_("Enter で次へ   F4 で保存   Esc でやめる"))

    def on_mount(self) -> None:
        """Begin with the day."""
        self.query(Input).first().focus()

    def on_input_submitted(self) -> None:
        """Go to the next line."""
        self.focus_next()

    def action_keep(self) -> None:
        """Return the line."""
        self.dismiss("\t".join(cell.value.strip().replace("\t", " ") for cell in self.query(Input)))

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class ShiftsScreen(OfficeScreen):
    """Everybody whose hours are kept, by name."""

    actions = SHIFT_LIST
    help_text = _HELP
    field_help = {
        "hours": _(
            "職員の勤務表。選んで Enter を押すと、一人の分を直せます。"
            "表計算ソフトの表は、写してここに貼り付けます。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._staff: tuple[StaffEntry, ...] = ()
        self._patterns: tuple[Pattern, ...] = ()

    def body(self) -> ComposeResult:
        """Yield title, list, and how to fill it."""
        yield Static(_("勤務表"), id="title", markup=False)
        yield DataTable(id="hours", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in (
            (_("氏名"), 20),
            (_("パターン"), 10),
            (_("職種"), 6),
            (_("課程"), 6),
            (_("カード番号"), 24),
        ):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read everybody's shift."""
        told = await self.ask(lambda office: (office.hours.staff(), office.hours.patterns()))
        if told is None:
            return
        self._staff, self._patterns = told
        left = sum(not entry.shift for entry in self._staff)
        title = _("勤務表  {count}名  勤務表のない人 {left}名").format(count=len(self._staff), left=left)
        self.query_one("#title", Static).update(title)
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for entry in self._staff:
            cards = cut(" ".join(entry.cards), 24)
            staff = _STAFF[entry.staff] if entry.shift else "—"
            cells = (entry.name, entry.shift or "—", staff, _COURSES[entry.course], cards)
            table.add_row(*map(plain, cells))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        told_how = _("Enter で直す。表計算ソフトの表は貼り付け: {columns}").format(columns="、".join(COLUMNS))
        self.query_one("#detail", Static).update(fold(told_how, self.app.size.width - 4))

    def on_data_table_row_selected(self) -> None:
        """Change this one."""
        self.action_open()

    def action_open(self) -> None:
        """Change the shift of the person under the cursor."""
        place = self.query_one(DataTable).cursor_row
        office = self.office_app.door.office
        if not 0 <= place < len(self._staff) or office is None:
            return
        entry = self._staff[place]

        def typed(line: str | None) -> None:
            if line is not None:
                self.run_worker(self._keep(f"{entry.name}\t{line}", entry.person))

        self.app.push_screen(ShiftForm(entry, self._patterns, f"{office.today()}"), typed)

    def on_paste(self, event: events.Paste) -> None:
        """Check a pasted table, say how much it is, and keep it in one go."""
        event.stop()
        self.run_worker(self._offer(event.text))

    async def _offer(self, text: str) -> None:
        found = await self.ask(lambda office: _read(office, text))
        if not found:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._keep(text))

        names = {entry.person: entry.name for entry in self._staff}
        some = "、".join(dict.fromkeys(names.get(shift.person, "") for shift in found[:5]))
        question = _("{count}行の勤務表（{some} …）を保存しますか。").format(count=len(found), some=some)
        self.app.push_screen(YesNoScreen(question, _("保存")), answered)

    async def _keep(self, text: str, only: str = "") -> None:
        if await self.ask(lambda office: office.hours.set_shifts(_read(office, text, only))) is not None:
            self.notify(_("勤務表を保存しました"))
            await self.refresh_data()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        await self.refresh_data()


def _read(office: Office, text: str, only: str = "") -> tuple[Shift, ...]:
    """Read a table; of `only` one person it is known whose the line is, also where two have one name."""
    names = {entry.person: entry.name for entry in office.hours.staff() if only in ("", entry.person)}
    return read_shifts(text.encode(), names, office.hours.patterns())
