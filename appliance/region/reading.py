"""Counting at one school's hub, over the session of a cleared officer.

Invariant: the policy is asked, and the purpose is in the school's audit record, before anything is opened; what
leaves this module are counts.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from appliance.attendance.book import AttendanceBook
from appliance.attendance.codes import load_codes
from appliance.attendance.records import Mark, Reason
from appliance.classification.model import Action
from appliance.hours.desk import HoursDesk
from appliance.hours.report import ASSET as HOURS_REPORT
from appliance.hours.report import ASSET_IMPORTANCE
from appliance.hours.settings import load_hours
from appliance.region.counting import SchoolCounts, band_of, disease_of, each_day
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarBook, ClosureRecord
from appliance.schooldays import Closure, days_between, school_year_of
from appliance.session import Session
from appliance.views import Counting
from crypto.importance import Importance

REPORT: Final = "attendance.report"  # holds no pupil: counts of all schools, small ones hidden
_KINDS: Final = {
    Counting.ABSENT: "欠席",
    Counting.SUSPENDED: "出席停止",
    Counting.LATE: "遅刻",
    Counting.LEFT_EARLY: "早退",
    Counting.LATE_AND_LEFT: "遅刻・早退",
}
_WITH_DISEASE: Final = (Counting.ABSENT, Counting.SUSPENDED)
_MOURNING: Final = "mourning"
_SATURDAY: Final = 5


def counts_of(session: Session, first: date, last: date, purpose: str) -> SchoolCounts:
    """Count a school from a day up to and including another; raises PolicyDeniedError, ApprovalNeededError."""
    span = f"{first}/{last}"
    for kind, importance in (
        (REPORT, Importance.III),
        (HOURS_REPORT, ASSET_IMPORTANCE),
        (ClosureRecord.kind, ClosureRecord.importance),
    ):
        session.ask(Action.EXPORT, kind, importance, subject=span, purpose=purpose)
    session.ask(Action.VIEW, Mark.kind, Mark.importance, subject=span, purpose=purpose)
    session.ask(Action.VIEW, Reason.kind, Reason.importance, subject=span, purpose=purpose)
    counts = SchoolCounts()
    _attendance(session, first, last, counts)
    _closures(session, first, last, counts)
    hours = HoursDesk(session, load_hours())
    for month in _months(first, last):
        for one in hours.all_months(month):
            if any(day.spans or day.declared for day in one.days):
                counts.overtime[f"{month:%Y-%m}", band_of(one.standing.overtime)] += 1
    return counts


def _attendance(session: Session, first: date, last: date, counts: SchoolCounts) -> None:
    roster, book = RosterIndex(session.store), AttendanceBook(session.store)
    pupils = {m.user.id for one in roster.classes() for m in roster.members(one.id, last)}
    counts.pupils = len(pupils)
    codes = {code.code: code for code in load_codes()}
    reasons = book.reasons_since(first)
    for pupil, marks in book.marks_since(first).items():
        for on, name in marks.items():
            code = codes.get(name)
            if on > last or code is None or code.counting not in _KINDS or name == _MOURNING:
                continue
            told = disease_of(reasons.get((pupil, on), "")) if code.counting in _WITH_DISEASE else ""
            counts.absences[on.isoformat(), _KINDS[code.counting], told] += 1


def _closures(session: Session, first: date, last: date, counts: SchoolCounts) -> None:
    calendar, roster = CalendarBook(session.store), RosterIndex(session.store)
    classes = roster.classes()
    for year in range(school_year_of(first), school_year_of(last) + 1):
        stand = [record.closure for record in calendar.entered(year)]
        for closure in (*stand, *calendar.plan(date(year, 4, 1)).closures):
            many = sum(_closes(closure, one.id, tuple(one.grades)) for one in classes)
            days = days_between(closure.first, closure.last)
            for day in each_day(first, last, (on for on in days if on.weekday() < _SATURDAY)):
                counts.closures[day, disease_of(closure.reason)] += many


def _closes(closure: Closure, class_id: str, grades: tuple[str, ...]) -> bool:
    if class_id in closure.except_classes:
        return False
    if closure.scope == "school":
        return True
    return closure.target == class_id if closure.scope == "class" else closure.target in grades


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
