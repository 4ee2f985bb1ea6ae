"""What the working hours show: plain values, already opened and already permitted.

Invariant: as in `appliance.views`, nothing here reaches back into the store. Minutes are whole; `person` is an id.
"""

from dataclasses import dataclass
from datetime import date

from appliance.hours.limits import Standing
from appliance.hours.reckoning import DayKind, Doubt, Reckoned, Span, Staff
from appliance.hours.records import Correction, DayRecord


@dataclass(frozen=True, slots=True)
class WorkDay:
    """A person's day. `came` is the minute at which they came and have not gone from yet, today."""

    on: date
    kind: DayKind
    scheduled: int
    spans: tuple[Span, ...]
    doubts: tuple[Doubt, ...]
    reckoned: Reckoned
    declared: DayRecord | None
    corrected: Correction | None
    waiting: Correction | None
    refused: str
    came: int | None


@dataclass(frozen=True, slots=True)
class WorkMonth:
    """A person's month, with the totals and the light; `days` is every day of it."""

    person: str
    name: str
    month: date
    staff: Staff
    course: str
    days: tuple[WorkDay, ...]
    total: Reckoned
    standing: Standing

    @property
    def waiting(self) -> int:
        """Return how many corrections wait for a manager."""
        return sum(day.waiting is not None for day in self.days)

    @property
    def doubtful(self) -> int:
        """Return how many days have punches that do not pair."""
        return sum(bool(day.doubts) for day in self.days)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A month of a trend; `known` is False where nothing was recorded."""

    month: date
    known: bool
    standing: Standing


@dataclass(frozen=True, slots=True)
class WaitingCorrection:
    """A correction that waits for a manager, beside what was punched."""

    person: str
    name: str
    on: date
    punched: tuple[Span, ...]
    correction: Correction


@dataclass(frozen=True, slots=True)
class StaffEntry:
    """Somebody whose hours are kept, with the shift in force; empty `shift` without one."""

    person: str
    name: str
    roles: tuple[str, ...]
    shift: str
    staff: Staff
    course: str
    cards: tuple[str, ...]
