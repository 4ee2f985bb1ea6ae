"""What the office does with everybody's hours: the report, who works when, the recorder's file."""

from datetime import date

from appliance.hours.report import ASSET_IMPORTANCE
from appliance.office import Office
from appliance.permits.gate import Lock, Released
from appliance.permits.releases import Form
from appliance.schooldays import school_year_of
from tui.i18n import _
from tui.releasing import Way, release
from tui.screens.base import OfficeScreen


class HoursWork(OfficeScreen):
    """A screen of working hours, from which that work begins. Sub-classes say which month is shown."""

    _month: date

    def action_report(self) -> None:
        """Open the report of the year that is shown."""
        from tui.screens.hoursreport import HoursReportScreen

        self.app.push_screen(HoursReportScreen(school_year_of(self._month)))

    def action_release(self) -> None:
        """Let the report of the year that is shown out."""
        release_report(self, school_year_of(self._month))

    def action_shifts(self) -> None:
        """Open who works when."""
        from tui.screens.shifts import ShiftsScreen

        self.app.push_screen(ShiftsScreen())

    def action_clock_file(self) -> None:
        """Open the import of the recorder's file."""
        from tui.screens.recorder import RecorderScreen

        self.app.push_screen(RecorderScreen())


def release_report(screen: OfficeScreen, year: int) -> None:
    """Ask in which form the report leaves, and let it out."""

    def of(word: str, form: Form) -> Way:
        def make(office: Office, lock: Lock) -> Released:
            return office.releases.hours(year, form, lock)

        return Way(word, make)

    ways = (
        of(_("印刷用 PDF（A4 横）"), Form.PDF),
        of(_("Excel（xlsx）"), Form.XLSX),
        of(_("CSV"), Form.CSV),
    )
    title = _("勤務時間の集計 {year}年度 を書き出す").format(year=year)
    release(screen, title, ASSET_IMPORTANCE, ways)
