"""Reading what stands where somebody may have written nonsense: one bad change never hides the rest.

Invariant: a change that does not open (damaged, forged, sealed for another importance than its kind's) or that
says nothing of its kind is passed over for the newest one before it that does, and is remembered, so that a screen
can say so. Whoever is not cleared for a kind is refused as ever.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, TypeVar, cast

import msgspec

from crypto.errors import CryptoError
from crypto.importance import Importance
from sync.errors import ForgedChangeError, NotClearedError
from sync.reader import Row
from sync.sealed import Plain, SealedStore, Stood

_T = TypeVar("_T")
_BAD: Final = (CryptoError, ForgedChangeError, ValueError)  # msgspec's and Unicode's errors are ValueErrors

Decode = Callable[[bytes], _T]
"""Reads an opened payload; raises ValueError (msgspec.DecodeError, UnicodeDecodeError) for what says nothing."""


_DECODERS: Final[dict[type, Decode[object]]] = {}


def decoder(struct: type[_T]) -> Decode[_T]:
    """Return what reads the msgpack of a struct."""
    found = _DECODERS.get(struct)
    if found is None:
        found = _DECODERS[struct] = msgspec.msgpack.Decoder(struct).decode
    return cast("Decode[_T]", found)


class Kind(Protocol):
    """A record kind, and the importance that its records are sealed under."""

    @property
    def kind(self) -> str:
        """Return its name."""

    @property
    def importance(self) -> Importance:
        """Return the class whose key opens it."""


def newest(
    store: SealedStore, of: Kind, decode: Decode[_T], records: Iterable[bytes] | None = None
) -> Iterator[tuple[_T, Plain]]:
    """Yield what stands in every record of a kind (or in the given ones), one for each that can be read.

    Raises NotClearedError for a kind that this person may not open.
    """
    for stood in store.head_rows(of.kind, records):
        found = standing(store, of, decode, stood)
        if found is not None:
            yield found


def one(store: SealedStore, of: Kind, decode: Decode[_T], record: bytes) -> tuple[_T, Plain] | None:
    """Return what stands in one record, None without anything readable; raises NotClearedError."""
    return next(newest(store, of, decode, [record]), None)


def standing(store: SealedStore, of: Kind, decode: Decode[_T], stood: Stood) -> tuple[_T, Plain] | None:
    """Read what was found to stand in a record; raises NotClearedError.

    `heads` of the change that is returned are all that stand there, so that a change over it also replaces what
    nobody can read.
    """
    newest_row, heads = stood
    found = _try(store, of, decode, newest_row, heads)
    if found is not None:
        return found
    held = store.reader.quarantined()
    rows = (row for row in store.reader.history(newest_row.kind, newest_row.record) if row.id not in held)
    before = (_try(store, of, decode, row, heads) for row in rows)
    return next((change for change in before if change is not None), None)


def read(store: SealedStore, decode: Decode[_T], row: Row, of: Kind | None = None) -> _T | None:
    """Read one change, None where it cannot be read; raises NotClearedError.

    `of` is its kind, where the records of that are always sealed under one importance.
    """
    found = _try(store, of, decode, row, ())
    return None if found is None else found[0]


def history(store: SealedStore, of: Kind, decode: Decode[_T], record: bytes) -> list[tuple[_T, Plain]]:
    """Return every change of a record that can be read, newest first; raises NotClearedError."""
    rows = store.reader.history(of.kind, record)
    return [found for row in rows if (found := _try(store, of, decode, row, ())) is not None]


def unread(store: SealedStore) -> list[Row]:
    """Return what was met in this session, could not be read and still stands."""
    if not store.unread:
        return []
    rows = store.reader.heads_at((row.kind, row.record) for row in store.unread.values())
    return [row for row in rows if row.id in store.unread]


def _try(
    store: SealedStore, of: Kind | None, decode: Decode[_T], row: Row, heads: tuple[bytes, ...]
) -> tuple[_T, Plain] | None:
    try:
        plain = store.open_row(row, heads)
        return decode(plain.payload), plain
    except _BAD:
        pass
    except NotClearedError:
        if of is None or row.importance == of.importance:
            raise
    store.unread[row.id] = row
    return None
