"""報告: the mean overtime by course beside the year before, as the city shows it. It names nobody."""

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.hours.report import COURSES, line_text, sheet_of
from tui.actions import HOURS_REPORT
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.screens.hourswork import release_report
from tui.wrap import fold, plain

_HELP = _("""5月から9月の時間外在校等時間の月平均を、課程ごとに前の年度と比べた表です。▲は減ったことを表します。
平均は、記録のある月と、勤務表に課程のある人だけで出します。だれの数字も入りません。
← → で年度を変えます。F7 で、PDF・Excel・CSV に書き出します。""")
_WIDTHS = (18, 9, 9, 7, 10, 10)


class HoursReportScreen(OfficeScreen):
    """The table of a 年度, and each course's line as it is told."""

    actions = HOURS_REPORT
    help_text = _HELP
    field_help = {
        "hours": _("課程ごとの月平均の表。前の年度と比べます。▲ は減ったことを表します。"),
    }

    def __init__(self, year: int) -> None:
        super().__init__()
        self._year = year

    def body(self) -> ComposeResult:
        """Yield title, table and lines."""
        yield Static(_("勤務時間の集計"), id="title", markup=False)
        yield DataTable(id="hours", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Fill the table."""
        await super().on_mount()
        self.query_one(DataTable).focus()

    async def refresh_data(self) -> None:
        """Read the report; a year's headings are its own."""
        year = self._year
        report = await self.ask(lambda office: office.hours.report(year))
        if report is None:
            return
        sheet = sheet_of(report)
        title = _("勤務時間の集計  {year}年度  {what}").format(year=year, what=sheet.title)
        self.query_one("#title", Static).update(title)
        table = self.query_one(DataTable)
        table.clear(columns=True)
        headings = (*sheet.headings[:4], _("人数（前）"), _("人数（今）"))
        for heading, width in zip(headings, _WIDTHS, strict=True):
            table.add_column(heading, width=width)
        for row in sheet.rows:
            table.add_row(*(plain(f"{cell}") for cell in row))
        told = [f"{COURSES[line.course]}  {line_text(line)}" for line in report.lines]
        self.query_one("#detail", Static).update(fold("\n".join([*told, *sheet.notes]), self.app.size.width - 4))

    async def action_earlier(self) -> None:
        """Open the year before."""
        await self._go(self._year - 1)

    async def action_later(self) -> None:
        """Open the year after."""
        await self._go(self._year + 1)

    def action_release(self) -> None:
        """Let the report out."""
        release_report(self, self._year)

    async def _go(self, year: int) -> None:
        self._year = year
        await self.refresh_data()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        await self.refresh_data()
