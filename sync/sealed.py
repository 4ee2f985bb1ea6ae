"""The sealed store as one logged-in person uses it: drafts go in, opened values come out.

Invariant: plaintext exists only in this process; what leaves it is sealed, padded, bound to its place and signed
before the keeper sees it, and `put` returns only after the keeper's fsync.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from crypto.batchkeys import BatchKey, new_batch_key
from crypto.errors import KurabakoError
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.sealing import open_row, seal_row
from sync.change import BATCH_DOMAIN, OPEN_KINDS, Batch, Change
from sync.client import KeeperClient
from sync.clock import HybridClock, change_clock, clock_ms, wall_ms
from sync.errors import KeeperGoneError, ReadOnlyError
from sync.ids import WRITER_BYTES, change_id
from sync.keyring import Keyring
from sync.leaseguard import LeaseState, LeaseView, lease_view
from sync.log import signed_payload
from sync.openrecords import BATCH_KEY, LOCKED, open_change
from sync.reader import Reader, Row

_LEASE_S: Final = 10.0

Place = tuple[str, bytes]
"""Kind and record."""
Stood = tuple[Row, tuple[bytes, ...]]
"""The newest change of a record, sealed, with the ids of all its heads."""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A value to keep. `base` are the change ids it replaces; an open kind's payload goes in as it is."""

    kind: str
    record: bytes
    importance: Importance
    payload: bytes
    base: tuple[bytes, ...] = ()


class Plain(msgspec.Struct, frozen=True, gc=False):
    """An opened change. `heads` are the ids of all heads of its record: what a change to it replaces."""

    kind: str
    record: bytes
    change_id: bytes
    author: bytes
    importance: int
    payload: bytes
    heads: tuple[bytes, ...] = ()

    @property
    def at_ms(self) -> int:
        """Return when the author made it, in ms since 1970."""
        return clock_ms(change_clock(self.change_id))

    @property
    def conflict(self) -> bool:
        """Say whether the record has more than one head."""
        return len(self.heads) > 1


class Put(msgspec.Struct, frozen=True, gc=False):
    """Drafts on disk: where in the log, and the change id of each draft in order."""

    first_seq: int
    last_seq: int
    names: tuple[bytes, ...]


class SealedStore:
    """One person's session over a store. Without a `client` (a restored store) it only reads.

    `unread` are the rows, by their ids, that were met and could not be read (`sync.reading`).
    Not thread-safe: one worker at a time.
    """

    def __init__(self, reader: Reader, client: KeeperClient | None, identity: Identity, keyring: Keyring) -> None:
        self.reader = reader
        self.client = client
        self.keyring = keyring
        self.unread: dict[int, Row] = {}
        self._identity: Identity | None = identity
        self._tag = reader.origin.tag
        self._due_lease = time.monotonic() + _LEASE_S
        self.clock = HybridClock(wall_ms, client.hello().clock if client else 0)
        self._begin_writer()

    @property
    def person(self) -> bytes:
        """Return the id of the person whose session this is."""
        return self._signer().person

    def record_id(self, kind: str, importance: Importance, *natural: str) -> bytes:
        """Return the record id of a thing with a natural key; raises NotClearedError."""
        return self.keyring.pair(importance).record_id(kind, *natural)

    def heads(self, kind: str, records: Iterable[bytes] | None = None) -> list[Plain]:
        """Open the newest change of every record (or of the given ones), one for each record."""
        return [self.open_row(row, ids) for row, ids in self.head_rows(kind, records)]

    def head_rows(self, kind: str, records: Iterable[bytes] | None = None) -> list[Stood]:
        """Return the newest change of every record, sealed, with the ids of all its heads."""
        return list(_newest(self.reader.heads(kind, records)).values())

    def standing(self, places: Iterable[Place]) -> dict[Place, Stood]:
        """Return what stands at many places, sealed, in one moment; an empty place is left out."""
        return _newest(self.reader.heads_at(places))

    def head(self, kind: str, record: bytes) -> Plain | None:
        """Open the newest change of one record."""
        found = self.heads(kind, [record])
        return found[0] if found else None

    def base_of(self, kind: str, records: Iterable[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        """Return the ids that a change to each record would replace."""
        found: dict[bytes, tuple[bytes, ...]] = {}
        for row in self.reader.heads(kind, records):
            found[row.record] = (*found.get(row.record, ()), row.change_id)
        return found

    def history(self, kind: str, record: bytes) -> list[Plain]:
        """Open every change of a record, newest first."""
        return [self.open_row(row) for row in self.reader.history(kind, record)]

    def put(self, drafts: Sequence[Draft]) -> Put:
        """Seal, sign and keep drafts as one batch: all or none; on return they are on disk.

        Raises ReadOnlyError, NotClearedError, KeeperGoneError, DiskFullError and what the keeper refuses with.
        """
        if self.client is None:
            raise ReadOnlyError(operation="keep batch")
        identity = self._signer()
        changes: list[Change] = []
        try:
            names = [self._add(draft, identity, changes) for draft in drafts]
            unsigned = Batch(self._writer, self._number, identity.person, tuple(changes), b"")
            signature = identity.sign.sign(BATCH_DOMAIN, signed_payload(self._tag, unsigned))
            ack = self.client.submit(
                Batch(self._writer, self._number, identity.person, unsigned.changes, signature)
            )
        except KurabakoError:
            self._begin_writer()  # whether the batch key's announcement was kept is unknown: start afresh
            raise
        self._number += 1
        self.clock.observe(ack.clock)
        return Put(ack.first_seq, ack.last_seq, tuple(names))

    @property
    def closed(self) -> bool:
        """Say whether keys and identity were forgotten."""
        return self._identity is None

    def lease_state(self) -> LeaseView:
        """Return the state of this box's lease: two questions to the keeper, no disk, for asking every 10 s."""
        return LeaseView(LeaseState.UNLEASED) if self.client is None else lease_view(self.client)

    def forget(self, importances: Iterable[Importance]) -> None:
        """Forget the keys of some importances for the rest of this session; they can still be sealed to."""
        gone = frozenset(importances)
        self.keyring.forget(gone)
        for importance in gone:
            self._sealing.pop(importance, None)

    def _mind_lease(self) -> None:
        """Look every 10 s whether the lease still lives; whoever shows what was opened before asks by itself."""
        now = time.monotonic()
        if now < self._due_lease or self.client is None:
            return
        self._due_lease = now + _LEASE_S
        with contextlib.suppress(KeeperGoneError):  # it is back in a moment, and then asked again
            if not self.lease_state().opens:
                self.forget(LOCKED)

    def seal_to_self(self, plaintext: bytes, info: bytes) -> bytes:
        """Seal something that nobody but this person can open, not even with the keys of all staff."""
        return hybrid_seal(self._signer().seal.public, plaintext, info)

    def open_own(self, blob: bytes, info: bytes) -> bytes:
        """Open what `seal_to_self` made; raises CryptoError, also after the board gave the person new keys."""
        return hybrid_open(self._signer().seal, blob, info)

    def close(self) -> None:
        """Forget keys and identity and close both connections."""
        self.keyring.wipe()
        self._sealing.clear()
        self._identity = None
        self.reader.close()
        if self.client is not None:
            self.client.close()

    def _begin_writer(self) -> None:
        self._writer = os.urandom(WRITER_BYTES)
        self._number = 0
        self._sealing: dict[Importance, BatchKey] = {}

    def _signer(self) -> Identity:
        if self._identity is None:
            raise RuntimeError("the session was closed")
        return self._identity

    def _next_id(self) -> bytes:
        return change_id(self.clock.next(), self._tag, self._writer)

    def _add(self, draft: Draft, identity: Identity, changes: list[Change]) -> bytes:
        for base in draft.base:
            if base[8:16] == self._tag:  # of another session here, whose clock may have been ahead of ours
                self.clock.observe(change_clock(base))
        if draft.kind.startswith(OPEN_KINDS):
            name = self._next_id()
            changes.append(open_change(name, draft.kind, draft.record, draft.base, draft.payload))
            return name
        key = self._sealing.get(draft.importance)
        if key is None:
            key, header = new_batch_key(self.keyring.public(draft.importance), identity.person, identity.sign)
            self._sealing[draft.importance] = key
            self.keyring.keep_batch_key(key, identity.person)
            changes.append(open_change(self._next_id(), BATCH_KEY, key.id, (), header))
        name = self._next_id()
        body = seal_row(key, draft.kind, draft.record, name, draft.payload)
        changes.append(Change(name, draft.kind, draft.record, draft.base, draft.importance, key.id, body))
        return name

    def open_row(self, row: Row, heads: tuple[bytes, ...] = ()) -> Plain:
        """Open one stored change; raises NotClearedError, ForgedChangeError, CryptoError."""
        if row.key_id:
            if self.keyring.leased and row.importance in LOCKED:
                self._mind_lease()
            key = self.keyring.batch_key(self.reader, row.key_id, row.importance, row.author)
            payload = open_row(key, row.kind, row.record, row.change_id, row.body)
        else:
            payload = row.body
        return Plain(row.kind, row.record, row.change_id, row.author, row.importance, payload, heads)


def _newest(rows: Iterable[Row]) -> dict[Place, Stood]:
    """Return of the heads of each record the newest, with the ids of all."""
    found: dict[Place, Stood] = {}
    for row in rows:
        place = (row.kind, row.record)
        other = found.get(place)
        if other is None:
            found[place] = (row, (row.change_id,))
        else:
            found[place] = (max(row, other[0], key=_change_id), (*other[1], row.change_id))
    return found


def _change_id(row: Row) -> bytes:
    return row.change_id
