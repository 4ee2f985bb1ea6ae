"""Meetings as iCalendar (.ics, RFC 5545), in and out: for Outlook, Google and the phones of everybody.

Invariant: out goes when, where and what a meeting is called, and of its agenda nothing above importance III; in
comes what a meeting needs, and an event that is none is counted, not guessed at.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError
from appliance.meetings.agendatext import MeetingText
from appliance.meetings.views import MeetingDetail
from appliance.release.label import Label
from appliance.session import JST
from crypto.importance import Importance

if TYPE_CHECKING:
    from icalendar import Component

_LEAST_MINUTES = 30
_OURS = "@kurabako"


class CalendarFileError(ApplianceError):
    """A file is no iCalendar file."""

    code = "APP-433"


def ics_file(label: Label, meetings: Iterable[MeetingDetail]) -> bytes:
    """Return meetings as an iCalendar file with the label as its description."""
    from icalendar import Calendar, Event  # 50 ms that every start of the office would pay for

    calendar = Calendar.new(prodid="-//Kurabako//JA", name=label.school, description=label.line())
    for detail in meetings:
        meeting = detail.meeting
        agenda = [item for item in detail.items if not item.proposed]
        told = [f"{item.number}. {item.title}" for item in agenda if item.importance >= Importance.III]
        minutes = max(_LEAST_MINUTES, sum(item.minutes for item in agenda))
        event = Event.new(
            uid=f"{meeting.meeting_id}{_OURS}",
            stamp=label.at,
            summary=meeting.title,
            start=meeting.starts.astimezone(UTC),
            end=(meeting.starts + timedelta(minutes=minutes)).astimezone(UTC),
            location=meeting.place,
            description="\n".join(told) or None,
        )
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def read_ics(data: bytes) -> tuple[dict[str, MeetingText], int]:
    """Return meeting id → meeting of an iCalendar file, and how many events were none.

    What this program wrote comes back under its own id. Raises CalendarFileError.
    """
    from icalendar import Calendar

    try:
        calendars = Calendar.from_ical(data, multiple=True)
    except (ValueError, IndexError, KeyError) as exc:
        raise CalendarFileError(operation="read calendar", subject="ics", cause=exc) from exc
    if not calendars:
        raise CalendarFileError(operation="read calendar", subject="ics")
    found: dict[str, MeetingText] = {}
    left = 0
    for event in (event for calendar in calendars for event in calendar.walk("VEVENT")):
        starts, title = _start(event), str(event.get("SUMMARY", "")).strip()
        if starts is None or not title:
            left += 1
            continue
        uid = str(event.get("UID", "")) or f"{starts:%Y%m%dT%H%M}-{title}"
        own = uid.removesuffix(_OURS) if uid.endswith(_OURS) else f"ics-{uid}"
        found[own] = MeetingText(title, (starts,), str(event.get("LOCATION", "")).strip())
    return found, left


def _start(event: "Component") -> datetime | None:
    """Return when an event begins in Japan, None for one of whole days: no meeting lasts that long."""
    told = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(told, datetime):
        return None
    return told.astimezone(JST) if told.tzinfo else told.replace(tzinfo=JST)
