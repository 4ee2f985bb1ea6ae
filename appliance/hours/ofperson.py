"""One person's hours, from their records to days and months.

Invariant: pure; a correction counts only as a manager's answer repeats it, and what nobody answered yet changes no
figure. A month is known once anything of it was recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from appliance.hours.cards import shift_on
from appliance.hours.limits import Standing, month_before, standing
from appliance.hours.reckoning import (
    DayKind,
    Paired,
    Reckoned,
    Span,
    Stamp,
    Work,
    day_kind,
    pair,
    reckon,
    total,
)
from appliance.hours.records import Approval, Correction, DayRecord, Shift
from appliance.hours.settings import HoursSettings
from appliance.hours.views import TrendPoint, WorkDay, WorkMonth
from appliance.schooldays import days_between, school_year_of


@dataclass
class PersonHours:
    """What is known of a person. Without a shift the first pattern and the calculation for 教育職員 are taken."""

    person: str
    settings: HoursSettings
    stamps: Sequence[Stamp] = ()
    days: Mapping[date, DayRecord] | None = None
    approvals: Mapping[date, Approval] | None = None
    shifts: Sequence[Shift] = ()

    def shift(self, on: date) -> Shift:
        """Return the shift in force on a day."""
        found = shift_on(self.shifts, on)
        if found is not None:
            return found
        usual = self.settings.pattern[0]
        return Shift(person=self.person, since=on, name="", begin=usual.begin, end=usual.end, rest=usual.rest)

    def day(self, on: date, today: date) -> WorkDay:
        """Return a day."""
        declared, answer = self._declared(on), self._answer(on)
        counts = counting(answer)
        asked = declared.correction if declared else None
        answered = answer is not None and answer.answered == asked
        work = self._work(on)
        came = self._came(on) if on == today else None
        doubts = () if counts and counts.spans is not None else self._paired.doubts.get(on, ())
        return WorkDay(
            on,
            work.kind,
            work.scheduled,
            work.present,
            doubts if came is None else (),
            reckon(work, self.shift(on).staff),
            declared,
            counts,
            None if answered else asked,
            answer.reason if answered and answer is not None and not answer.granted else "",
            came,
        )

    def month(self, month: date, name: str, today: date) -> WorkMonth:
        """Return a month with its light."""
        last = month_before(month, -1) - timedelta(days=1)
        days = tuple(self.day(on, today) for on in days_between(month, last))
        shift = self.shift(min(last, max(month, today)))
        return WorkMonth(
            self.person,
            name,
            month,
            shift.staff,
            shift.course,
            days,
            total(day.reckoned for day in days),
            self.standing(month),
        )

    def trend(self, last: date, months: int) -> tuple[TrendPoint, ...]:
        """Return the months up to `last`, oldest first."""
        wanted = [month_before(last, back) for back in reversed(range(months))]
        return tuple(TrendPoint(month, month in self._recorded, self.standing(month)) for month in wanted)

    def standing(self, month: date) -> Standing:
        """Return how a month stands against the limits."""
        known = {at: self.overtime(at) for at in self._recorded if _matters(at, month)}
        return standing(known, month, self.settings.limits)

    def overtime(self, month: date) -> int:
        """Return the overtime of a month."""
        return sum(self._reckoned(on).overtime for on in self._recorded.get(month, ()))

    def course(self, month: date) -> str:
        """Return the course that the person is counted with in a month; empty when nothing was recorded."""
        return self.shift(month).course if month in self._recorded else ""

    @cached_property
    def _paired(self) -> Paired:
        return pair(self.stamps)

    @cached_property
    def _recorded(self) -> dict[date, list[date]]:
        """Return the days with anything recorded, by month."""
        days = {*self._paired.spans, *self._paired.doubts, *(self.days or ()), *(self.approvals or ())}
        found: dict[date, list[date]] = {}
        for on in sorted(days):
            found.setdefault(on.replace(day=1), []).append(on)
        return found

    def _declared(self, on: date) -> DayRecord | None:
        return (self.days or {}).get(on)

    def _answer(self, on: date) -> Approval | None:
        return (self.approvals or {}).get(on)

    def _came(self, on: date) -> int | None:
        came = self._paired.came
        return came.minute if came is not None and came.on == on else None

    def _reckoned(self, on: date) -> Reckoned:
        return reckon(self._work(on), self.shift(on).staff)

    def _work(self, on: date) -> Work:
        shift, kind = self.shift(on), day_kind(on)
        declared = self._declared(on) or DayRecord(person=self.person, on=on)
        counts = counting(self._answer(on))
        usual = shift.scheduled if kind is DayKind.WORKDAY else 0
        present = self._paired.spans.get(on, ())
        if counts is not None and counts.presence is not None:
            present = counts.presence
        return Work(
            kind,
            counts.scheduled if counts is not None and counts.scheduled is not None else usual,
            present,
            Span(shift.begin, shift.end),
            declared.off_campus,
            declared.telework,
            declared.rest,
            declared.self_study,
            declared.taken_home,
        )


def counting(answer: Approval | None) -> Correction | None:
    """Return the correction that counts."""
    if answer is None:
        return None
    return answer.answered if answer.granted else answer.standing


def _matters(at: date, month: date) -> bool:
    """Say whether a month is one of the year so far or of the means."""
    return at <= month and (school_year_of(at) == school_year_of(month) or at >= month_before(month, 5))
