"""The report for the mayor: mean monthly overtime May–September, by course and 年度, with the ▲ difference.

Invariant: pure; a mean is over the months of people that anything was recorded of, rounded half up to hundredths
of an hour, and a difference is that of the figures shown, so the table adds up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from appliance.hours.ofperson import PersonHours
from appliance.hours.settings import HoursSettings, ReportSettings
from appliance.release.sheet import Column, Sheet
from crypto.importance import Importance

ASSET: Final = "hours.report"  # holds no person's figure
ASSET_IMPORTANCE: Final = Importance.III
COURSES: Final = {"lower": "前期課程（1〜6年）", "upper": "後期課程（7〜9年）"}
_HUNDREDTH: Final = Decimal("0.01")
_ERAS: Final = ((2019, "令和", 2018), (1989, "平成", 1988))


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a course in a 年度 over `months` of `people`: hours, or None without any month."""

    course: str
    year: int
    hours: Decimal | None
    months: int
    people: int


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A course in the year before and in the year, with the difference; negative is ▲."""

    course: str
    before: Mean
    now: Mean

    @property
    def difference(self) -> Decimal | None:
        """Return now − before, None where either is missing."""
        if self.before.hours is None or self.now.hours is None:
            return None
        return self.now.hours - self.before.hours


@dataclass(frozen=True, slots=True)
class HoursReport:
    """The whole report of a 年度 beside the one before; `goal` is the mean to come down to, in hours."""

    year: int
    goal: int
    first: int
    last: int
    lines: tuple[ReportLine, ...]


def hours_report(people: Iterable[PersonHours], year: int, settings: HoursSettings) -> HoursReport:
    """Make the report."""
    everybody, asked = tuple(people), settings.report
    lines = (
        ReportLine(course, *(_mean(everybody, course, at, asked) for at in (year - 1, year))) for course in COURSES
    )
    return HoursReport(year, settings.limits.goal, asked.first, asked.last, tuple(lines))


def months_of(year: int, settings: ReportSettings) -> tuple[date, ...]:
    """Return the first days of the report's months in a 年度."""
    count = (settings.last - settings.first) % 12 + 1
    months = [(settings.first - 1 + n) % 12 + 1 for n in range(count)]
    return tuple(date(year if month >= 4 else year + 1, month, 1) for month in months)


def sheet_of(report: HoursReport) -> Sheet:
    """Return the report as a table."""
    before, now = year_name(report.year - 1), year_name(report.year)
    columns = ("課程", before, now, "差", f"{before}の人数", f"{now}の人数")
    rows = tuple(
        (
            COURSES[line.course],
            hours_text(line.before.hours),
            hours_text(line.now.hours),
            difference_text(line.difference),
            line.before.people,
            line.now.people,
        )
        for line in report.lines
    )
    title = f"時間外在校等時間の月平均（{report.first}月〜{report.last}月）"
    return Sheet(
        title,
        tuple(map(Column, columns)),
        rows,
        notes=(f"単位は時間。記録のある月の平均。▲は減。目標は月平均{report.goal}時間程度。",),
    )


def line_text(line: ReportLine) -> str:
    """Return a course's line as it is told to the mayor: 38.21 → 31.93 (▲6.28)."""
    before, now = hours_text(line.before.hours), hours_text(line.now.hours)
    return f"{before} → {now} ({difference_text(line.difference)})"


def hours_text(hours: Decimal | None) -> str:
    """Return hours as the report writes them."""
    return "—" if hours is None else f"{hours:.2f}"


def difference_text(difference: Decimal | None) -> str:
    """Return a difference: ▲ for less."""
    if difference is None:
        return "—"
    return f"▲{-difference:.2f}" if difference < 0 else f"{difference:.2f}"


def year_name(year: int) -> str:
    """Return a 年度 as schools write it."""
    for since, era, zero in _ERAS:
        if year >= since:
            return f"{era}{year - zero if year - zero > 1 else '元'}年度"
    return f"{year}年度"


def _mean(people: Sequence[PersonHours], course: str, year: int, settings: ReportSettings) -> Mean:
    months = months_of(year, settings)
    made = [[hours.overtime(at) for at in months if hours.course(at) == course] for hours in people]
    found = [minutes for person in made for minutes in person]
    mean = None
    if found:
        mean = (Decimal(sum(found)) / (60 * len(found))).quantize(_HUNDREDTH, ROUND_HALF_UP)
    return Mean(course, year, mean, len(found), sum(map(bool, made)))
