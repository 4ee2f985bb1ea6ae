"""What stands where an entry is about to go: its marks, its classes' days and their months.

Invariant: all of it was read in one statement, so an entry is judged by a state of the store that there was at one
moment, and replaces what it was judged by. It is read for each entry anew: another session may have written since.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, TypeVar

from appliance.attendance.closing import MonthPlaces, closed_by, refuse_closed
from appliance.attendance.records import ClassDay
from sync import reading
from sync.sealed import Place, Plain, SealedStore, Stood

ClassOn = tuple[str, date]
_T = TypeVar("_T")
_read_day: Final = reading.decoder(ClassDay)


class DayPlaces(NamedTuple):
    """Where a class's day and its month stand."""

    day: Place
    month: MonthPlaces


class Target(NamedTuple):
    """A mark that is to be kept at `place`; `reason` is where its reason stands, None when that stays as it is.

    `code` and `text` empty take mark and reason back.
    """

    pupil: str
    on: date
    code: str
    place: Place
    text: str = ""
    reason: Place | None = None


class Standing:
    """What one look found; `days` are the places of class days and months, `targets` those of marks."""

    __slots__ = ("_days", "_found", "_store", "targets")

    def __init__(
        self,
        store: SealedStore,
        days: Mapping[ClassOn, DayPlaces],
        targets: Sequence[Target],
        found: Mapping[Place, Stood],
    ) -> None:
        self._store = store
        self._days = days
        self.targets = targets
        self._found = found

    def read(self, place: Place, of: reading.Kind, decode: reading.Decode[_T]) -> tuple[_T, Plain] | None:
        """Read what stands at a place that was looked at."""
        stood = self._found.get(place)
        return None if stood is None else reading.standing(self._store, of, decode, stood)

    def base(self, place: Place) -> tuple[bytes, ...]:
        """Return the ids that a change there would replace; opens nothing."""
        stood = self._found.get(place)
        return () if stood is None else stood[1]

    def class_day(self, class_id: str, on: date) -> tuple[ClassDay, Plain | None]:
        """Return how far a class's day is."""
        read = self.read(self._days[class_id, on].day, ClassDay, _read_day)
        return (ClassDay(class_id=class_id, on=on), None) if read is None else read

    def day_place(self, class_id: str, on: date) -> Place:
        """Return where the state of a class's day stands."""
        return self._days[class_id, on].day

    def confirmed(self) -> date | None:
        """Return the first day that its class has confirmed."""
        days = []
        for (class_id, on), places in self._days.items():
            if places.day in self._found and self.class_day(class_id, on)[0].confirmed:
                days.append(on)
        return min(days) if days else None

    def check_months(self) -> None:
        """Raise MonthClosedError when one of the days lies in a closed month."""
        told = {}
        for (_, on), places in self._days.items():
            if places.month.closed in self._found:  # nearly no entry finds it: no key is needed to see that
                told[places.month] = on.replace(day=1)
        if told:
            refuse_closed(month for place, month in told.items() if closed_by(self._store, place, self._found))
