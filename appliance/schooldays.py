"""The school calendar: which days are school days, for which grade and class, and why not.

Invariant: a pure function of one `SchoolYear` record and the national holidays. A day closed for the whole school
or a whole grade is no school day; a day on which only a part of the grade is closed stays one, and every pupil of
the closed class is 停・忌 that day. Sources: 学校保健安全法20条, 指導要録の通知 (平成31年3月29日).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar, Final, Literal

import msgspec

from appliance.errors import ApplianceError
from crypto.importance import Importance

Scope = Literal["school", "grade", "class"]
Basis = Literal["article20", "other"]


class CalendarOrderError(ApplianceError):
    """A period of the calendar ends before it begins."""

    code = "APP-210"


class CalendarOutsideError(ApplianceError):
    """A day of the calendar lies outside its school year."""

    code = "APP-211"


class CalendarTargetError(ApplianceError):
    """A closure of a grade or a class does not say of which, or one of the school does."""

    code = "APP-212"


class Closure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """臨時休業 from `first` up to and including `last`.

    `target` is a grade code ("P3") or a class id; empty for the school. `except_classes` keep school, such as the
    special-needs class during a grade's closure. For an ordinary class, `grades` names its grade: once every class
    of the grade is closed, that day counts as the grade's closure. `basis` changes no number (非常変災 and 20条
    count alike); it is kept for the report.
    """

    scope: Scope
    first: date
    last: date
    reason: str
    target: str = ""
    basis: Basis = "article20"
    except_classes: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()


class Vacation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A vacation, first and last day included. `grades` empty means every grade."""

    name: str
    first: date
    last: date
    grades: tuple[str, ...] = ()


class DayOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A single day off: 開校記念日, 県民の日, 振替休業日. `grades` empty means every grade."""

    name: str
    on: date
    grades: tuple[str, ...] = ()


class Term(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A term 学期, from its first day to the day before the next one's."""

    name: str
    first: date


class SchoolYear(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """年度 `year`: 1 April of that year to 31 March of the next. `extra_days` are 土曜授業 and 振替授業.

    Without `terms` there are three, which begin in April, September and January.
    """

    kind: ClassVar[str] = "calendar.year"
    importance: ClassVar[Importance] = Importance.III
    year: int
    closures: tuple[Closure, ...] = ()
    extra_days: tuple[date, ...] = ()
    vacations: tuple[Vacation, ...] = ()
    days_off: tuple[DayOff, ...] = ()
    terms: tuple[Term, ...] = ()

    @property
    def first(self) -> date:
        """Return 1 April."""
        return date(self.year, 4, 1)

    @property
    def last(self) -> date:
        """Return 31 March of the next calendar year."""
        return date(self.year + 1, 3, 31)


def term_of(calendar: SchoolYear, on: date) -> tuple[str, date, date]:
    """Return the name, the first and the last day of the term of a day."""
    year = calendar.year
    usual = (("1学期", date(year, 4, 1)), ("2学期", date(year, 9, 1)), ("3学期", date(year + 1, 1, 1)))
    terms = [(term.name, term.first) for term in calendar.terms] or list(usual)
    ends = [first - timedelta(days=1) for _, first in terms[1:]] + [calendar.last]
    found = [(name, first, last) for (name, first), last in zip(terms, ends, strict=True) if first <= on <= last]
    return found[0] if found else (terms[0][0], calendar.first, ends[0])


@dataclass(frozen=True, slots=True)
class DayStatus:
    """What a day is for a class. `suspended` only on a school day; `reason` is empty on an ordinary one.

    `closure`: it is none of the year's plan, but 臨時休業 or a closed grade or class.
    """

    counts_as_school_day: bool
    suspended: bool
    reason: str
    closure: bool = field(default=False, compare=False)


_OPEN: Final = DayStatus(True, False, "")
_WEEKEND: Final = {5: "土曜日", 6: "日曜日"}
_CLOSED_NAMES: Final[dict[Scope, str]] = {"school": "臨時休業", "grade": "学年閉鎖", "class": "学級閉鎖"}


def school_year_of(on: date) -> int:
    """Return the 年度 of a date."""
    return on.year if on.month >= 4 else on.year - 1


@cache
def holidays_in(year: int) -> Mapping[date, str]:
    """Return the national holidays (祝日, 振替休日, 国民の休日) of a calendar year with their Japanese names."""
    import holidays  # slow to import, and a command that asks for no calendar shall not pay for it

    found = holidays.country_holidays("JP", years=year, language="ja")
    return MappingProxyType(dict(sorted(found.items())))


def day_status(
    calendar: SchoolYear,
    on: date,
    grades: tuple[str, ...],
    class_id: str,
    grade_class_count: int,
    *,
    special_needs: bool = False,
) -> DayStatus:
    """Answer what `on` is for a class, or for one pupil of it when `grades` is the pupil's own grade.

    `grade_class_count` is the number of ordinary classes of the grade; with 1, 学級閉鎖 is 学年閉鎖. A class of
    several grades (複式) has no school day only when all its grades have none. Closing a special-needs class alone
    never closes the grade.
    """
    off = _day_off(calendar, on, grades)
    if off:
        return DayStatus(False, False, off)
    closures = [c for c in calendar.closures if c.first <= on <= c.last and class_id not in c.except_classes]
    whole = _wholly_closed(closures, grades)
    if whole is not None:
        return DayStatus(False, False, _remark(whole, whole.scope), closure=True)
    own = next((c for c in closures if c.scope == "class" and c.target == class_id), None)
    if own is None:
        return _OPEN
    if not special_needs and _grade_is_closed(closures, grades, class_id, grade_class_count):
        return DayStatus(False, False, _remark(own, "grade"), closure=True)
    return DayStatus(True, True, _remark(own, "class"), closure=True)


def school_days(
    calendar: SchoolYear,
    first: date,
    last: date,
    grades: tuple[str, ...],
    class_id: str,
    grade_class_count: int,
    *,
    special_needs: bool = False,
) -> tuple[date, ...]:
    """Return the 授業日 of a class from `first` to `last`, both included; their number is 授業日数."""
    return tuple(
        on
        for on in days_between(first, last)
        if day_status(
            calendar, on, grades, class_id, grade_class_count, special_needs=special_needs
        ).counts_as_school_day
    )


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every date from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def default_year(year: int) -> SchoolYear:
    """Return a calendar to start from: the usual vacations of a public 小中; the school then edits it."""
    return SchoolYear(
        year=year,
        vacations=(
            Vacation(name="春季休業", first=date(year, 4, 1), last=date(year, 4, 5)),
            Vacation(name="夏季休業", first=date(year, 7, 21), last=date(year, 8, 31)),
            Vacation(name="冬季休業", first=date(year, 12, 25), last=date(year + 1, 1, 7)),
            Vacation(name="学年末休業", first=date(year + 1, 3, 25), last=date(year + 1, 3, 31)),
        ),
    )


def require_valid(calendar: SchoolYear) -> None:
    """Refuse a calendar that contradicts itself, naming the entry (such as `closures[0]`)."""
    periods = [(f"closures[{i}]", c.first, c.last) for i, c in enumerate(calendar.closures)]
    periods += [(f"vacations[{i}]", v.first, v.last) for i, v in enumerate(calendar.vacations)]
    periods += [(f"days_off[{i}]", d.on, d.on) for i, d in enumerate(calendar.days_off)]
    periods += [(f"extra_days[{i}]", on, on) for i, on in enumerate(calendar.extra_days)]
    for entry, first, last in periods:
        if last < first:
            raise CalendarOrderError(operation="check calendar", subject=entry, entry=entry)
        if first < calendar.first or last > calendar.last:
            raise CalendarOutsideError(operation="check calendar", subject=entry, entry=entry, year=calendar.year)
    begins = [term.first for term in calendar.terms]
    for i, (before, after) in enumerate(pairwise([calendar.first, *begins])):
        if (after != calendar.first) if i == 0 else (after <= before or after > calendar.last):
            raise CalendarOrderError(operation="check calendar", subject=f"terms[{i}]", entry=f"terms[{i}]")
    for i, closure in enumerate(calendar.closures):
        if bool(closure.target) is (closure.scope == "school"):
            entry = f"closures[{i}]"
            raise CalendarTargetError(operation="check calendar", subject=entry, entry=entry)


def encode(calendar: SchoolYear) -> bytes:
    """Return the bytes that are sealed."""
    return msgspec.msgpack.encode(calendar)


def decode(payload: bytes) -> SchoolYear:
    """Read the bytes of an opened calendar."""
    return msgspec.msgpack.decode(payload, type=SchoolYear)


def _day_off(calendar: SchoolYear, on: date, grades: tuple[str, ...]) -> str:
    """Return why nobody was to come that day, or an empty string; 土曜授業 and 振替授業 override every reason."""
    if not calendar.first <= on <= calendar.last:
        return "年度外"
    if on in calendar.extra_days:
        return ""
    for day in calendar.days_off:
        if day.on == on and _covers(day.grades, grades):
            return day.name
    for vacation in calendar.vacations:
        if vacation.first <= on <= vacation.last and _covers(vacation.grades, grades):
            return vacation.name
    return holidays_in(on.year).get(on) or _WEEKEND.get(on.weekday(), "")


def _covers(named: tuple[str, ...], grades: tuple[str, ...]) -> bool:
    return not named or (bool(grades) and set(grades) <= set(named))


def _wholly_closed(closures: Sequence[Closure], grades: tuple[str, ...]) -> Closure | None:
    """Return the closure by which the school, or every one of the grades, has no school."""
    for closure in closures:
        if closure.scope == "school":
            return closure
    by_grade = {c.target: c for c in reversed(closures) if c.scope == "grade"}
    return by_grade[grades[0]] if grades and set(grades) <= set(by_grade) else None


def _grade_is_closed(closures: Sequence[Closure], grades: tuple[str, ...], class_id: str, count: int) -> bool:
    """Answer whether so many classes of the grade are closed that none is left."""
    closed = {c.target for c in closures if c.scope == "class" and set(c.grades) & set(grades)} | {class_id}
    return len(closed) >= count


def _remark(closure: Closure, acts_as: Scope) -> str:
    """Return the words of 備考, such as インフルエンザに伴う学級閉鎖."""
    name = _CLOSED_NAMES[acts_as]
    return f"{closure.reason}に伴う{name}" if closure.reason else name
