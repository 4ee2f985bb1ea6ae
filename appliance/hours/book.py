"""Working hours over the sealed store: what everybody's records say, and keeping new ones.

Invariant: a record counts only from whoever may have written it (the person, the office, another manager),
whatever stands over it: of a punch the first such change, of all else the newest. Who may look was asked before.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, TypeVar

import msgspec

from appliance.hours.reckoning import Stamp
from appliance.hours.records import Approval, Badge, DayRecord, Punch, Shift
from crypto.importance import Importance
from sync import reading
from sync.reader import Row
from sync.sealed import Draft, Put, SealedStore

OFFICE: Final = frozenset(("principal", "vice_principal", "clerk"))
MANAGERS: Final = frozenset(("principal", "vice_principal"))
_Kept = TypeVar("_Kept", Punch, DayRecord, Shift, Approval)
_Record = Punch | DayRecord | Shift | Approval
_RECORDERS: Final = OFFICE | {"timeclock"}
"""Who may keep punches of others: the office, and the terminal at the entrance."""


class HoursBook:
    """Reads and keeps over one session. `only` is the one person (hex) whose records are asked for."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._opened: dict[bytes, _Record | None] = {}
        self._roles: dict[bytes, frozenset[str]] = {}

    def stamps(self, only: str = "") -> dict[str, list[Stamp]]:
        """Return every press, by person."""
        found: dict[str, list[Stamp]] = {}
        for punch in self._standing(Punch, only):
            told = [Stamp(punch.on, press.minute, press.way) for press in punch.presses]
            found.setdefault(punch.person, []).extend(told)
        return found

    def days(self, only: str = "") -> dict[str, dict[date, DayRecord]]:
        """Return what was declared, by person and day."""
        found: dict[str, dict[date, DayRecord]] = {}
        for day in self._standing(DayRecord, only):
            found.setdefault(day.person, {})[day.on] = day
        return found

    def approvals(self, only: str = "") -> dict[str, dict[date, Approval]]:
        """Return the answers to corrections, by person and day."""
        found: dict[str, dict[date, Approval]] = {}
        for approval in self._standing(Approval, only):
            found.setdefault(approval.person, {})[approval.on] = approval
        return found

    def shifts(self, only: str = "") -> dict[str, tuple[Shift, ...]]:
        """Return who works when, by person, oldest first."""
        found: dict[str, list[Shift]] = {}
        for shift in sorted(self._standing(Shift, only), key=lambda shift: shift.since):
            found.setdefault(shift.person, []).append(shift)
        return {person: tuple(shifts) for person, shifts in found.items()}

    def name(self, kind: str, *natural: str) -> bytes:
        """Return a record's id: under the naming secret of importance III, so all staff can name their own."""
        return self._store.record_id(kind, Importance.III, *natural)

    def kept(self, kind: str, records: Iterable[bytes]) -> frozenset[bytes]:
        """Return which of the records stand there already; opens none."""
        return frozenset(self._store.base_of(kind, records))

    def badge_name(self, card: str) -> bytes:
        """Return the id of a card's record, which whoever opens importance IV can find."""
        return self._store.record_id(Badge.kind, Importance.IV, card)

    def badge(self, card: str) -> Badge | None:
        """Return whose a card is, None for one that was never given out or cannot be read."""
        found = reading.one(self._store, Badge, reading.decoder(Badge), self.badge_name(card))
        return found[0] if found is not None and self._of(found[1].author) & OFFICE else None

    def keep(self, things: Sequence[tuple[bytes, _Record | Badge]]) -> Put:
        """Keep records under their ids as one batch; an own declaration or shift replaces what stood there."""
        bases: dict[bytes, tuple[bytes, ...]] = {}
        for kind in {thing.kind for _, thing in things} - {Punch.kind}:
            bases |= self._store.base_of(kind, [record for record, thing in things if thing.kind == kind])
        return self._store.put(
            [
                Draft(thing.kind, record, thing.importance, msgspec.msgpack.encode(thing), bases.get(record, ()))
                for record, thing in things
            ]
        )

    def _standing(self, struct: type[_Kept], only: str) -> list[_Kept]:
        found = []
        for row, _ in self._store.head_rows(struct.kind):
            if only and not row.base and row.author.hex() != only and not self._of(row.author) & _RECORDERS:
                continue
            thing = self._read(row, struct)
            if row.base and struct is Punch or thing is None or not self._entitled(row.author, thing):
                thing = self._under(row, struct)
            if thing is not None and only in ("", thing.person):
                found.append(thing)
        return found

    def _under(self, head: Row, struct: type[_Kept]) -> _Kept | None:
        """Return what counts of a record whose newest change does not: somebody put it over another's."""
        past = self._store.reader.history(head.kind, head.record)
        told = ((row, self._read(row, struct)) for row in past)
        counts = [thing for row, thing in told if thing is not None and self._entitled(row.author, thing)]
        return (counts[-1] if struct is Punch else counts[0]) if counts else None

    def _read(self, row: Row, struct: type[_Kept]) -> _Kept | None:
        if row.change_id not in self._opened:
            self._opened[row.change_id] = reading.read(self._store, reading.decoder(struct), row, struct)
        thing = self._opened[row.change_id]
        return thing if isinstance(thing, struct) else None

    def _entitled(self, author: bytes, thing: _Record) -> bool:
        own, roles = author.hex() == thing.person, self._of(author)
        match thing:
            case Punch(recorder=recorder):
                return bool(roles & _RECORDERS) if recorder else own
            case DayRecord():
                return own
            case Shift():
                return bool(roles & OFFICE)
            case Approval():
                return bool(roles & MANAGERS) and not own

    def _of(self, author: bytes) -> frozenset[str]:
        if author not in self._roles:
            person = self._store.keyring.people.person(author)
            self._roles[author] = frozenset(person.roles) if person else frozenset()
        return self._roles[author]
