"""A class's month as a grid, as the paper book shows it: every pupil on every day.

Invariant: read from marks, calendar and enrolment each time; a day on which a pupil was not in the class holds no
mark, and the totals are those of `period`.
"""

import calendar
from collections.abc import Iterable
from datetime import date

from appliance.attendance.book import AttendanceBook
from appliance.attendance.period import period_totals
from appliance.roster import SchoolClass
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarBook
from appliance.schooldays import days_between
from appliance.views import AttendanceCode, MonthDay, MonthGrid, MonthPupil, Span


def month_grid(
    school_class: SchoolClass,
    month: date,
    today: date,
    roster: RosterIndex,
    book: AttendanceBook,
    school_calendar: CalendarBook,
    codes: Iterable[AttendanceCode],
) -> MonthGrid:
    """Return every day of a month, also days to come; the totals count up to today."""
    first = month.replace(day=1)
    days = tuple(days_between(first, month.replace(day=calendar.monthrange(month.year, month.month)[1])))
    states = {on: school_calendar.class_status(school_class, roster, on) for on in days}
    kept = book.class_days([(school_class.id, on) for on in days])
    totals = period_totals(school_class, Span.MONTH, month, today, roster, book, school_calendar, codes)
    members = {e.user_id: e for e in roster.enrollments(school_class.id) if e.role == "student"}
    marks = book.marks_of([(pupil, on) for pupil in members for on in days if states[on].counts_as_school_day])
    rows = []
    for row in totals.rows:
        begins, ends = members[row.pupil_id].begins, members[row.pupil_id].ends
        inside = tuple((begins is None or begins <= on) and (ends is None or on <= ends) for on in days)
        own = tuple(opened.mark.code if (opened := marks.get((row.pupil_id, on))) else "" for on in days)
        own = tuple(code if here else "" for code, here in zip(own, inside, strict=True))
        if any(inside):
            rows.append(MonthPupil(row.pupil_id, row.number, row.name, own, inside, row))
    shown = tuple(
        MonthDay(
            on,
            states[on].counts_as_school_day and not states[on].suspended,
            states[on].reason,
            kept[school_class.id, on][0].confirmed,
            on > today,
            states[on].closure,
            states[on].suspended,
        )
        for on in days
    )
    return MonthGrid(school_class.id, school_class.title, first, shown, tuple(rows), totals)
