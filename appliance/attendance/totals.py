"""A pupil's attendance totals by the rules of 指導要録 (平成31年3月29日通知), from marks and day states alone.

Invariant: school_days = suspended + must_attend and must_attend = absent + present, whatever was marked; every
number can be counted again from the days that `pupil_days` returns. A school day without a mark is 出席, as the
blank on paper is; days outside the pupil's enrolment are not counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date
from typing import Final

from appliance.errors import ApplianceError
from appliance.schooldays import DayStatus
from appliance.views import Counting

SUSPENDED: Final = frozenset((Counting.SUSPENDED, Counting.ONLINE))
"""出席停止・忌引等: the online lessons of an emergency are inside it and told apart besides."""


class UncountedCodeError(ApplianceError):
    """A mark carries a code that is not configured (any more), so it cannot be counted."""

    code = "APP-206"


@dataclass(frozen=True, slots=True)
class PupilDay:
    """How one school day counts for one pupil. `closed` is the reason when the class was closed that day."""

    on: date
    counting: Counting
    code: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Days. `late`, `left_early` and `elsewhere` (出席扱い) are parts of `present`, `online` of `suspended`."""

    school_days: int = 0
    suspended: int = 0
    must_attend: int = 0
    absent: int = 0
    present: int = 0
    late: int = 0
    left_early: int = 0
    elsewhere: int = 0
    online: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        """Add another period, or the time in another class: a year is the sum of its months."""
        return Totals(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def pupil_days(
    days: Iterable[tuple[date, DayStatus]],
    marks: Mapping[date, str],
    counting: Mapping[str, Counting],
    begins: date | None = None,
    ends: date | None = None,
) -> tuple[PupilDay, ...]:
    """Return the pupil's school days, each with how it counts.

    `days` are the days of the pupil's class; `marks` the pupil's codes; enrolment lasts from `begins` (転入) up to
    and including `ends` (転出), None being open. Marks on days without school are passed over. A code that is not
    in `counting` raises UncountedCodeError, for counting it as anything would be a guess.
    """
    return tuple(
        _count_day(on, status, marks.get(on, ""), counting)
        for on, status in days
        if status.counts_as_school_day and (begins is None or begins <= on) and (ends is None or on <= ends)
    )


def pupil_totals(
    days: Iterable[tuple[date, DayStatus]],
    marks: Mapping[date, str],
    counting: Mapping[str, Counting],
    begins: date | None = None,
    ends: date | None = None,
) -> Totals:
    """Count a pupil's totals; the arguments are those of `pupil_days`."""
    return totals_of(pupil_days(days, marks, counting, begins, ends))


def totals_of(days: Iterable[PupilDay]) -> Totals:
    """Count totals of days that `pupil_days` returned."""
    count = Counter(day.counting for day in days)
    suspended = sum(count[kind] for kind in SUSPENDED)
    must_attend = count.total() - suspended
    both = count[Counting.LATE_AND_LEFT]
    return Totals(
        school_days=count.total(),
        suspended=suspended,
        must_attend=must_attend,
        absent=count[Counting.ABSENT],
        present=must_attend - count[Counting.ABSENT],
        late=count[Counting.LATE] + both,
        left_early=count[Counting.LEFT_EARLY] + both,
        elsewhere=count[Counting.ATTENDED_ELSEWHERE],
        online=count[Counting.ONLINE],
    )


def closure_remarks(days: Iterable[PupilDay]) -> tuple[str, ...]:
    """Return the lines of 備考 for days of a closed class, such as インフルエンザに伴う学級閉鎖2."""
    return tuple(f"{reason}{n}" for reason, n in Counter(day.closed for day in days if day.closed).items())


def _count_day(on: date, status: DayStatus, code: str, counting: Mapping[str, Counting]) -> PupilDay:
    """Count one school day; when the class is closed nobody had to come, whatever was marked before."""
    if code and code not in counting:
        raise UncountedCodeError(operation="count attendance", subject=code, attendance_code=code)
    counted = counting[code] if code else Counting.PRESENT
    if not status.suspended:
        return PupilDay(on, counted, code)
    if counted in SUSPENDED:
        return PupilDay(on, counted, code, status.reason)
    return PupilDay(on, Counting.SUSPENDED, "", status.reason)
