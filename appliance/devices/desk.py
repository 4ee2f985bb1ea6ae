"""What the home screen tells of refused USB devices, and that a manager looked.

Invariant: it is told until a manager has looked; asking again costs one number of the database while nobody wrote
anything, and opens only what is newer than that look.
"""

from typing import Final, TypeVar

import msgspec

from appliance.classification.model import Action, Verdict
from appliance.devices.records import DeviceRefused, DeviceSeen
from appliance.session import Session, local_time
from appliance.views import DevicesRefused, Saved
from sync import reading
from sync.reader import Row
from sync.sealed import Draft

_Told = TypeVar("_Told", DeviceRefused, DeviceSeen)
_TOLD: Final = frozenset(("principal", "vice_principal", "clerk"))
_MARK: Final = "PRAGMA data_version"
_STATE: Final = "SELECT count(*), coalesce(max(id), 0) FROM head WHERE kind IN ('device.refused', 'device.seen')"


class DeviceDesk:
    """Refused devices over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._version: int | None = None
        self._state: tuple[int, int] | None = None
        self._refused: DevicesRefused | None = None
        self._newest_ms = 0

    def refused(self) -> DevicesRefused | None:
        """Return what was refused since a manager last looked, None for who is not told. Cheap."""
        session = self._session
        if session.store.closed or not _TOLD & {*session.person.roles}:
            return None
        reader = session.store.reader
        ((version,),) = reader.rows(_MARK)
        if version != self._version:
            self._version = version
            (state,) = reader.rows(_STATE)
            if state != self._state:
                self._refused = self._read()
                self._state = state
        return self._refused

    def seen(self) -> Saved | None:
        """Keep that this person looked at what was told so far; None when nothing was.

        Raises PolicyDeniedError for who is no manager.
        """
        session = self._session
        session.ask(Action.EDIT, DeviceSeen.kind, DeviceSeen.importance)
        if self.refused() is None:
            return None
        record = self._record()
        base = session.store.base_of(DeviceSeen.kind, [record]).get(record, ())
        payload = msgspec.msgpack.encode(DeviceSeen(self._newest_ms))
        return session.saved(
            session.store.put([Draft(DeviceSeen.kind, record, DeviceSeen.importance, payload, base)])
        )

    def _read(self) -> DevicesRefused | None:
        session = self._session
        answer = session.may(Action.VIEW, DeviceRefused.kind, DeviceRefused.importance)
        if answer.verdict is not Verdict.ALLOW:
            return None
        until = self._seen_until()
        rows = [row for row, _ in session.store.head_rows(DeviceRefused.kind) if row.at_ms > until]
        self._newest_ms = max((row.at_ms for row in rows), default=0)
        found = [told for row in rows if (told := self._told(row, DeviceRefused)) is not None]
        if not found:
            return None
        return DevicesRefused(sum(told.count for told in found), local_time(max(told.last_ms for told in found)))

    def _seen_until(self) -> int:
        """Return until when everything was looked at; of two looks at once the later."""
        rows = self._session.store.reader.heads(DeviceSeen.kind, [self._record()])
        looks = (self._told(row, DeviceSeen) for row in rows)
        return max((look.until_ms for look in looks if look is not None), default=0)

    def _told(self, row: Row, struct: type[_Told]) -> _Told | None:
        """Return what a record says; what no desk or collector wrote so is as if it were not there."""
        return reading.read(self._session.store, reading.decoder(struct), row, struct)

    def _record(self) -> bytes:
        return self._session.store.record_id(DeviceSeen.kind, DeviceSeen.importance, "seen")
