"""What is entered about working hours, checked before it is kept; and files read whole or refused.

Invariant: nothing passes that could make a figure negative, longer than a day, or without its reason.
"""

from datetime import date
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.hours.reckoning import DAY
from appliance.hours.records import Correction, DayRecord, Shift

_COURSES: Final = ("", "lower", "upper")


class HoursFormError(ApplianceError):
    """A declaration, a correction or a shift lacks something or cannot be."""

    code = "APP-403"


class UnknownStaffError(ApplianceError):
    """There is nobody of that id among the staff."""

    code = "APP-405"


class ClockFileError(ApplianceError):
    """The file of the time recorder, or the mapping beside it, cannot be opened."""

    code = "APP-406"


def require_day(day: DayRecord, today: date) -> None:
    """Refuse a day that has not come, minutes that cannot be, and a correction that says too little."""
    minutes = (day.rest, day.self_study, day.off_campus, day.telework, day.taken_home)
    if day.on > today or not all(0 <= made <= DAY for made in minutes):
        raise HoursFormError(operation="declare day", subject=day.on.isoformat())
    if day.correction is not None:
        _require_correction(day.correction)


def require_shift(shift: Shift) -> None:
    """Refuse a shift without a name, of an unknown course, or that ends before it begins."""
    fits = 0 <= shift.begin < shift.end <= 2 * DAY and 0 <= shift.rest < shift.end - shift.begin
    if not fits or not shift.name.strip() or shift.course not in _COURSES:
        raise HoursFormError(operation="set shift", subject=shift.person)


def read_whole(file: Path) -> bytes:
    """Return what a file holds; raises ClockFileError."""
    try:
        return file.read_bytes()
    except OSError as exc:
        raise ClockFileError(operation="read recorder file", subject=str(file), cause=exc, file=str(file)) from exc


def _require_correction(asked: Correction) -> None:
    """Refuse a correction without a reason, without anything to correct, or with spans that cannot be."""
    spans = asked.spans or ()
    in_order = all(0 <= begin < end <= 2 * DAY for begin, end in spans)
    in_order = in_order and all(one[1] <= next_[0] for one, next_ in zip(spans, spans[1:], strict=False))
    empty = asked.spans is None and asked.scheduled is None
    if not asked.reason.strip() or empty or not in_order or not 0 <= (asked.scheduled or 0) <= DAY:
        raise HoursFormError(operation="correct day")
