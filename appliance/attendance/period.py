"""A class's month, term or year: every pupil's totals, and the days that nobody confirmed yet.

Invariant: recomputed from marks, calendar and enrolment each time; nothing is kept that could disagree.
"""

import calendar
from collections.abc import Iterable
from datetime import date

from appliance.attendance.book import AttendanceBook
from appliance.attendance.totals import closure_remarks, pupil_days, totals_of
from appliance.roster import SchoolClass
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarBook
from appliance.schooldays import days_between, term_of
from appliance.views import AttendanceCode, PeriodTotals, PupilTotals, Span


def span_of(span: Span, on: date, school_calendar: CalendarBook) -> tuple[str, date, date]:
    """Return what a span is called, its first and its last day."""
    year = school_calendar.year(on)
    match span:
        case Span.MONTH:
            last = on.replace(day=calendar.monthrange(on.year, on.month)[1])
            return f"{on.year}/{on.month:02}", on.replace(day=1), last
        case Span.TERM:
            return term_of(year, on)
        case Span.YEAR:
            return f"{year.year}年度", year.first, year.last


def period_totals(
    school_class: SchoolClass,
    span: Span,
    on: date,
    today: date,
    roster: RosterIndex,
    book: AttendanceBook,
    school_calendar: CalendarBook,
    codes: Iterable[AttendanceCode],
) -> PeriodTotals:
    """Return a class's totals over the month, term or year of a day, up to its last day or to today."""
    name, first, last = span_of(span, on, school_calendar)
    last = min(last, today)  # before `first` in a month to come: then nothing counts yet
    days = [(on, school_calendar.class_status(school_class, roster, on)) for on in days_between(first, last)]
    school_days = [on for on, status in days if status.counts_as_school_day]
    counting = {code.code: code.counting for code in codes}
    pupils = [(e, roster.user(e.user_id)) for e in roster.enrollments(school_class.id) if e.role == "student"]
    marks = book.marks_of([(e.user_id, on) for e, _ in pupils for on in school_days])
    rows = []
    for enrollment, user in pupils:
        if user is None:
            continue
        own = {on: opened.mark.code for (pupil, on), opened in marks.items() if pupil == user.id}
        of_pupil = school_calendar.pupil_statuses(school_class, roster, user, days)
        counted = pupil_days(of_pupil, own, counting, enrollment.begins, enrollment.ends)
        t = totals_of(counted)
        rows.append(
            PupilTotals(
                pupil_id=user.id,
                number=enrollment.number,
                name=user.name,
                school_days=t.school_days,
                suspended=t.suspended,
                must_attend=t.must_attend,
                absent=t.absent,
                present=t.present,
                late=t.late,
                left_early=t.left_early,
                attended_elsewhere=t.elsewhere,
                online=t.online,
                remarks=closure_remarks(counted),
            )
        )
    open_days = [on for on, status in days if status.counts_as_school_day and not status.suspended]
    states = book.class_days([(school_class.id, on) for on in open_days])
    unconfirmed = tuple(on for on in open_days if not states[school_class.id, on][0].confirmed)
    rows.sort(key=lambda row: (row.number is None, row.number or 0, row.name))
    return PeriodTotals(school_class.id, school_class.title, name, first, tuple(rows), unconfirmed)
