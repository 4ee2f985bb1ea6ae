"""臨時休業: the school closes itself, a grade or a class, and every total follows.

Invariant: a closure is refused where it would change a month that was closed 締め; what it does to the count of
school days is told before it is kept, since closing the only class of a grade takes a 授業日 away.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from os import urandom
from typing import Final

import msgspec

from appliance.attendance.closing import ClosingBook
from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.roster import SchoolClass
from appliance.schoolcalendar import CalendarBook, ClosureRecord
from appliance.schooldays import (
    Closure,
    DayStatus,
    SchoolYear,
    Scope,
    day_status,
    days_between,
    require_valid,
    school_year_of,
)
from appliance.session import Session
from appliance.views import Saved

MOST_DAYS: Final = 62
_ID_BYTES: Final = 8
_GRADE: Final = re.compile(r"^\d{1,2}年")


class ClosureRangeError(ApplianceError):
    """A closure ends before it begins, is longer than two months, or has no school day in it."""

    code = "APP-229"


class UnknownClosureError(ApplianceError):
    """There is no such closure of the school's own (any more)."""

    code = "APP-233"


class Effect(StrEnum):
    """What a closure does to the totals of those whom it is for."""

    NO_SCHOOL_DAY = "no_school_day"  # 授業日数 − 1
    SUSPENDED = "suspended"  # 停・忌 + 1
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class ClosureTarget:
    """What can be closed. `target` is a grade's code or a class id, empty for the school."""

    scope: Scope
    target: str
    name: str


@dataclass(frozen=True, slots=True)
class ClosureView:
    """A closure. `id` is empty for one of the year's plan, which the board changes; `days` are school days."""

    id: str
    what: ClosureTarget
    first: date
    last: date
    days: int
    reason: str
    effect: Effect


class ClosureDesk:
    """Closures over one session."""

    def __init__(self, session: Session, calendar: CalendarBook) -> None:
        self._session, self._calendar = session, calendar
        self._closing = ClosingBook(session.store)

    def targets(self) -> tuple[ClosureTarget, ...]:
        """Return the school, its grades, its classes."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        classes = self._session.roster.classes()
        grades = dict.fromkeys(grade for c in classes for grade in c.grades)
        return (
            self._target("school", ""),
            *(self._target("grade", grade) for grade in grades),
            *(self._target("class", school_class.id) for school_class in classes),
        )

    def listed(self, on: date) -> tuple[ClosureView, ...]:
        """Return the closures of the 年度 of a day, the newest days first."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        year = self._calendar.year(on)
        entered = self._calendar.entered(year.year)
        own = [self._view(record.id, record.closure, year) for record in entered]
        planned = [self._view("", closure, year) for closure in self._calendar.plan(on).closures]
        return tuple(sorted((*own, *planned), key=lambda view: (view.first, view.id), reverse=True))

    def foresee(self, target: ClosureTarget, first: date, last: date, reason: str) -> ClosureView:
        """Return what closing would mean; keeps nothing. Raises ClosureRangeError, MonthClosedError."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        year, closure = self._checked(target, first, last, reason)
        return self._view("", closure, year)

    def close(self, target: ClosureTarget, first: date, last: date, reason: str) -> tuple[str, Saved]:
        """Close it from `first` up to and including `last`; return its id.

        Raises ClosureRangeError, MonthClosedError, PolicyDeniedError.
        """
        self._session.ask(Action.EDIT, ClosureRecord.kind, ClosureRecord.importance)
        year, closure = self._checked(target, first, last, reason)
        record = ClosureRecord(id=urandom(_ID_BYTES).hex(), year=year.year, closure=closure)
        return record.id, self._session.saved(self._calendar.keep_closure(record))

    def lift(self, closure_id: str, *, lifted: bool = True) -> Saved:
        """Take a closure back, or let it stand again; raises UnknownClosureError, MonthClosedError."""
        self._session.ask(Action.EDIT, ClosureRecord.kind, ClosureRecord.importance)
        found = self._calendar.closure(closure_id)
        if found is None or found.lifted is lifted:
            raise UnknownClosureError(operation="lift closure", subject=closure_id)
        self._still_open(found.closure)
        return self._session.saved(self._calendar.keep_closure(msgspec.structs.replace(found, lifted=lifted)))

    def _checked(self, target: ClosureTarget, first: date, last: date, reason: str) -> tuple[SchoolYear, Closure]:
        """Return the 年度 with the closure in it, and the closure."""
        if not 0 <= (last - first).days < MOST_DAYS or school_year_of(first) != school_year_of(last):
            raise ClosureRangeError(operation="close", subject=first.isoformat(), most=MOST_DAYS)
        year = self._calendar.year(first)
        closure = Closure(
            scope=target.scope,
            first=first,
            last=last,
            reason=reason.strip(),
            target=target.target,
            except_classes=self._special(target.target) if target.scope == "grade" else (),
            grades=self._grades_of(target.target) if target.scope == "class" else (),
        )
        if not self._school_days(closure, year):
            raise ClosureRangeError(operation="close", subject=first.isoformat(), most=MOST_DAYS)
        changed = msgspec.structs.replace(year, closures=(*year.closures, closure))
        require_valid(changed)
        self._still_open(closure)
        return changed, closure

    def _still_open(self, closure: Closure) -> None:
        """Refuse what would change a closed month: of every class whose count may follow."""
        days = list(days_between(closure.first, closure.last))
        self._closing.check([(c.id, on) for c in self._reached(closure, wide=True) for on in days])

    def _reached(self, closure: Closure, *, wide: bool = False) -> list[SchoolClass]:
        """Return the classes that a closure is for; `wide`: with those of the grade that it may close whole."""
        classes = self._session.roster.classes()
        match closure.scope:
            case "school":
                return classes
            case "grade":
                return [c for c in classes if closure.target in c.grades and c.id not in closure.except_classes]
            case "class":
                near = set(closure.grades) if wide else set()
                return [c for c in classes if c.id == closure.target or near & {*c.grades} and not c.special_needs]

    def _school_days(self, closure: Closure, year: SchoolYear) -> list[date]:
        """Return the days of a closure on which there would have been school."""
        before = msgspec.structs.replace(year, closures=tuple(c for c in year.closures if c != closure))
        return [
            on
            for on in days_between(closure.first, closure.last)
            if any(
                (status := self._status(before, c, on)).counts_as_school_day and not status.suspended
                for c in self._reached(closure)
            )
        ]

    def _status(self, year: SchoolYear, c: SchoolClass, on: date) -> DayStatus:
        count = self._session.roster.classes_in_grade(c.grades[0]) if c.grades else 0
        return day_status(year, on, c.grades, c.id, count, special_needs=c.special_needs)

    def _view(self, own: str, closure: Closure, year: SchoolYear) -> ClosureView:
        target = self._target(closure.scope, closure.target)
        days = self._school_days(closure, year)
        found = {self._status(year, c, on).suspended for c in self._reached(closure) for on in days}
        effect = Effect.MIXED if len(found) > 1 else Effect.SUSPENDED if True in found else Effect.NO_SCHOOL_DAY
        return ClosureView(own, target, closure.first, closure.last, len(days), closure.reason, effect)

    def _target(self, scope: Scope, target: str) -> ClosureTarget:
        match scope:
            case "school":
                return ClosureTarget(scope, target, "全校")
            case "grade":
                return ClosureTarget(scope, target, self._grade_name(target))
            case "class":
                found = self._session.roster.school_class(target)
                return ClosureTarget(scope, target, found.title if found else target)

    def _grade_name(self, grade: str) -> str:
        """Return how the titles of a grade's classes begin, such as 7年; its code where they begin otherwise."""
        ordinary = [c for c in self._session.roster.classes() if c.grades == (grade,) and not c.special_needs]
        found = {match[0] if (match := _GRADE.match(c.title)) else "" for c in ordinary}
        return next(iter(found)) if len(found) == 1 and "" not in found else grade

    def _grades_of(self, class_id: str) -> tuple[str, ...]:
        found = self._session.roster.school_class(class_id)
        return found.grades if found is not None and not found.special_needs else ()

    def _special(self, grade: str) -> tuple[str, ...]:
        """Return the special-needs classes, which keep school while a grade is closed."""
        return tuple(c.id for c in self._session.roster.classes() if c.special_needs and grade in c.grades)
