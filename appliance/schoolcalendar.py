"""The school calendar over the sealed store.

Invariant: a 年度 that nobody entered yet has the usual vacations and Japanese holidays, never "always open".
"""

from datetime import date

from appliance.policy import Action
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


class CalendarBook:
    """Reads and keeps over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._cached: dict[int, tuple[bytes, SchoolYear]] = {}

    def year(self, on: date) -> SchoolYear:
        """Return the 年度 of a day."""
        year = school_year_of(on)
        record = self._store.record_id(SchoolYear.kind, SchoolYear.importance, str(year))
        names = self._store.base_of(SchoolYear.kind, [record]).get(record, ())
        if not names:
            return default_year(year)
        known = self._cached.get(year)
        if known is None or known[0] != max(names):
            plain = self._store.head(SchoolYear.kind, record)
            assert plain is not None  # noqa: S101 - it has heads
            known = (plain.change_id, decode(plain.payload))
            self._cached[year] = known
        return known[1]

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
