"""The school calendar over the sealed store.

Invariant: a 年度 that nobody entered yet has the usual vacations and Japanese holidays, never "always open".
"""

import time
from datetime import date
from typing import Final

from appliance.classification.model import Action
from appliance.roster import SchoolClass
from appliance.rosterindex import RosterIndex
from appliance.schooldays import (
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
from sync.sealed import Draft, Put, SealedStore

_FRESH_S: Final = 1.0


class CalendarBook:
    """Reads and keeps over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._cached: dict[int, tuple[float, SchoolYear]] = {}

    def year(self, on: date) -> SchoolYear:
        """Return the 年度 of a day; another session's change is seen within a second."""
        year, now = school_year_of(on), time.monotonic()
        known = self._cached.get(year)
        if known is not None and now - known[0] < _FRESH_S:
            return known[1]
        record = self._store.record_id(SchoolYear.kind, SchoolYear.importance, str(year))
        plain = self._store.head(SchoolYear.kind, record)
        found = decode(plain.payload) if plain is not None else default_year(year)
        self._cached[year] = (now, found)
        return found

    def school_status(self, on: date) -> DayStatus:
        """Return the status of the whole school on a day."""
        return day_status(self.year(on), on, (), "", 0)

    def class_status(
        self, school_class: SchoolClass, roster: RosterIndex, on: date, of: tuple[str, ...] = ()
    ) -> DayStatus:
        """Return the status of a class on a day, or of its pupils in some of its grades."""
        grades, special = of or school_class.grades, school_class.special_needs
        count = roster.classes_in_grade(grades[0]) if grades else 0
        return day_status(self.year(on), on, grades, school_class.id, count, special_needs=special)

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
        """Return the 年度 of a day."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        return self._book.year(on)

    def status(self, on: date) -> DayStatus:
        """Return what a day is for the whole school."""
        self._session.ask(Action.VIEW, SchoolYear.kind, SchoolYear.importance)
        return self._book.school_status(on)

    def keep(self, year: SchoolYear) -> Saved:
        """Keep a 年度; raises the calendar's errors when it contradicts itself."""
        self._session.ask(Action.EDIT, SchoolYear.kind, SchoolYear.importance)
        require_valid(year)
        return self._session.saved(self._book.keep(year))
