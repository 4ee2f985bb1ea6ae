"""The board's signed roster of people: who may do what at a school, with their public keys.

Invariant: believed only under the board's root signature; it carries ids, logins, roles and keys, never names
(those are sealed records).
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from crypto.errors import ContextMismatchError
from crypto.hybrid import HybridPublicKey
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, VerifyKey, VerifyKeys

VERSION: Final = 1
DOMAIN: Final = "kurabako/people/v1"


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person (or the site or the board itself). Times are ms since 1970; `valid_until_ms` None is open."""

    id: bytes
    login: str
    roles: tuple[str, ...]
    importances: tuple[int, ...]
    seal_key: bytes
    sign_key: bytes
    valid_from_ms: int
    valid_until_ms: int | None = None

    def valid(self, at_ms: int) -> bool:
        """Say whether the person was in office at that time."""
        return self.valid_from_ms <= at_ms and (self.valid_until_ms is None or at_ms < self.valid_until_ms)

    @property
    def verify_key(self) -> VerifyKey:
        """Return the person's signature key."""
        return VerifyKey.from_bytes(self.sign_key)

    @property
    def public_key(self) -> HybridPublicKey:
        """Return the key that wraps for this person are made to."""
        return HybridPublicKey.from_bytes(self.seal_key)


class PeopleRoster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All people of one school. `version` only grows."""

    school: str
    version: int
    issued_ms: int
    expires_ms: int
    people: tuple[Person, ...]

    def expired(self, now_ms: int) -> bool:
        """Say whether the board should have issued a newer one by now."""
        return now_ms >= self.expires_ms

    def person(self, id: bytes) -> Person | None:  # noqa: A002 - field name
        """Return the person with this id, whether or not still in office."""
        return next((p for p in self.people if p.id == id), None)


_FORM: Final = SignedForm(PeopleRoster, VERSION, DOMAIN, "people roster")


def signers(rosters: Iterable[PeopleRoster]) -> dict[bytes, VerifyKeys]:
    """Return every person's signature keys, newest first: somebody who got a new one still stands by the old."""
    keys: dict[bytes, list[VerifyKey]] = {}
    for roster in sorted(rosters, key=lambda roster: roster.version, reverse=True):
        for person in roster.people:
            keys.setdefault(person.id, []).append(person.verify_key)
    return {person: VerifyKeys(found) for person, found in keys.items()}


def sign_people(roster: PeopleRoster, root: SigningKey) -> bytes:
    """Sign a roster: version, msgpack body, signature of the board's root."""
    return _FORM.sign(roster, root)


def open_people(blob: bytes, root: VerifyKey, school: str) -> PeopleRoster:
    """Check and read a roster of `school`.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError (another school's).
    """
    roster = _FORM.open(blob, root)
    if roster.school != school:
        raise ContextMismatchError(operation="open people roster", subject="school")
    return roster
