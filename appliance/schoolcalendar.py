"""The school calendar over the sealed store.

Invariant: a 年度 that nobody entered yet has the usual vacations and Japanese holidays, never "always open". A
closure that a school enters is a record of its own, so none is lost when the board changes the year meanwhile.
"""

import time
from collections.abc import Sequence
from datetime import date
from typing import ClassVar, Final, NamedTuple

import msgspec

from appliance.classification.model import Action
from appliance.roster import SchoolClass, User
from appliance.rosterindex import RosterIndex
from appliance.schooldays import (
    Closure,
    DayStatus,
    SchoolYear,
    day_status,
    decode,
    default_year,
    encode,
    require_valid,
    school_year_of,
)
from appliance.session import Session
from appliance.views import Saved
from crypto.importance import Importance
from sync import reading
from sync.sealed import Draft, Put, SealedStore

_FRESH_S: Final = 1.0


class ClosureRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """臨時休業 that the school entered, in 年度 `year`; `lifted` takes it back."""

    kind: ClassVar[str] = "calendar.closure"
    importance: ClassVar[Importance] = Importance.III
    id: str
    year: int
    closure: Closure
    lifted: bool = False


class _Known(NamedTuple):
    """What a day is for a class, by the very year and roster that it was judged by."""

    year: SchoolYear
    roster: object
    status: DayStatus


class CalendarBook:
    """Reads and keeps over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._cached: dict[int, tuple[float, SchoolYear]] = {}
        self._statuses: dict[tuple[str, date, tuple[str, ...]], _Known] = {}

    def year(self, on: date) -> SchoolYear:
        """Return the 年度 of a day with every closure; another session's change is seen within a second."""
        year, now = school_year_of(on), time.monotonic()
        known = self._cached.get(year)
        if known is not None and now - known[0] < _FRESH_S:
            return known[1]
        plan = self.plan(on)
        entered = tuple(record.closure for record in self.entered(year))
        found = msgspec.structs.replace(plan, closures=(*plan.closures, *entered))
        self._cached[year] = (now, found)
        return found

    def plan(self, on: date) -> SchoolYear:
        """Return the 年度 of a day as it was planned, without what the school closed since."""
        year = school_year_of(on)
        record = self._store.record_id(SchoolYear.kind, SchoolYear.importance, str(year))
        found = reading.one(self._store, SchoolYear, decode, record)
        return found[0] if found is not None else default_year(year)

    def entered(self, year: int) -> list[ClosureRecord]:
        """Return the closures of a 年度 that the school entered and that stand, oldest day first."""
        told = reading.newest(self._store, ClosureRecord, _closure)
        standing = [record for record, _ in told if record.year == year and not record.lifted]
        return sorted(standing, key=lambda record: (record.closure.first, record.id))

    def closure(self, closure_id: str) -> ClosureRecord | None:
        """Return a closure that the school entered, lifted or not."""
        name = self._store.record_id(ClosureRecord.kind, ClosureRecord.importance, closure_id)
        found = reading.one(self._store, ClosureRecord, _closure, name)
        return found[0] if found is not None else None

    def keep_closure(self, record: ClosureRecord) -> Put:
        """Keep a closure, or that it was lifted."""
        name = self._store.record_id(ClosureRecord.kind, ClosureRecord.importance, record.id)
        base = self._store.base_of(ClosureRecord.kind, [name]).get(name, ())
        self._cached.clear()
        payload = msgspec.msgpack.encode(record)
        return self._store.put([Draft(ClosureRecord.kind, name, ClosureRecord.importance, payload, base)])

    def school_status(self, on: date) -> DayStatus:
        """Return the status of the whole school on a day."""
        return day_status(self.year(on), on, (), "", 0)

    def class_status(
        self, school_class: SchoolClass, roster: RosterIndex, on: date, of: tuple[str, ...] = ()
    ) -> DayStatus:
        """Return the status of a class on a day, or of its pupils in some of its grades."""
        year, key = self.year(on), (school_class.id, on, of)
        known = self._statuses.get(key)
        if known is not None and known.year is year and known.roster is roster.version:
            return known.status
        grades, special = of or school_class.grades, school_class.special_needs
        count = roster.classes_in_grade(grades[0]) if grades else 0
        status = day_status(year, on, grades, school_class.id, count, special_needs=special)
        self._statuses[key] = _Known(year, roster.version, status)
        return status

    def pupil_statuses(
        self,
        school_class: SchoolClass,
        roster: RosterIndex,
        pupil: User,
        of_class: Sequence[tuple[date, DayStatus]],
    ) -> Sequence[tuple[date, DayStatus]]:
        """Return a class's days as one pupil has them: a closed grade reaches its own in a class of several."""
        if len(school_class.grades) < 2 or not pupil.grades:
            return of_class
        return [(on, self.class_status(school_class, roster, on, pupil.grades[:1])) for on, _ in of_class]

    def keep(self, year: SchoolYear) -> Put:
        """Keep a 年度."""
        record = self._store.record_id(SchoolYear.kind, SchoolYear.importance, str(year.year))
        base = self._store.base_of(SchoolYear.kind, [record]).get(record, ())
        payload = encode(year)
        self._cached.clear()
        return self._store.put([Draft(SchoolYear.kind, record, SchoolYear.importance, payload, base)])


class CalendarDesk:
    """The calendar as the screens ask for it; every method asks the policy."""

    def __init__(self, session: Session, book: CalendarBook) -> None:
        self._session = session
        self._book = book

    def year(self, on: date) -> SchoolYear:
        """Return the 年度 of a day as it was planned."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        return self._book.plan(on)

    def status(self, on: date) -> DayStatus:
        """Return what a day is for the whole school."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        return self._book.school_status(on)

    def keep(self, year: SchoolYear) -> Saved:
        """Keep a 年度; raises the calendar's errors when it contradicts itself."""
        self._session.ask(Action.EDIT, SchoolYear.kind, SchoolYear.importance)
        require_valid(year)
        return self._session.saved(self._book.keep(year))


_closure: Final = reading.decoder(ClosureRecord)
