"""Who may make which change: the question that every site asks of every change, its own as well as others'.

Invariant: a pure function of the rosters that the board signed and of the change, so every site that knows the
same changes holds the same ones back. Rights are taken away strictly (a change after the end of somebody's time in
office counts for nothing) and given leniently (one that a slow clock dates before their admission counts).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from crypto.people import PeopleRoster, Person, signers
from crypto.signing import VerifyKeys
from sync.checkpoint import site_person
from sync.ids import Origin
from sync.openrecords import BATCH_KEY, BOARD_KINDS, SITE_KINDS

UNKNOWN: Final = "unknown"
ENDED: Final = "ended"
ROLE: Final = "role"
SIGNATURE: Final = "signature"
_BOARD: Final = "board"
_SITE: Final = "site"


class Rules(msgspec.Struct, frozen=True):
    """Which roles may write which kind, or which area; an area is what a kind begins with, up to its first dot.

    A kind's own entry counts before that of its area. The board may write everything. Without any entry everybody
    in the roster may write every area.
    """

    editors: dict[str, tuple[str, ...]] = {}

    def allow(self, roles: Sequence[str], kind: str) -> bool:
        """Say whether one of the roles may write this kind of sealed record."""
        if _BOARD in roles or not self.editors:
            return True
        return any(self.names(role, kind) for role in roles)

    def names(self, role: str, kind: str) -> bool:
        """Say whether the entry of this kind, else of its area, names a role."""
        found = self.editors.get(kind)
        return role in (self.editors.get(kind.partition(".")[0], ()) if found is None else found)


@dataclass
class Authority:
    """The rosters of a school, every version that the board signed, and the rules."""

    rosters: Sequence[PeopleRoster]
    rules: Rules
    _keys: dict[bytes, VerifyKeys] = field(default_factory=dict)
    _people: dict[bytes, list[tuple[int, Person]]] = field(default_factory=dict)
    _verdicts: dict[tuple[Origin, bytes, str], tuple[list[int], list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rosters = sorted(self.rosters, key=_age)
        self._keys = signers(self.rosters)
        for roster in self.rosters:
            for person in roster.people:
                self._people.setdefault(person.id, []).append((roster.issued_ms, person))

    @property
    def version(self) -> int:
        """Return the newest roster's version, 0 without one."""
        return self.rosters[-1].version if self.rosters else 0

    @property
    def keys(self) -> Mapping[bytes, VerifyKeys]:
        """Return everybody's signature keys, of those in office and of those who were."""
        return self._keys

    def fault(self, origin: Origin, author: bytes, at_ms: int, kind: str) -> str:
        """Return why a change counts for nothing, or an empty string."""
        times, faults = self._verdict(origin, author, kind)
        return faults[bisect_right(times, at_ms)]

    def always_allows(self, origin: Origin, author: bytes, kind: str) -> bool:
        """Say whether no change of that author and kind ever counts for nothing, whenever it was made."""
        _, faults = self._verdict(origin, author, kind)
        return not any(faults)

    def _verdict(self, origin: Origin, author: bytes, kind: str) -> tuple[list[int], list[str]]:
        """Return the times at which the answer may change, and the answers before, between and after them."""
        key = origin, author, kind
        if key not in self._verdicts:
            entries = self._people.get(author, [])
            ends = [person.valid_until_ms for _, person in entries[-1:] if person.valid_until_ms is not None]
            times = sorted({*(issued_ms for issued_ms, _ in entries), *ends})
            faults = [self._fault_at(origin, author, at_ms, kind) for at_ms in (min(times, default=0) - 1, *times)]
            self._verdicts[key] = times, faults
        return self._verdicts[key]

    def _fault_at(self, origin: Origin, author: bytes, at_ms: int, kind: str) -> str:
        entries = self._people.get(author)
        if entries is None:
            return UNKNOWN
        newest = entries[-1][1]
        if newest.valid_until_ms is not None and at_ms >= newest.valid_until_ms:
            return ENDED
        roles = _roles_at(entries, at_ms)
        if kind in SITE_KINDS or _SITE in roles:
            own = author == site_person(origin) and _SITE in roles
            return (
                "" if own and (kind in SITE_KINDS or kind == BATCH_KEY or self.rules.names(_SITE, kind)) else ROLE
            )
        if kind in BOARD_KINDS:
            return "" if _BOARD in roles else ROLE
        if kind == BATCH_KEY:
            return ""
        return "" if self.rules.allow(roles, kind) else ROLE


def _age(roster: PeopleRoster) -> tuple[int, int, bytes]:
    """Return what rosters are ordered by: two issued at two sites may have one version, even one time."""
    return roster.version, roster.issued_ms, msgspec.msgpack.encode(roster)


def _roles_at(entries: Sequence[tuple[int, Person]], at_ms: int) -> tuple[str, ...]:
    """Return the roles of the newest roster that was issued by then; of the first that names them before that."""
    roles = entries[0][1].roles
    for issued_ms, person in entries:
        if issued_ms <= at_ms:
            roles = person.roles
    return roles
