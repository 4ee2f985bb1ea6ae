"""The read side: any process may read a site's store, none can write through here.

Invariant: every call is one short read transaction on a read-only connection, so readers never hold up the
keeper or Litestream (long ones stop the write-ahead log from being reset: measured).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from sync.change import CHAIN_START
from sync.clock import change_clock, clock_ms
from sync.database import open_reader
from sync.errors import BrokenChainError
from sync.log import SEQ_MASK, read_origin

_COLUMNS: Final = "id, change_id, author, kind, record, base, replaced, importance, key_id, body"
_JOINED: Final = ", ".join(f"c.{name}" for name in _COLUMNS.split(", "))
_CHUNK: Final = 500


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

    def position(self) -> Position:
        """Return how far the log goes."""
        row = self._connection.execute("SELECT id, hash FROM change ORDER BY id DESC LIMIT 1").fetchone()
        return Position(row[0] & SEQ_MASK, row[1]) if row else Position(0, CHAIN_START)

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

    def history(self, kind: str, record: bytes) -> list[Row]:
        """Return every change that a record's heads go back to, newest first; raises BrokenChainError."""
        found: dict[int, Row] = {row.id: row for row in self.heads(kind, [record])}
        pending = [replaced for row in found.values() for replaced in _ids(row.replaced)]
        while pending:
            row_id = pending.pop()
            if row_id not in found:
                one = self._connection.execute(_ONE, (row_id,)).fetchone()
                if one is None:
                    raise BrokenChainError(operation="read history", subject=kind, seq=row_id & SEQ_MASK)
                row = found[row_id] = Row._make(one)
                pending += _ids(row.replaced)
        return sorted(found.values(), key=lambda row: row.change_id, reverse=True)

    def since(self, seq: int, limit: int = 10_000) -> list[Row]:
        """Return changes of this origin after `seq`, oldest first."""
        first = (1 << 40) | seq
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM change WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - constants
            (first, limit),
        )
        return [Row._make(row) for row in rows]

    def heads_by_name(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield (kind, record, change id) of every head in order: what a checkpoint's digest covers."""
        yield from self._connection.execute("SELECT kind, record, change_id FROM head ORDER BY 1, 2, 3")

    def snapshot(self) -> "Snapshot":
        """Return a context in which several calls see one moment."""
        return Snapshot(self)

    def signature_of(self, row_id: int) -> "Signed | None":
        """Return what the first change of a batch carries, or None for a change that is not the first."""
        row = self._connection.execute(
            "SELECT size, writer, number, signature FROM change WHERE id = ? AND signature IS NOT NULL", (row_id,)
        ).fetchone()
        return Signed._make(row) if row else None

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a constant query: for the verifier, which reads every column."""
        rows: Iterator[tuple[Any, ...]] = self._connection.execute(sql)
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
