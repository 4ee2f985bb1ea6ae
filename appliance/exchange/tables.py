"""The rows of what goes to the school system: totals, meetings with their decisions, working hours.

Invariant: pure; no reason of an absence, no item of a meeting above importance III is a row.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from appliance.exchange.mapping import ExchangeMapping
from appliance.hours.views import WorkMonth
from appliance.meetings.views import AgendaItemView, MeetingDetail
from appliance.release.cells import Cell
from appliance.views import ClassView, PeriodTotals
from crypto.importance import Importance

Row = dict[str, Cell]


def months_between(first: date, last: date) -> Iterator[date]:
    """Yield the first day of each month of a time."""
    at = first.replace(day=1)
    while at <= last:
        yield at
        at = date(at.year + at.month // 12, at.month % 12 + 1, 1)


def month_rows(school: str, view: ClassView, totals: PeriodTotals, month: date) -> Iterator[Row]:
    """Yield a class's pupils with their totals of a month."""
    for one in totals.rows:
        yield {
            "school": school,
            "grade": view.grade,
            "class": view.title,
            "number": one.number if one.number is not None else "",
            "name": one.name,
            "kana": "",
            "pupil": one.pupil_id,
            "month": f"{month:%Y-%m}",
            "school_days": one.school_days,
            "suspended": one.suspended,
            "must_attend": one.must_attend,
            "absent": one.absent,
            "present": one.present,
            "late": one.late,
            "left_early": one.left_early,
            "elsewhere": one.attended_elsewhere,
            "online": one.online,
        }


def meeting_rows(
    mapping: ExchangeMapping, meetings: Iterable[MeetingDetail], first: date, last: date
) -> list[Row]:
    """Return the items of the meetings of a time, the earliest first, without proposals."""
    held = [one for one in meetings if first <= one.meeting.starts.date() <= last]
    return [
        _item(mapping, detail, item)
        for detail in sorted(held, key=lambda one: (one.meeting.starts, one.meeting.meeting_id))
        for item in detail.items
        if not item.proposed and item.importance in (Importance.III, Importance.IV)
    ]


def hours_rows(mapping: ExchangeMapping, months: Iterable[WorkMonth]) -> list[Row]:
    """Return everybody's months, by month and name."""
    return [_hours(mapping, one) for one in sorted(months, key=lambda one: (one.month, one.name, one.person))]


def _item(mapping: ExchangeMapping, detail: MeetingDetail, item: AgendaItemView) -> Row:
    meeting, task, words = detail.meeting, item.task, mapping.meetings
    return {
        "day": meeting.starts.strftime(mapping.day),
        "time": meeting.starts.strftime(mapping.time),
        "title": meeting.title,
        "place": meeting.place,
        "chair": detail.chair,
        "recorder": detail.recorder,
        "number": item.number,
        "section": words.word(item.section),
        "department": words.word(item.department),
        "item": item.title,
        "proposer": item.proposer,
        "body": item.body,
        "record": item.record,
        "decision": item.decision,
        "owner": task.owner if task else "",
        "task": task.text if task else "",
        "due": task.due.strftime(mapping.day) if task and task.due else "",
        "done": words.word("done" if task.done else "open") if task else "",
        "confirmed": words.word("confirmed") if detail.confirmed else "",
    }


def _hours(mapping: ExchangeMapping, one: WorkMonth) -> Row:
    total = one.total
    minutes = {
        "presence": total.presence,
        "at_work": total.at_work,
        "overtime": total.overtime,
        "weekday": total.weekday,
        "night": total.night,
        "weekly_off": total.weekly_off,
        "holiday": total.holiday,
        "off_campus": total.off_campus,
        "telework": total.telework,
        "taken_home": total.taken_home,
        "year": one.standing.year,
    }
    return {
        "name": one.name,
        "person": one.person,
        "month": f"{one.month:%Y-%m}",
        "staff": mapping.hours.word(one.staff),
        "course": mapping.hours.word(one.course),
        **{name: mapping.span(value) for name, value in minutes.items()},
    }
