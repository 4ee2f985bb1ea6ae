"""What the office should notice about a school year: long absences, and class days that nobody confirmed.

Invariant: told from marks, calendar and enrolment each time; a day that nobody confirmed hides nothing and makes
nothing up, so there is no false alarm and no false "missing".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from appliance.attendance.alerts import Alert, AlertRules, alerts
from appliance.attendance.book import AttendanceBook
from appliance.attendance.records import ClassDay
from appliance.attendance.totals import pupil_days
from appliance.roster import SchoolClass
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarBook
from appliance.schooldays import DayStatus, days_between, school_year_of
from appliance.views import AttendanceCode


@dataclass(frozen=True, slots=True)
class NoticedPupil:
    """A pupil's alert, with who and where."""

    alert: Alert
    class_id: str
    class_title: str
    number: int | None
    name: str


@dataclass(frozen=True, slots=True)
class OpenClass:
    """A class with school days up to yesterday that nobody confirmed, oldest first.

    Days before the school entered anything at all were kept elsewhere, so they are not missing here.
    """

    class_id: str
    title: str
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Attention:
    """What is to be noticed: those still away first, then by days."""

    pupils: tuple[NoticedPupil, ...]
    classes: tuple[OpenClass, ...]


class AttentionReader:
    """Reads a school year over one session."""

    def __init__(
        self, roster: RosterIndex, book: AttendanceBook, calendar: CalendarBook, codes: Sequence[AttendanceCode]
    ) -> None:
        self._roster, self._book, self._calendar = roster, book, calendar
        self._counting = {code.code: code.counting for code in codes}
        self._rules = AlertRules(frozenset(code.code for code in codes if code.unexcused))

    def read(self, today: date) -> Attention:
        """Return what stands out from the first day of the school year to today."""
        days = list(days_between(date(school_year_of(today), 4, 1), today))
        marks = self._book.marks_since(days[0])
        classes = self._roster.classes()
        kept = self._book.class_days([(c.id, on) for c in classes for on in days])
        began = min(
            (on for on in days if any(on in own for own in marks.values()) or _confirmed(kept, classes, on)),
            default=today,
        )
        noticed, left = list[NoticedPupil](), list[OpenClass]()
        for school_class in classes:
            states = [(on, self._calendar.class_status(school_class, self._roster, on)) for on in days]
            unconfirmed = {
                on
                for on, status in states
                if status.counts_as_school_day
                and not status.suspended
                and not _confirmed(kept, [school_class], on)
            }
            before = tuple(sorted(on for on in unconfirmed if began <= on < today))
            if before:
                left.append(OpenClass(school_class.id, school_class.title, before))
            noticed += self._of_class(school_class, states, marks, unconfirmed)
        noticed.sort(key=lambda n: (not n.alert.open, -n.alert.days, n.class_title, n.number or 0))
        return Attention(tuple(noticed), tuple(left))

    def _of_class(
        self,
        school_class: SchoolClass,
        states: Sequence[tuple[date, DayStatus]],
        marks: dict[str, dict[date, str]],
        unconfirmed: set[date],
    ) -> list[NoticedPupil]:
        found = []
        for enrollment in self._roster.enrollments(school_class.id):
            user, own = self._roster.user(enrollment.user_id), marks.get(enrollment.user_id)
            if enrollment.role != "student" or user is None or own is None:
                continue
            of_pupil = self._calendar.pupil_statuses(school_class, self._roster, user, states)
            counted = pupil_days(of_pupil, own, self._counting, enrollment.begins, enrollment.ends)
            found += [
                NoticedPupil(alert, school_class.id, school_class.title, enrollment.number, user.name)
                for alert in alerts(user.id, counted, self._rules, unconfirmed)
            ]
        return found


def _confirmed(
    kept: Mapping[tuple[str, date], tuple[ClassDay, object]], classes: Iterable[SchoolClass], on: date
) -> bool:
    return any(kept[school_class.id, on][0].confirmed for school_class in classes)
