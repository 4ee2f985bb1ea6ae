"""The change log as its one writer sees it.

Invariant: sequence numbers have no gaps, the chain covers every change, and the heads follow from the changes;
all of a batch goes in, inside the caller's transaction, or none. Used by the keeper alone.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from sync.change import CHAIN_START, Batch, Change, batch_payload, chain_hash, entry_digest, structure_fault
from sync.clock import HybridClock, change_clock, clock_ms
from sync.database import Connection
from sync.errors import BadBatchError, ClockAheadError, WrongStoreError
from sync.ids import Origin, Site

ORIGIN_SHIFT: Final = 40
SEQ_MASK: Final = (1 << ORIGIN_SHIFT) - 1
_REMEMBERED: Final = 20_000  # batches kept in mind for exactly-once
_AHEAD_MS: Final = 600_000  # a client on this machine shares the keeper's clock; more is a fault

_INSERT: Final = (
    "INSERT INTO change (id, change_id, author, kind, record, base, replaced, importance, key_id, body, hash,"
    " size, writer, number, signature) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_TAKE_HEAD: Final = "DELETE FROM head WHERE kind=? AND record=? AND change_id=? RETURNING id"
_NEWEST_ID: Final = "SELECT max(change_id) FROM (SELECT change_id FROM change ORDER BY id DESC LIMIT 20000)"
_IS_HEAD: Final = "SELECT 1 FROM head WHERE kind=? AND record=? AND change_id=?"
_NEW_HEAD: Final = "INSERT INTO head VALUES (?,?,?,?)"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a batch stands in the log."""

    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class _Tail:
    seq: int
    chain: bytes
    clock: int


class ChangeLog:
    """The log of one origin over an open writer connection."""

    def __init__(self, connection: Connection, clock: HybridClock) -> None:
        self._connection = connection
        self._clock = clock
        self.origin = read_origin(connection)
        self._tag = self.origin.tag
        self._base_id = 1 << ORIGIN_SHIFT
        self._known: OrderedDict[tuple[bytes, int], tuple[bytes, Kept]] = OrderedDict()
        self._tail = self._read_tail()
        self._read_recent()
        clock.observe(self._tail.clock)

    @property
    def seq(self) -> int:
        """Return the newest sequence number, 0 when the log is empty."""
        return self._tail.seq

    @property
    def chain(self) -> bytes:
        """Return the chain hash at `seq`."""
        return self._tail.chain

    def check(self, batch: Batch) -> None:
        """Refuse a batch before anything is written; raises BadBatchError or ClockAheadError."""
        fault = structure_fault(batch, self._tag)
        if fault:
            raise BadBatchError(operation="keep batch", subject=fault, fault=fault)
        ahead = change_clock(batch.changes[-1].id) - self._clock.next()
        if ahead > _AHEAD_MS << 16:
            raise ClockAheadError(operation="keep batch", subject=f"{clock_ms(ahead) // 1000} s")

    def append(self, batch: Batch) -> Kept:
        """Write a checked batch inside the open transaction; a batch already kept is answered, not written."""
        known = self._known.get((batch.writer, batch.number))
        if known is not None:
            if known[0] != batch.signature:
                raise BadBatchError(operation="keep batch", subject="number reused", fault="number reused")
            return known[1]
        if any(self._connection.execute(_IS_HEAD, (c.kind, c.record, c.id)).fetchone() for c in batch.changes):
            raise BadBatchError(operation="keep batch", subject="change id reused", fault="change id reused")
        first = self._tail.seq + 1
        rows, tail = [], self._tail
        for index, change in enumerate(batch.changes):
            seq = first + index
            chain = chain_hash(tail.chain, seq, entry_digest(batch.author, change))
            tail = _Tail(seq, chain, change_clock(change.id))
            rows.append(self._row(batch, change, seq, chain, index == 0))
        self._connection.executemany(_INSERT, rows)
        self._tail = tail
        kept = Kept(first, tail.seq)
        self._remember(batch.writer, batch.number, batch.signature, kept)
        return kept

    def mark(self) -> object:
        """Return the state to go back to when the transaction is rolled back."""
        return self._tail

    def back(self, mark: object) -> None:
        """Go back to a marked state, after a rollback."""
        assert isinstance(mark, _Tail)  # noqa: S101 - only ever given what mark() gave
        self._tail = mark
        for key in [key for key, (_, kept) in self._known.items() if kept.last_seq > mark.seq]:
            del self._known[key]

    def committed(self) -> None:
        """Let the clock see what is now durable."""
        self._clock.observe(self._tail.clock)

    def _row(self, batch: Batch, change: Change, seq: int, chain: bytes, leads: bool) -> tuple[object, ...]:
        row_id = self._base_id | seq
        replaced = b""
        for base in change.base:
            taken = self._connection.execute(_TAKE_HEAD, (change.kind, change.record, base)).fetchone()
            if taken:
                replaced += taken[0].to_bytes(8, "big")
        self._connection.execute(_NEW_HEAD, (change.kind, change.record, change.id, row_id))
        signed = (len(batch.changes), batch.writer, batch.number, batch.signature) if leads else (None,) * 4
        return (
            row_id,
            change.id,
            batch.author,
            change.kind,
            change.record,
            b"".join(change.base),
            replaced,
            change.importance,
            change.key_id,
            change.body,
            chain,
            *signed,
        )

    def _remember(self, writer: bytes, number: int, signature: bytes, kept: Kept) -> None:
        self._known[writer, number] = (signature, kept)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _read_tail(self) -> _Tail:
        row = self._connection.execute("SELECT id, hash FROM change ORDER BY id DESC LIMIT 1").fetchone()
        if row is None:
            return _Tail(0, CHAIN_START, 0)
        newest = self._connection.execute(_NEWEST_ID).fetchone()[0]
        return _Tail(row[0] & SEQ_MASK, row[1], change_clock(newest))

    def _read_recent(self) -> None:
        rows = self._connection.execute(
            "SELECT id, size, writer, number, signature FROM change WHERE id > ? AND signature IS NOT NULL",
            (self._base_id | max(0, self._tail.seq - _REMEMBERED),),
        )
        for row_id, size, writer, number, signature in rows:
            first = row_id & SEQ_MASK
            self._remember(writer, number, signature, Kept(first, first + size - 1))


def read_origin(connection: Connection) -> Origin:
    """Return the origin that this store belongs to; raises WrongStoreError when it is no sealed store."""
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        return Origin(meta["school"], Site(meta["site"]), int(meta["epoch"]))
    except Exception as exc:
        raise WrongStoreError(operation="open store", cause=exc) from exc


def signed_payload(tag: bytes, batch: Batch) -> bytes:
    """Return the bytes that the author of a batch signs."""
    digests = [entry_digest(batch.author, change) for change in batch.changes]
    return batch_payload(tag, batch.writer, batch.number, batch.author, digests)
