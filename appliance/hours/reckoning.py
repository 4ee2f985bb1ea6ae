"""What a day of work counts: 在校等時間, 時間外在校等時間, and overtime by category for staff with allowances.

Invariant: pure, and whole minutes throughout; nothing is ever negative, and a month is the sum of its days. Work
past midnight belongs to the day on which it began. Sources: 給特法7条の指針 (在校等時間); for the categories the
rules of pay of 事務・栄養・技能 staff (平日普通, 深夜 22–5, 週休日, 休日).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Final, Self

from appliance.schooldays import holidays_in

DAY: Final = 1440
_AGAIN: Final = 5  # minutes within which the same key pressed twice is one press
_NIGHTS: Final = ((0, 300), (1320, 1740), (2760, 2 * DAY))  # 22–5, over the day of a shift and the next


class Staff(StrEnum):
    """Whom the calculation is for."""

    TEACHING = "teaching"  # 教育職員 (給特法): 時間外在校等時間
    OFFICE = "office"  # 事務・栄養・技能職員: overtime by category


class DayKind(StrEnum):
    """What a day is for the staff; not the pupils' calendar."""

    WORKDAY = "workday"
    WEEKLY_OFF = "weekly_off"  # 週休日
    HOLIDAY = "holiday"  # 休日: 祝日 and 12/29–1/3


class Way(StrEnum):
    """Which way somebody went."""

    IN = "in"
    OUT = "out"


class Doubt(StrEnum):
    """What is wrong with the punches of a day."""

    NO_OUT = "no_out"
    NO_IN = "no_in"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Minutes from the midnight that begins the day; `end` beyond 1440 lies past the next midnight."""

    begin: int
    end: int

    @property
    def minutes(self) -> int:
        """Return its length."""
        return max(0, self.end - self.begin)


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """One punch: `minute` from the midnight of `on`."""

    on: date
    minute: int
    way: Way

    @property
    def at(self) -> int:
        """Return minutes on one scale for all days."""
        return self.on.toordinal() * DAY + self.minute


@dataclass(frozen=True, slots=True)
class Work:
    """A day as it is to be reckoned; minutes.

    `scheduled` is 所定の勤務時間 of that day: the shift's on a workday, and on another what 振替 or a 4-hour
    reassignment moved there. `off_campus` and `telework` were not spent in school, so they lie outside `present`;
    `taken_home` 持ち帰り is kept apart and counts for nothing.
    """

    kind: DayKind
    scheduled: int
    present: tuple[Span, ...] = ()
    shift: Span | None = None
    off_campus: int = 0
    telework: int = 0
    rest: int = 0
    self_study: int = 0
    taken_home: int = 0


@dataclass(frozen=True, slots=True)
class Reckoned:
    """Minutes of one day, or of many added up. Categories are zero for 教育職員; else they sum to `overtime`."""

    presence: int = 0
    at_work: int = 0  # 在校等時間
    overtime: int = 0  # 時間外在校等時間, or the overtime of staff with allowances
    weekday: int = 0
    night: int = 0
    weekly_off: int = 0
    holiday: int = 0
    off_campus: int = 0
    telework: int = 0
    taken_home: int = 0

    def __add__(self, other: Self) -> Self:
        """Add up two days or months."""
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Paired:
    """The presence that punches make and what is doubtful about them, by day; `came`: nobody went from it yet."""

    spans: dict[date, tuple[Span, ...]]
    doubts: dict[date, tuple[Doubt, ...]]
    came: Stamp | None = None


def day_kind(on: date) -> DayKind:
    """Return what a day is for the staff; a Saturday or Sunday that is also a 休日 counts as 週休日."""
    if on.weekday() >= 5:
        return DayKind.WEEKLY_OFF
    year_end = (on.month, on.day) >= (12, 29) or (on.month, on.day) <= (1, 3)
    return DayKind.HOLIDAY if year_end or on in holidays_in(on.year) else DayKind.WORKDAY


def reckon(work: Work, staff: Staff) -> Reckoned:
    """Reckon a day."""
    presence = sum(span.minutes for span in merged(work.present))
    worked = max(0, presence + work.off_campus + work.telework - work.rest - work.self_study)
    overtime = max(0, worked - work.scheduled)
    parts = _categories(work, overtime) if staff is Staff.OFFICE else {}
    return Reckoned(
        presence=presence,
        at_work=worked,
        overtime=overtime,
        off_campus=work.off_campus,
        telework=work.telework,
        taken_home=work.taken_home,
        **parts,
    )


def total(days: Iterable[Reckoned]) -> Reckoned:
    """Add up days."""
    return sum(days, start=Reckoned())


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, overlapping ones as one, empty ones left out."""
    found: list[Span] = []
    for span in sorted(spans):
        if span.minutes and found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        elif span.minutes:
            found.append(span)
    return tuple(found)


def pair(stamps: Iterable[Stamp]) -> Paired:
    """Make presence of one person's punches.

    One key pressed twice within five minutes is one press. A second coming without a going between changes nothing
    and is doubtful; so is a going without a coming, and a coming that nobody went from within a day.
    """
    pairing = _Pairing({}, {})
    ordered = sorted(set(stamps), key=lambda stamp: (stamp.at, stamp.way, stamp.on))
    for _, pressed in groupby(ordered, key=lambda stamp: stamp.at):
        for stamp in sorted(pressed, key=lambda stamp: stamp.way, reverse=pairing.came is not None):
            pairing.take(stamp)  # of two presses in one minute the one that goes on from what stood
    came = pairing.came
    pairing.give_up()
    doubts = {on: tuple(found) for on, found in pairing.doubts.items()}
    shown = {
        on: merged(spans) or tuple(spans[:1]) for on, spans in pairing.spans.items()
    }  # in and out at once shows
    return Paired(shown, doubts, came)


@dataclass(slots=True)
class _Pairing:
    spans: dict[date, list[Span]]
    doubts: dict[date, list[Doubt]]
    came: Stamp | None = None
    went: Stamp | None = None
    began: Stamp | None = None  # what the last span began with

    def take(self, stamp: Stamp) -> None:
        if self.came is not None and stamp.at - self.came.at >= DAY:
            self.give_up()
        if stamp.way is Way.IN:
            self._come(stamp)
        elif self.came is not None:
            self.spans.setdefault(self.came.on, []).append(_span(self.came, stamp))
            self.began, self.went, self.came = self.came, stamp, None
        elif self.began is not None and self.went is not None and stamp.at - self.went.at <= _AGAIN:
            self.spans[self.began.on][-1] = _span(self.began, stamp)
            self.went = stamp
        else:
            self._doubt(stamp.on, Doubt.NO_IN)

    def give_up(self) -> None:
        if self.came is not None:
            self._doubt(self.came.on, Doubt.NO_OUT)
        self.came = None

    def _come(self, stamp: Stamp) -> None:
        if self.came is not None and stamp.on != self.came.on:
            self.give_up()
        if self.came is None:
            self.came = stamp
        elif stamp.at - self.came.at > _AGAIN:
            self._doubt(stamp.on, Doubt.REPEATED)

    def _doubt(self, on: date, doubt: Doubt) -> None:
        known = self.doubts.setdefault(on, [])
        if doubt not in known:
            known.append(doubt)


def _span(came: Stamp, went: Stamp) -> Span:
    return Span(came.minute, came.minute + went.at - came.at)


def _categories(work: Work, overtime: int) -> dict[str, int]:
    """Split overtime: 深夜 is what lies in 22–5 outside the shift, the rest goes by the kind of the day."""
    outside = _without(merged(work.present), work.shift if work.scheduled else None)
    late = sum(Span(max(s.begin, a), min(s.end, b)).minutes for s in outside for a, b in _NIGHTS)
    night = min(overtime, late)
    usual = {DayKind.WORKDAY: "weekday", DayKind.WEEKLY_OFF: "weekly_off", DayKind.HOLIDAY: "holiday"}[work.kind]
    return {"night": night, usual: overtime - night}


def _without(spans: Sequence[Span], shift: Span | None) -> tuple[Span, ...]:
    if shift is None:
        return tuple(spans)
    parts = (Span(s.begin, min(s.end, shift.begin)) for s in spans)
    rest = (Span(max(s.begin, shift.end), s.end) for s in spans)
    return merged((*parts, *rest))
