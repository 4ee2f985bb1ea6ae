"""The change log as its one writer sees it.

Invariant: the sequence numbers of every origin have no gaps, its chain covers every change, and the heads follow
from the changes; all of a batch goes in, inside the caller's transaction, or none. Used by the keeper alone.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from sync.change import CHAIN_START, Batch, Change, batch_payload, chain_hash, entry_digest, structure_fault
from sync.clock import HybridClock, change_clock, clock_ms
from sync.database import Connection
from sync.errors import BadBatchError, BrokenChainError, ClockAheadError, WrongStoreError
from sync.heads import Heads, HeadTable, Place
from sync.ids import Origin, Site

ORIGIN_SHIFT: Final = 40
SEQ_MASK: Final = (1 << ORIGIN_SHIFT) - 1
_REMEMBERED: Final = 20_000  # batches kept in mind for exactly-once
_AHEAD_MS: Final = 600_000  # a client on this machine shares the keeper's clock; more is a fault

_INSERT: Final = (
    "INSERT INTO change (id, change_id, author, kind, record, base, replaced, importance, key_id, body, hash,"
    " size, writer, number, signature) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_TAIL: Final = "SELECT id, hash FROM change WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1"
_NEWEST_ID: Final = (
    "SELECT max(change_id) FROM"
    " (SELECT change_id FROM change WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 20000)"
)


class Kept(msgspec.Struct, frozen=True, gc=False):
    """Where a batch stands in the log."""

    first_seq: int
    last_seq: int


class _Tail(msgspec.Struct, frozen=True, gc=False):
    seq: int
    chain: bytes
    clock: int


class ChangeLog:
    """The log of a site over an open writer connection: its own changes, and those of the sites it merges."""

    def __init__(self, connection: Connection, clock: HybridClock, *, restoring: bool = False) -> None:
        self._restoring = restoring
        self._connection = connection
        self._cursor = connection.cursor()  # kept for the insert that every batch makes: a new one is dearer
        self._clock = clock
        self.origin = read_origin(connection)
        self._tag = self.origin.tag
        self._numbers = read_origins(connection)
        self._heads = HeadTable(connection)
        self._known: OrderedDict[tuple[bytes, int], tuple[bytes, Kept]] = OrderedDict()
        self._tails = {number: self._read_tail(number) for number in self._numbers.values()}
        self._own = self._numbers[self.origin]
        self._read_recent()
        clock.observe(self._tails[self._own].clock)

    @property
    def seq(self) -> int:
        """Return the newest own sequence number, 0 when the log is empty."""
        return self._tails[self._own].seq

    @property
    def chain(self) -> bytes:
        """Return the chain hash at `seq`."""
        return self._tails[self._own].chain

    def check(self, batch: Batch) -> None:
        """Refuse a batch of this site before anything is written; raises BadBatchError or ClockAheadError."""
        self._check_structure(batch, self._tag)
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
        heads = self._heads.standing(batch.changes)
        if heads is None:
            raise BadBatchError(operation="keep batch", subject="change id reused", fault="change id reused")
        kept = self._write(self._own, batch, {}, heads)
        self._remember(batch.writer, batch.number, batch.signature, kept)
        return kept

    def take(self, origin: Origin, first_seq: int, batches: Sequence[Batch], withheld: Mapping[int, str]) -> Kept:
        """Write another site's batches inside the open transaction; `withheld`: seq → reason.

        What is there already is passed over. Raises BadBatchError, or BrokenChainError for a gap.
        """
        own = origin == self.origin and not self._restoring  # only an earlier life's own changes come from outside
        if own or origin.school != self.origin.school:
            raise BadBatchError(operation="take changes", subject=origin.prefix, fault="origin")
        number = self._number_of(origin)
        begin, seq = self._tails[number].seq, first_seq
        for batch in batches:
            if seq + len(batch.changes) - 1 > self._tails[number].seq:
                if seq != self._tails[number].seq + 1:
                    raise BrokenChainError(operation="take changes", subject=f"gap at {seq}", seq=seq)
                self._check_structure(batch, origin.tag)
                self._write(number, batch, withheld, {})
            seq += len(batch.changes)
        return Kept(min(begin + 1, self._tails[number].seq), self._tails[number].seq)

    def judge(self, withheld: Mapping[int, str], released: Iterable[int]) -> None:
        """Put rows into quarantine and take others out, inside the open transaction; heads follow."""
        self._heads.judge(withheld, frozenset(released))

    def mark(self) -> object:
        """Return the state to go back to when the transaction is rolled back."""
        return dict(self._tails), dict(self._numbers)

    def back(self, mark: object) -> None:
        """Go back to a marked state, after a rollback."""
        assert isinstance(mark, tuple)  # noqa: S101 - only ever given what mark() gave
        self._tails, self._numbers = dict(mark[0]), dict(mark[1])
        newest = self._tails[self._own].seq
        for key in [key for key, (_, kept) in self._known.items() if kept.last_seq > newest]:
            del self._known[key]

    def committed(self) -> None:
        """Let the clock see what is now durable; a foreign clock far ahead must not carry ours away."""
        self._clock.observe(self._tails[self._own].clock)
        if len(self._tails) > 1:
            self._see_others()

    def _see_others(self) -> None:
        limit = self._clock.next() + (_AHEAD_MS << 16)
        for tail in self._tails.values():
            if tail.clock <= limit:
                self._clock.observe(tail.clock)

    def _check_structure(self, batch: Batch, tag: bytes) -> None:
        fault = structure_fault(batch, tag)
        if fault:
            raise BadBatchError(operation="keep batch", subject=fault, fault=fault)

    def _number_of(self, origin: Origin) -> int:
        number = self._numbers.get(origin)
        if number is None:
            number = max(self._numbers.values()) + 1
            row = (number, origin.school, str(origin.site), origin.epoch, origin.tag)
            self._connection.execute("INSERT INTO origin VALUES (?, ?, ?, ?, ?)", row)
            self._numbers[origin] = number
            self._tails[number] = _Tail(0, CHAIN_START, 0)
        return number

    def _write(self, number: int, batch: Batch, withheld: Mapping[int, str], heads: Mapping[Place, Heads]) -> Kept:
        tail = self._tails[number]
        first, base_id, rows = tail.seq + 1, number << ORIGIN_SHIFT, []
        for index, change in enumerate(batch.changes):
            seq = first + index
            chain = chain_hash(tail.chain, seq, entry_digest(batch.author, change))
            tail = _Tail(seq, chain, change_clock(change.id))
            row_id, reason = base_id | seq, withheld.get(seq)
            if reason is None:
                replaced = self._heads.add(change, row_id, heads)
            else:
                replaced = b""
                self._heads.withhold(row_id, reason)
            rows.append(_row(batch, change, row_id, replaced, chain, index == 0))
        if len(rows) == 1:
            self._cursor.execute(_INSERT, rows[0])
        else:
            self._cursor.executemany(_INSERT, rows)
        self._tails[number] = tail
        return Kept(first, tail.seq)

    def _remember(self, writer: bytes, number: int, signature: bytes, kept: Kept) -> None:
        self._known[writer, number] = (signature, kept)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _read_tail(self, number: int) -> _Tail:
        bounds = (number << ORIGIN_SHIFT, (number + 1) << ORIGIN_SHIFT)
        row = self._connection.execute(_TAIL, bounds).fetchone()
        if row is None:
            return _Tail(0, CHAIN_START, 0)
        newest = self._connection.execute(_NEWEST_ID, bounds).fetchone()[0]
        return _Tail(row[0] & SEQ_MASK, row[1], change_clock(newest))

    def _read_recent(self) -> None:
        base_id = self._own << ORIGIN_SHIFT
        rows = self._connection.execute(
            "SELECT id, size, writer, number, signature FROM change WHERE id > ? AND id < ?"
            " AND signature IS NOT NULL",
            (base_id | max(0, self.seq - _REMEMBERED), base_id + (1 << ORIGIN_SHIFT)),
        )
        for row_id, size, writer, number, signature in rows:
            first = row_id & SEQ_MASK
            self._remember(writer, number, signature, Kept(first, first + size - 1))


def _row(
    batch: Batch, change: Change, row_id: int, replaced: bytes, chain: bytes, leads: bool
) -> tuple[object, ...]:
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


def read_origin(connection: Connection) -> Origin:
    """Return the origin that this store belongs to; raises WrongStoreError when it is no sealed store."""
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        return Origin(meta["school"], Site(meta["site"]), int(meta["epoch"]))
    except Exception as exc:
        raise WrongStoreError(operation="open store", cause=exc) from exc


def is_current(connection: Connection) -> bool:
    """Say whether this store has every table of this program."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {"change", "head", "late", "quarantine"} <= {name for (name,) in rows}


def read_origins(connection: Connection) -> dict[Origin, int]:
    """Return the numbers under which this store keeps each origin's changes; raises WrongStoreError."""
    found: dict[Origin, int] = {}
    for number, school, site, epoch, tag in connection.execute("SELECT no, school, site, epoch, tag FROM origin"):
        try:
            origin = Origin(school, Site(site), int(epoch))
        except ValueError as exc:
            raise WrongStoreError(operation="open store", subject=f"origin {number}", cause=exc) from exc
        if origin.tag != tag:
            raise WrongStoreError(operation="open store", subject=f"origin {number}")
        found[origin] = number
    return found


def signed_payload(tag: bytes, batch: Batch) -> bytes:
    """Return the bytes that the author of a batch signs."""
    digests = [entry_digest(batch.author, change) for change in batch.changes]
    return batch_payload(tag, batch.writer, batch.number, batch.author, digests)
