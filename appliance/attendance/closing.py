"""締め: a class's month that stands, until the principal opens it again.

Invariant: of closing and reopening the later one counts; while a month is closed the desks refuse every entry in
it. What was entered elsewhere before its site heard of the closing is kept and counted, never dropped.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from appliance.attendance.records import MonthClosed, MonthReopened, natural
from appliance.errors import ApplianceError
from sync.sealed import Draft, Plain, Put, SealedStore

_KINDS: Final = (MonthClosed.kind, MonthReopened.kind)


class MonthClosedError(ApplianceError):
    """The month of an entry is closed; parameter `month`."""

    code = "APP-225"


class MonthNotReadyError(ApplianceError):
    """A month cannot be closed while class days are not confirmed; parameters `month` and `days`."""

    code = "APP-226"


class ClosingBook:
    """Reads and keeps closings over one session; who may was asked before."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._places: dict[tuple[str, date], tuple[tuple[str, bytes], ...]] = {}

    def closed(self, class_id: str, month: date) -> Plain | None:
        """Return the change that closed a class's month, None while it is open."""
        places = self._places_of(class_id, month)
        if not self._store.reader.holds_any(
            places
        ):  # as nearly every entry finds it: no key is needed to see that
            return None
        told = [plain for kind, record in places for plain in self._store.heads(kind, [record])]
        newest = max(told, key=lambda plain: plain.change_id, default=None)
        return newest if newest is not None and newest.kind == MonthClosed.kind else None

    def check(self, days: Iterable[tuple[str, date]]) -> None:
        """Raise MonthClosedError when one of the (class id, day) lies in a closed month."""
        for class_id, month in sorted({(class_id, on.replace(day=1)) for class_id, on in days}):
            if self.closed(class_id, month) is not None:
                named = f"{month:%Y-%m}"
                raise MonthClosedError(operation="enter attendance", subject=named, month=named)

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

    def _places_of(self, class_id: str, month: date) -> tuple[tuple[str, bytes], ...]:
        found = self._places.get((class_id, month))
        if found is None:
            found = tuple((kind, self._name(kind, class_id, month)) for kind in _KINDS)
            self._places[class_id, month] = found
        return found

    def _name(self, kind: str, class_id: str, month: date) -> bytes:
        return self._store.record_id(kind, MonthClosed.importance, *natural(class_id, month))
