"""The asset ledger as the screens ask for it: the board's standard ledger with the school's own lines over it.

Invariant: every method asks the policy first; of one asset the school's own line wins, and which one it is shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from appliance.classification.model import Action, Decision
from appliance.ledger.ledger import (
    Entry,
    FixedClassError,
    LedgerEntry,
    LedgerLineError,
    UnknownAssetError,
    checked,
    high_water,
)
from appliance.ledger.lines import LedgerLine, line_of
from appliance.ledger.published import fits, standard_of
from appliance.session import Session, local_time
from appliance.views import Saved
from crypto.importance import Importance
from sync import reading
from sync.sealed import Draft, Plain

NEW: Final = Entry(  # what a line begins as: II until it is said otherwise, as with a file without a label
    name="",
    importance=Importance.II,
    place="locked",
    handlers=("staff_in_charge",),
    takeout="permit",
    retention="1y",
    kept_locally=False,
    source="本校の定め",
)


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """One change of a school's own line: when, by whom, and the line as it was then."""

    at: datetime
    who: str
    line: LedgerLine


class LedgerDesk:
    """The asset ledger over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> tuple[LedgerLine, ...]:
        """Return every line: the standard ledger's in its order, then what the school added."""
        self._ask(Action.VIEW)
        own = self._own()
        known = self._standard()
        lines = [line_of(own.get(key, entry), own=key in own) for key, entry in known.items()]
        added = sorted((e for key, e in own.items() if key not in known), key=lambda e: (e.importance, e.name))
        return (*lines, *(line_of(entry, own=True) for entry in added))

    def store_class(self) -> Importance:
        """Return the class of this box's store: of all that is kept in it, the gravest."""
        self._ask(Action.VIEW)
        own = self._own()
        return high_water(e.importance for e in {**self._standard(), **own}.values() if e.kept_locally or e.kind)

    def keeps(self, key: str) -> bool:
        """Say whether a line lets its asset stay on the school's box; raises UnknownAssetError."""
        self._ask(Action.VIEW)
        entry = {**self._standard(), **self._own()}.get(key)
        if entry is None:
            raise UnknownAssetError(operation="read ledger", subject=key, name=key)
        return entry.kept_locally

    def to_change(self, name: str) -> Entry:
        """Return the line of an asset (its name or kind) for whoever may change it; without a name a new one.

        What the school sets is settled, and rests on its own word: nothing of it is a proposal any more. Raises
        UnknownAssetError.
        """
        self._ask(Action.EDIT)
        own = self._own()
        if not name:
            return NEW
        entry = _called(name, {**self._standard(), **own}.values())
        return entry if entry.key in own else msgspec.structs.replace(entry, to_set=(), source=NEW.source)

    def keep(self, *entries: Entry) -> Saved:
        """Keep lines of the school's own, all of them or none.

        Raises LedgerLineError, FixedClassError, UnknownAssetError, PolicyDeniedError.
        """
        self._ask(Action.EDIT)
        session, known = self._session, {**self._standard(), **self._own()}
        for entry in entries:
            fits(checked(entry), known)
            known[entry.key] = entry
        records = [self._record(entry.key) for entry in entries]
        bases = session.store.base_of(LedgerEntry.kind, records)
        drafts = [
            Draft(
                LedgerEntry.kind,
                record,
                LedgerEntry.importance,
                msgspec.msgpack.encode(LedgerEntry(entry=entry)),
                bases.get(record, ()),
            )
            for entry, record in zip(entries, records, strict=True)
        ]
        return session.saved(session.store.put(drafts))

    def history(self, name: str) -> tuple[LedgerChange, ...]:
        """Return every change of the school's own line of an asset (its name or kind), newest first.

        Raises UnknownAssetError.
        """
        self._ask(Action.VIEW)
        standing = self._standard()
        found = _called(name, {**standing, **self._own()}.values())
        changes = reading.history(
            self._session.store, LedgerEntry, reading.decoder(LedgerEntry), self._record(found.key)
        )
        read = [(plain, self._checked(told, plain, standing)) for told, plain in changes]
        return tuple(self._change(plain, entry) for plain, entry in read if entry is not None)

    def _ask(self, action: Action) -> Decision:
        return self._session.ask(action, LedgerEntry.kind, LedgerEntry.importance)

    def _standard(self) -> dict[str, Entry]:
        return standard_of(self._session.store)

    def _own(self) -> dict[str, Entry]:
        known = self._standard()
        found = reading.newest(self._session.store, LedgerEntry, reading.decoder(LedgerEntry))
        read = [self._checked(told, plain, known) for told, plain in found]
        return {entry.key: entry for entry in read if entry is not None}

    def _checked(self, told: LedgerEntry, plain: Plain, known: Mapping[str, Entry]) -> Entry | None:
        """Return the line in a change; one that no desk would have kept is as if it were not there."""
        entry = told.entry
        try:
            fits(checked(entry), known)
        except (LedgerLineError, FixedClassError, UnknownAssetError):
            return None
        return entry if plain.record == self._record(entry.key) else None

    def _record(self, key: str) -> bytes:
        return self._session.store.record_id(LedgerEntry.kind, LedgerEntry.importance, key)

    def _change(self, plain: Plain, entry: Entry) -> LedgerChange:
        return LedgerChange(local_time(plain.at_ms), self._session.author_name(plain), line_of(entry, own=True))


def _called(name: str, entries: Iterable[Entry]) -> Entry:
    """Return the line of this name or kind; raises UnknownAssetError."""
    found = next((entry for entry in entries if name in (entry.name, entry.kind)), None)
    if not name or found is None:
        raise UnknownAssetError(operation="read ledger", subject=name, name=name)
    return found
