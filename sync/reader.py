"""The read side: any process may read a site's store, none can write through here.

Invariant: every call is one short read transaction on a read-only connection, so readers never hold up the
keeper or Litestream (long ones stop the write-ahead log from being reset: measured).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from sync.change import CHAIN_START, Batch, Change
from sync.clock import change_clock, clock_ms
from sync.database import open_reader
from sync.errors import BrokenChainError
from sync.heads import split_ids
from sync.ids import Origin
from sync.log import ORIGIN_SHIFT, SEQ_MASK, read_origin, read_origins

_COLUMNS: Final = "id, change_id, author, kind, record, base, replaced, importance, key_id, body"
_JOINED: Final = ", ".join(f"c.{name}" for name in _COLUMNS.split(", "))
_CHUNK: Final = 500
_TAIL: Final = "SELECT id, hash FROM change WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1"
_FIRST_OF: Final = "SELECT max(id) FROM change WHERE id <= ? AND signature IS NOT NULL"
_LATE: Final = 'SELECT id FROM late WHERE "by" = ? AND id IS NOT NULL'
_NEWS: Final = "SELECT 1 FROM change WHERE id > ? AND id < ? AND kind <> 'site.countersign' LIMIT 1"
_AT: Final = (
    f"SELECT {_JOINED} FROM place p CROSS JOIN head h ON h.kind = p.kind AND h.record = p.record"  # noqa: S608 - constants
    " JOIN change c ON c.id = h.id"
)
_CONTENT: Final = "SELECT count(*) FROM change WHERE id > ? AND id < ? AND kind NOT LIKE 'site.%'"
_OLDEST: Final = (
    "SELECT id, change_id FROM change WHERE id > ? AND id < ? AND kind NOT LIKE 'site.%' ORDER BY id LIMIT 1"
)


class Content(NamedTuple):
    """A change that people made: its sequence number, and when it was made (ms since 1970)."""

    seq: int
    at_ms: int


class Row(NamedTuple):
    """One change as stored. `id` is origin number << 40 | seq; `base` and `replaced` are joined ids."""

    id: int
    change_id: bytes
    author: bytes
    kind: str
    record: bytes
    base: bytes
    replaced: bytes
    importance: int
    key_id: bytes
    body: bytes

    @property
    def seq(self) -> int:
        """Return the sequence number at its origin."""
        return self.id & SEQ_MASK

    @property
    def origin_no(self) -> int:
        """Return the number of the origin in this store."""
        return self.id >> ORIGIN_SHIFT

    @property
    def at_ms(self) -> int:
        """Return when the author made it, in ms since 1970."""
        return clock_ms(change_clock(self.change_id))


class Signed(NamedTuple):
    """A batch's part of its first change: number of changes, writer, number, author's signature."""

    size: int
    writer: bytes
    number: int
    signature: bytes


class Position(NamedTuple):
    """How far the log goes: newest seq (0 when empty) and its chain hash."""

    seq: int
    chain: bytes


class Reader:
    """A read-only view of a store; used from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = open_reader(path)
        self.origin = read_origin(self._connection)
        self._numbers = self.origins()

    def origins(self) -> dict[Origin, int]:
        """Return every origin whose changes are kept here, with its number in this store."""
        return read_origins(self._connection)

    def number_of(self, origin: Origin) -> int | None:
        """Return an origin's number in this store, None when nothing of it is here."""
        if origin not in self._numbers:
            self._numbers = self.origins()
        return self._numbers.get(origin)

    def position(self, origin: Origin | None = None) -> Position:
        """Return how far the log of an origin (by default this site's own) goes."""
        number = self.number_of(origin or self.origin)
        if number is None:
            return Position(0, CHAIN_START)
        bounds = (number << ORIGIN_SHIFT, (number + 1) << ORIGIN_SHIFT)
        row = self._connection.execute(_TAIL, bounds).fetchone()
        return Position(row[0] & SEQ_MASK, row[1]) if row else Position(0, CHAIN_START)

    def chain_at(self, origin: Origin, seq: int) -> bytes | None:
        """Return the chain hash of an origin at `seq`, None when it is not here."""
        number = self.number_of(origin)
        if number is None:
            return None
        if seq == 0:
            return CHAIN_START
        row = self._connection.execute(
            "SELECT hash FROM change WHERE id = ?", (number << ORIGIN_SHIFT | seq,)
        ).fetchone()
        return row[0] if row else None

    def changes(self) -> int:
        """Return how many changes are kept here, of all origins: grows with whatever is new."""
        return sum(self.position(origin).seq for origin in self.origins())

    def quarantined(self) -> dict[int, str]:
        """Return the rows that count for nothing for now, and why."""
        return dict(self._connection.execute("SELECT id, reason FROM quarantine"))

    def heads(self, kind: str, records: Iterable[bytes] | None = None) -> list[Row]:
        """Return the newest change(s) of every record of a kind, or of the given records."""
        query = f"SELECT {_JOINED} FROM head h JOIN change c ON c.id = h.id WHERE h.kind = ?"  # noqa: S608 - constants
        if records is None:
            return [Row._make(row) for row in self._connection.execute(query, (kind,))]
        wanted, found = list(records), []
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            rows = self._connection.execute(f"{query} AND h.record IN ({marks})", (kind, *chunk))
            found += [Row._make(row) for row in rows]
        return found

    def heads_at(self, places: Iterable[tuple[str, bytes]]) -> list[Row]:
        """Return the newest change(s) at each (kind, record), all as they stand in one moment."""
        wanted = list(dict.fromkeys(places))  # a place that is named twice would come twice
        if len(wanted) <= _CHUNK:
            return self._at(wanted)
        with self.snapshot():
            return [row for at in range(0, len(wanted), _CHUNK) for row in self._at(wanted[at : at + _CHUNK])]

    def _at(self, places: Sequence[tuple[str, bytes]]) -> list[Row]:
        if not places:
            return []
        query = f"WITH place(kind, record) AS (VALUES {','.join(['(?,?)'] * len(places))}) {_AT}"  # noqa: S608 - marks
        rows = self._connection.execute(query, [part for place in places for part in place])
        return [Row._make(row) for row in rows]

    def history(self, kind: str, record: bytes) -> list[Row]:
        """Return every change that a record's heads go back to, newest first; raises BrokenChainError."""
        found: dict[int, Row] = {row.id: row for row in self.heads(kind, [record])}
        pending = [before for row in found.values() for before in self._before(row)]
        while pending:
            row_id = pending.pop()
            if row_id not in found:
                one = self._connection.execute(_ONE, (row_id,)).fetchone()
                if one is None:
                    raise BrokenChainError(operation="read history", subject=kind, seq=row_id & SEQ_MASK)
                row = found[row_id] = Row._make(one)
                pending += self._before(row)
        return sorted(found.values(), key=lambda row: row.change_id, reverse=True)

    def since(self, seq: int, limit: int = 10_000, origin: Origin | None = None) -> list[Row]:
        """Return changes of an origin (by default this site's own) after `seq`, oldest first."""
        number = self.number_of(origin or self.origin)
        if number is None:
            return []
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM change WHERE id > ? AND id < ? ORDER BY id LIMIT ?",  # noqa: S608 - constants
            (number << ORIGIN_SHIFT | seq, (number + 1) << ORIGIN_SHIFT, limit),
        )
        return [Row._make(row) for row in rows]

    def content_after(self, seq: int, origin: Origin | None = None) -> int:
        """Count an origin's changes after `seq` that people made: what sites say to each other is left out."""
        number = self.number_of(origin or self.origin)
        if number is None:
            return 0
        bounds = (number << ORIGIN_SHIFT | seq, (number + 1) << ORIGIN_SHIFT)
        (count,) = self._connection.execute(_CONTENT, bounds).fetchone()
        return int(count)

    def first_content(self, seq: int) -> Content | None:
        """Return the first own change after `seq` that people made, None without one."""
        number = self._numbers[self.origin]
        bounds = (number << ORIGIN_SHIFT | seq, (number + 1) << ORIGIN_SHIFT)
        row = self._connection.execute(_OLDEST, bounds).fetchone()
        return Content(row[0] & SEQ_MASK, clock_ms(change_clock(row[1]))) if row else None

    def confirmed_to(self, countersigned: int) -> int:
        """Return up to which own seq everything that people made is countersigned, once `countersigned` is.

        What sites say to each other needs no countersign, so it neither holds the figure back nor lets it fall.
        """
        open_yet = self.first_content(countersigned)
        return self.position().seq if open_yet is None else open_yet.seq - 1

    def news_after(self, seq: int, origin: Origin) -> bool:
        """Say whether an origin's log holds anything but countersigns after `seq`."""
        number = self.number_of(origin)
        if number is None:
            return False
        bounds = (number << ORIGIN_SHIFT | seq, (number + 1) << ORIGIN_SHIFT)
        return self._connection.execute(_NEWS, bounds).fetchone() is not None

    def batches(self, origin: Origin, seq: int, most_bytes: int, last: int = SEQ_MASK) -> list[Batch]:
        """Return whole batches of an origin after `seq` and up to `last`.

        About `most_bytes` of them, and at least one if there is any.
        """
        found: list[Batch] = []
        size = 0
        while size < most_bytes and seq < last:
            batch = self._batch(origin, seq + 1)
            if batch is None:
                break
            found.append(batch)
            seq += len(batch.changes)
            size += sum(len(change.body) + 160 for change in batch.changes) + 120
        return found

    def heads_by_name(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield (kind, record, change id) of every head in order, without what sites say to each other."""
        yield from self._connection.execute(
            "SELECT kind, record, change_id FROM head WHERE kind NOT LIKE 'site.%' ORDER BY 1, 2, 3"
        )

    def snapshot(self) -> "Snapshot":
        """Return a context in which several calls see one moment."""
        return Snapshot(self)

    def signature_of(self, row_id: int) -> "Signed | None":
        """Return what the first change of a batch carries, or None for a change that is not the first."""
        row = self._connection.execute(
            "SELECT size, writer, number, signature FROM change WHERE id = ? AND signature IS NOT NULL", (row_id,)
        ).fetchone()
        return Signed._make(row) if row else None

    def batch_of(self, row_id: int) -> tuple[Batch, int]:
        """Return the batch that a row belongs to, and the sequence number of its first change."""
        first_id = self._connection.execute(_FIRST_OF, (row_id,)).fetchone()[0]
        origin = next(origin for origin, number in self.origins().items() if number == first_id >> ORIGIN_SHIFT)
        batch = self._batch(origin, first_id & SEQ_MASK)
        if batch is None:
            raise BrokenChainError(operation="read batch", subject=origin.prefix, seq=first_id & SEQ_MASK)
        return batch, first_id & SEQ_MASK

    def _batch(self, origin: Origin, seq: int) -> Batch | None:
        number = self.number_of(origin)
        first = self.signature_of(number << ORIGIN_SHIFT | seq) if number is not None else None
        if first is None:
            return None
        rows = self.since(seq - 1, first.size, origin)
        changes = tuple(
            Change(r.change_id, r.kind, r.record, tuple(split_ids(r.base)), r.importance, r.key_id, r.body)
            for r in rows
        )
        return Batch(first.writer, first.number, rows[0].author, changes, first.signature)

    def _before(self, row: Row) -> list[int]:
        """Return the rows that a change replaced: heads of its time, and what came or counted only later."""
        late = self._connection.execute(_LATE, (row.id,)) if row.base else ()
        return [*_ids(row.replaced), *(found[0] for found in late)]

    def rows(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query: for those that go over the whole log and need few columns of it, or all."""
        rows: Iterator[tuple[Any, ...]] = self._connection.execute(sql, values)
        return rows

    def execute(self, sql: str) -> None:
        """Run a transaction statement."""
        self._connection.execute(sql)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


_ONE: Final = f"SELECT {_COLUMNS} FROM change WHERE id = ?"  # noqa: S608 - constants


class Snapshot:
    """One read transaction over several calls of a Reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __enter__(self) -> Reader:
        self._reader.execute("BEGIN")
        return self._reader

    def __exit__(self, *_: object) -> None:
        self._reader.execute("ROLLBACK")


def _ids(joined: bytes) -> list[int]:
    # Signed, as SQLite reads them: nonsense then leads nowhere instead of out of range.
    return [int.from_bytes(joined[at : at + 8], "big", signed=True) for at in range(0, len(joined), 8)]
