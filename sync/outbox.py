"""This site's segments on their way out.

Invariant: what a number stands for is written down (in `local.db`) before its first byte leaves, so a number never
stands for two different segments, whatever dies in between and whoever else (the export to a medium) cuts segments
of the same site meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from crypto.signing import SigningKey
from sync.change import Batch
from sync.client import Keeping
from sync.errors import RolledBackError
from sync.reader import Reader
from sync.segment import NO_SEGMENT, SEGMENT_BYTES, Place, segment_name, write_segment

SPACE: Final = "segments"
_KEY: Final = "out"
_ALL_BYTES: Final = 1 << 62


class OutboxState(msgspec.Struct, frozen=True, array_like=True):
    """`number` was the last segment proven to be in the store, up to seq `last`.

    `planned` are the last seqs of the ones after it: begun, perhaps stored, not yet proven.
    """

    number: int = 0
    last: int = 0
    hash: bytes = NO_SEGMENT
    planned: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A segment to be stored under `name`: changes up to `last`."""

    number: int
    name: str
    data: bytes
    last: int


@dataclass(frozen=True, slots=True)
class _Cursor:
    place: Place
    last: int


class Outbox:
    """Cuts this site's log into segments. Used by one thread at a time."""

    def __init__(self, reader: Reader, client: Keeping, key: SigningKey) -> None:
        self._reader = reader
        self._client = client
        self._key = key
        self._raw = client.local_get(SPACE, _KEY)
        self.state = _decoded(self._raw)
        self._cursor = _Cursor(Place(self.state.number + 1, self.state.hash), self.state.last)

    @property
    def last(self) -> int:
        """Return the last seq that was handed out."""
        return self._cursor.last

    def next(self) -> Outgoing | None:
        """Return the next segment to store, None when everything was handed out.

        A new life begins with those that its former one had not proven. Raises RolledBackError.
        """
        if self._cursor.place.number <= self.state.number:
            self.back()  # somebody else proved what was not handed out here
        origin, cursor = self._reader.origin, self._cursor
        before = self._chain(cursor.last)
        planned = next((last for last in self.state.planned if last > cursor.last), None)
        if planned is None:
            batches = self._reader.batches(origin, cursor.last, SEGMENT_BYTES)
            if not batches:
                return None
            planned = cursor.last + _changes(batches)
            if not self._keep(msgspec.structs.replace(self.state, planned=(*self.state.planned, planned))):
                return self.next()  # somebody else planned meanwhile: theirs stands
        else:
            batches = self._reader.batches(origin, cursor.last, _ALL_BYTES, planned)
            if cursor.last + _changes(batches) != planned:
                raise self._rolled_back(planned)
        data = write_segment(origin, cursor.place, cursor.last + 1, before, batches, self._key)
        number = cursor.place.number
        self._cursor = _Cursor(Place(number + 1, sha256(data).digest()), planned)
        return Outgoing(number, segment_name(origin, number), data, planned)

    def back(self) -> None:
        """Hand out again what was not proven: storing it failed, or nobody knows."""
        self._cursor = _Cursor(Place(self.state.number + 1, self.state.hash), self.state.last)

    def proven(self, outgoing: Outgoing) -> None:
        """Note that a segment, the oldest of those not yet proven, is in the store."""
        digest = sha256(outgoing.data).digest()
        while self.state.number < outgoing.number:
            left = tuple(last for last in self.state.planned if last > outgoing.last)
            self._keep(OutboxState(outgoing.number, outgoing.last, digest, left))

    def _chain(self, seq: int) -> bytes:
        chain = self._reader.chain_at(self._reader.origin, seq)
        if chain is None:
            raise self._rolled_back(seq)
        return chain

    def _rolled_back(self, seq: int) -> RolledBackError:
        """Return the failure of a database that lacks what was sent, or holds it otherwise."""
        return RolledBackError(operation="write segment", subject=self._reader.origin.prefix, seq=seq)

    def _keep(self, state: OutboxState) -> bool:
        """Write a state in place of the one we know; say whether it still stood, and know what stands now."""
        old, new = self._raw, msgspec.msgpack.encode(state)
        self._raw = self._client.local_swap(SPACE, _KEY, old, new)
        self.state = _decoded(self._raw)
        return self._raw == new


def _changes(batches: Sequence[Batch]) -> int:
    return sum(len(batch.changes) for batch in batches)


def read_outbox(client: Keeping) -> OutboxState:
    """Return how far the segments of a site go, as its `local.db` has it."""
    return _decoded(client.local_get(SPACE, _KEY))


def give_outbox(client: Keeping, state: OutboxState) -> None:
    """Let a site whose database was brought back go on after its last segment in the store."""
    client.local_put(SPACE, _KEY, msgspec.msgpack.encode(state))


def _decoded(raw: bytes | None) -> OutboxState:
    return msgspec.msgpack.decode(raw, type=OutboxState) if raw else OutboxState()
