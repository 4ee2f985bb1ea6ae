"""The records of the exchange as one session may read them.

Invariant: an arrival counts only from a site; a record that no desk would have kept is as if it were not there.
"""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from appliance.exchange.records import Answer, Arrival, Receipt, Sent
from sync import reading
from sync.sealed import Draft, SealedStore

_SITE: Final = "site"
_R = TypeVar("_R", Arrival, Receipt, Sent, Answer)


@dataclass(frozen=True, slots=True)
class Standing(Generic[_R]):
    """A record as it stands, and who kept it when."""

    record: bytes
    author: bytes
    at_ms: int
    thing: _R


class ExchangeBook:
    """Reads the exchange over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._counted = (-1, 0)

    def waiting(self) -> list[Standing[Arrival]]:
        """Return the files that came and that nobody settled, the oldest first."""
        settled = {one.record for one in self.receipts()}
        return [one for one in self.arrivals() if one.record not in settled]

    def arrivals(self) -> list[Standing[Arrival]]:
        """Return every file that came by 取込, settled or not, the oldest first."""
        return [one for one in self._all(Arrival) if self._of_site(one.author)]

    def count(self) -> int:
        """Return how many wait; cheap while nobody keeps anything."""
        changes = self._store.reader.changes()
        if self._counted[0] != changes:
            self._counted = (changes, len(self.waiting()))
        return self._counted[1]

    def receipts(self) -> list[Standing[Receipt]]:
        """Return what became of files, the oldest first."""
        return self._all(Receipt)

    def sent(self) -> list[Standing[Sent]]:
        """Return what went out last for each thing and time, the oldest first."""
        return self._all(Sent)

    def ever_sent(self) -> set[bytes]:
        """Return the SHA-256 of every file that ever went out, also of those that others followed."""
        decode = reading.decoder(Sent)
        records = [one.record for one in self.sent()]
        found = (reading.history(self._store, Sent, decode, record) for record in records)
        return {thing.sha256 for changes in found for thing, _ in changes}

    def answers(self) -> dict[bytes, Answer]:
        """Return SHA-256 of a file that went out → what was said of it."""
        return {one.thing.sha256: one.thing for one in self._all(Answer)}

    def draft(self, record: bytes, thing: Receipt | Sent | Answer) -> Draft:
        """Return what keeps a record over what stands of it."""
        base = self._store.base_of(thing.kind, [record]).get(record, ())
        return Draft(thing.kind, record, thing.importance, msgspec.msgpack.encode(thing), base)

    def _all(self, kind: type[_R]) -> list[Standing[_R]]:
        found = reading.newest(self._store, kind, reading.decoder(kind))
        known = [Standing(plain.record, plain.author, plain.at_ms, thing) for thing, plain in found]
        return sorted(known, key=lambda one: (one.at_ms, one.record))

    def _of_site(self, author: bytes) -> bool:
        person = self._store.keyring.people.person(author)
        return person is not None and _SITE in person.roles
