"""非常時開示 (break-glass): the principal and a vice principal together open importance I for a limited time.

Invariant: a disclosure counts only with both signatures, the first as the author of the record and the second
inside it, of two different people who are 校長 and 教頭 by the board's roster; it ends by itself. It is a record
of the log: it reaches the board with the first exchange. What cannot be read opens nothing and ends nothing, and
keeps no screen from opening: every screen asks here. Format: docs/formats.md, "Disclosure".
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, TypeVar

import msgspec

from crypto.errors import CryptoError
from crypto.framing import frame
from crypto.importance import Importance
from crypto.people import Person
from crypto.signing import SigningKey
from sync import reading
from sync.errors import ForgedChangeError
from sync.sealed import Plain, SealedStore

DOMAIN: Final = "kurabako/disclosure/v1"
LONGEST_MS: Final = 8 * 3_600_000
_MANAGERS: Final = frozenset(("principal", "vice_principal"))
_EARLY_MS: Final = 300_000  # clocks of two machines


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """One opening. Times are ms since 1970; `first` and `second` are person ids, `signature` the second's."""

    kind: ClassVar[str] = "breakglass.opened"
    importance: ClassVar[Importance] = Importance.III
    id: bytes
    purpose: str
    opened_ms: int
    until_ms: int
    first: bytes
    second: bytes
    signature: bytes = b""


class DisclosureEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one before its time."""

    kind: ClassVar[str] = "breakglass.closed"
    importance: ClassVar[Importance] = Importance.III
    id: bytes
    at_ms: int


Told = TypeVar("Told", Disclosure, DisclosureEnd)


def sign_disclosure(told: Disclosure, school: str, second: SigningKey) -> Disclosure:
    """Return it with the second manager's signature."""
    return msgspec.structs.replace(told, signature=second.sign(DOMAIN, _signed(told, school)))


def two_managers(people: Sequence[Person]) -> bool:
    """Say whether these are two different people, one of them 校長 and the other 教頭."""
    first, second = people
    roles = [_MANAGERS & {*person.roles} for person in people]
    return first.id != second.id and all(roles) and roles[0] | roles[1] == _MANAGERS


def in_force(store: SealedStore, now_ms: int) -> Disclosure | None:
    """Return the disclosure that stands at a time, the one that lasts longest."""
    found = []
    for plain, told in _read(store, Disclosure):
        if told.opened_ms - _EARLY_MS <= now_ms < told.until_ms and _valid(store, plain, told):
            found.append(told)
    if not found:
        return None
    ended = {end.id for _plain, end in _read(store, DisclosureEnd)}
    return max((told for told in found if told.id not in ended), key=lambda told: told.until_ms, default=None)


def every(store: SealedStore) -> list[tuple[Disclosure, int]]:
    """Return every disclosure that counted, newest first, each with when it ended or will (ms since 1970)."""
    ends: dict[bytes, int] = {}
    for _plain, end in _read(store, DisclosureEnd):
        ends[end.id] = min(end.at_ms, ends.get(end.id, end.at_ms))
    found = []
    for plain, told in _read(store, Disclosure):
        if _valid(store, plain, told):
            found.append((told, min(told.until_ms, ends.get(told.id, told.until_ms))))
    return sorted(found, key=lambda pair: pair[0].opened_ms, reverse=True)


def _read(store: SealedStore, kind: type[Told]) -> Iterator[tuple[Plain, Told]]:
    for told, plain in reading.newest(store, kind, reading.decoder(kind)):
        yield plain, told


def _valid(store: SealedStore, plain: Plain, told: Disclosure) -> bool:
    people = [store.keyring.people.person(person) for person in (told.first, told.second)]
    known = [person for person in people if person is not None]
    if plain.author != told.first or told.until_ms - told.opened_ms > LONGEST_MS or len(known) < len(people):
        return False
    if not two_managers(known) or not all(person.valid(told.opened_ms) for person in known):
        return False
    try:
        store.keyring.author_key(told.second).verify(DOMAIN, _signed(told, store.keyring.school), told.signature)
    except (CryptoError, ForgedChangeError):
        return False
    return True


def _signed(told: Disclosure, school: str) -> bytes:
    return frame(
        school.encode(),
        told.id,
        told.purpose.encode(),
        told.opened_ms.to_bytes(8, "big"),
        told.until_ms.to_bytes(8, "big"),
        told.first,
        told.second,
    )
