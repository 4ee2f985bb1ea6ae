"""締め: a class's month that stands, until the principal opens it again.

Invariant: of closing and reopening the later one counts; while a month is closed the desks refuse every entry in
it. What was entered elsewhere before its site heard of the closing is kept and counted, never dropped.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

import msgspec

from appliance.attendance.records import MonthClosed, MonthReopened, natural
from appliance.errors import ApplianceError
from sync import reading
from sync.sealed import Draft, Place, Plain, Put, SealedStore, Stood


class MonthClosedError(ApplianceError):
    """The month of an entry is closed; parameter `month`."""

    code = "APP-225"


class MonthNotReadyError(ApplianceError):
    """A month cannot be closed while class days are not confirmed; parameters `month` and `days`."""

    code = "APP-226"


class MonthPlaces(NamedTuple):
    """Where it stands that a class's month was closed, and that it was opened again."""

    closed: Place
    reopened: Place


def closed_by(store: SealedStore, places: MonthPlaces, found: Mapping[Place, Stood]) -> Plain | None:
    """Return of what was found the change that closed a class's month, None while it is open."""
    closed = _read(store, MonthClosed, found.get(places.closed))
    reopened = _read(store, MonthReopened, found.get(places.reopened))
    if closed is not None and reopened is not None and reopened.change_id > closed.change_id:
        return None
    return closed


def _read(store: SealedStore, of: type[MonthClosed] | type[MonthReopened], stood: Stood | None) -> Plain | None:
    read = None if stood is None else reading.standing(store, of, reading.decoder(of), stood)
    return None if read is None else read[1]


def refuse_closed(months: Iterable[date]) -> None:
    """Raise MonthClosedError for the first of some closed months, if there is any."""
    first = min(months, default=None)
    if first is not None:
        named = f"{first:%Y-%m}"
        raise MonthClosedError(operation="enter attendance", subject=named, month=named)


class ClosingBook:
    """Reads and keeps closings over one session; who may was asked before."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._places: dict[tuple[str, date], MonthPlaces] = {}

    def closed(self, class_id: str, month: date) -> Plain | None:
        """Return the change that closed a class's month, None while it is open."""
        places = self.places(class_id, month)
        return closed_by(self._store, places, self._store.standing(places))

    def check(self, days: Iterable[tuple[str, date]]) -> None:
        """Raise MonthClosedError when one of the (class id, day) lies in a closed month."""
        months = [(on.replace(day=1), self.places(class_id, on)) for class_id, on in days]
        found = self._store.standing(place for _, places in months for place in places)
        refuse_closed(month for month, places in dict.fromkeys(months) if closed_by(self._store, places, found))

    def close(self, class_id: str, month: date) -> Put:
        """Close a class's month."""
        return self._keep(MonthClosed(class_id=class_id, month=month))

    def reopen(self, class_id: str, month: date, reason: str) -> Put:
        """Open it again."""
        return self._keep(MonthReopened(class_id=class_id, month=month, reason=reason))

    def _keep(self, thing: MonthClosed | MonthReopened) -> Put:
        record = self._name(thing.kind, thing.class_id, thing.month)
        base = self._store.base_of(thing.kind, [record]).get(record, ())
        return self._store.put([Draft(thing.kind, record, thing.importance, msgspec.msgpack.encode(thing), base)])

    def places(self, class_id: str, on: date) -> MonthPlaces:
        """Return where the closing of a class's month stands, by any day of it: a name that never changes."""
        month = on.replace(day=1)
        found = self._places.get((class_id, month))
        if found is None:
            kinds = (MonthClosed.kind, MonthReopened.kind)
            found = MonthPlaces(*((kind, self._name(kind, class_id, month)) for kind in kinds))
            self._places[class_id, month] = found
        return found

    def _name(self, kind: str, class_id: str, month: date) -> bytes:
        return self._store.record_id(kind, MonthClosed.importance, *natural(class_id, month))
