"""The standard ledger of a school: what is shipped, with the board's own lines over it.

Invariant: the board's lines are one record, kept whole or refused, and count only as somebody of the board wrote
them: what a manager puts over it changes nothing. They may add and narrow; the importance of a record of this
software stands in its seal.
"""

from collections.abc import Mapping, Sequence

import msgspec

from appliance.ledger.ledger import (
    Entry,
    FixedClassError,
    LedgerLineError,
    LedgerStandard,
    UnknownAssetError,
    checked,
    standard,
)
from sync import reading
from sync.sealed import Draft, Plain, SealedStore

_BOARD = "board"


def standard_of(store: SealedStore) -> dict[str, Entry]:
    """Return the standard lines of a school by their keys, in order."""
    return {**_shipped(), **{entry.key: entry for entry in board_lines(store)}}


def board_lines(store: SealedStore) -> tuple[Entry, ...]:
    """Return the newest lines that the board published, none without."""
    history = reading.history(store, LedgerStandard, reading.decoder(LedgerStandard), _record(store))
    return next((told.entries for told, plain in history if _of_the_board(store, told, plain)), ())


def publish_lines(store: SealedStore, entries: Sequence[Entry]) -> int | None:
    """Keep the board's lines for a school; return how many, None when they stand already.

    Raises LedgerLineError, FixedClassError, UnknownAssetError; then the present ones stay.
    """
    lines = tuple(entries)
    _checked(lines)
    if lines == board_lines(store):
        return None
    record = _record(store)
    base = store.base_of(LedgerStandard.kind, [record]).get(record, ())
    payload = msgspec.msgpack.encode(LedgerStandard(entries=lines))
    store.put([Draft(LedgerStandard.kind, record, LedgerStandard.importance, payload, base)])
    return len(lines)


def _checked(lines: Sequence[Entry]) -> None:
    known = _shipped()
    for entry in lines:
        fits(checked(entry), known)
        known[entry.key] = entry


def _of_the_board(store: SealedStore, told: LedgerStandard, plain: Plain) -> bool:
    person = store.keyring.people.person(plain.author)
    if person is None or _BOARD not in person.roles:
        return False
    try:
        _checked(told.entries)
    except (LedgerLineError, FixedClassError, UnknownAssetError):
        return False
    return True


def _shipped() -> dict[str, Entry]:
    return {entry.key: entry for entry in standard()}


def _record(store: SealedStore) -> bytes:
    return store.record_id(LedgerStandard.kind, LedgerStandard.importance, "standard")


def fits(entry: Entry, known: Mapping[str, Entry]) -> None:
    """Refuse a kind that is not kept here, another importance for one that is, a name that another line has."""
    of_key = known.get(entry.key)
    if entry.kind and of_key is None:
        raise UnknownAssetError(operation="keep line", subject=entry.kind, name=entry.kind)
    same_name = any(other.name == entry.name and other.key != entry.key for other in known.values())
    if same_name or (of_key is not None and of_key.kind != entry.kind):
        raise LedgerLineError(operation="keep line", subject=entry.name, name=entry.name, fault="name")
    if entry.kind and of_key is not None and entry.importance is not of_key.importance:
        label = of_key.importance.label
        raise FixedClassError(operation="keep line", subject=entry.name, name=entry.name, label=label)
