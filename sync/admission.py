"""Who may speak to the keeper, and what they may ask of it.

Invariant: a process whose user is not named is refused before its first byte is read, and one that is named asks
only for what its duty needs: whatever takes over the process that reads untrusted files gets no lease key, no
sealed identity and no word in the merge. Sealed identities leave through a counted attempt to log in only.
"""

import grp
import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sync.errors import PeerNameError
from sync.localstore import FENCE, FIRST_SPACE, IDENTITY_SPACE, LEASE_SECRET, LOGIN_SPACE, POST_SPACE
from sync.protocol import Judge, LocalGet, LocalList, LocalPut, LocalSwap, LoginBegin, LoginDone, Request, Take

_IDENTITIES: Final = frozenset((IDENTITY_SPACE, LOGIN_SPACE))
_POST: Final = (POST_SPACE, "posted", "postkey")
_OF_SYNC: Final = frozenset((LEASE_SECRET[0], FENCE[0], "clock", "segments", "sync", *_POST))
_GROUP: Final = "@"


class Duty(StrEnum):
    """What a process does at a site."""

    OFFICE = "office"
    SYNC = "sync"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class Admission:
    """User ids: `own` may ask for everything (by default the keeper's own and root), the others what they do."""

    own: frozenset[int] = field(default_factory=lambda: frozenset((os.getuid(), 0)))
    others: Mapping[int, frozenset[Duty]] = field(default_factory=dict)

    def admits(self, uid: int) -> bool:
        """Say whether a process of this user may connect."""
        return uid in self.own or uid in self.others

    def may(self, uid: int, request: Request) -> bool:
        """Say whether a process of this user may ask this."""
        return uid in self.own or any(_MAY[duty](request) for duty in self.others.get(uid, ()))


def admission(named: Mapping[Duty, Iterable[str]]) -> Admission:
    """Return who may connect beside the keeper's own user and root, by the names of users and @groups.

    Raises PeerNameError for a name that the system does not know.
    """
    others: dict[int, frozenset[Duty]] = {}
    for duty, names in named.items():
        for uid in _uids(names):
            others[uid] = others.get(uid, frozenset()) | {duty}
    return Admission(others=others)


def _uids(names: Iterable[str]) -> frozenset[int]:
    found: set[int] = set()
    for name in names:
        try:
            found |= _members(name[1:]) if name.startswith(_GROUP) else {pwd.getpwnam(name).pw_uid}
        except KeyError as exc:
            raise PeerNameError(operation="admit processes", subject=name, cause=exc, name=name) from exc
    return frozenset(found)


def _members(group: str) -> set[int]:
    entry = grp.getgrnam(group)
    primary = {user.pw_uid for user in pwd.getpwall() if user.pw_gid == entry.gr_gid}
    return primary | {pwd.getpwnam(name).pw_uid for name in entry.gr_mem}


def _office(request: Request) -> bool:
    if isinstance(request, LocalPut | LocalSwap) and request.space in (FENCE[0], FIRST_SPACE, POST_SPACE):
        return False
    return not isinstance(request, Take | Judge) and _space(request) not in _IDENTITIES


def _sync(request: Request) -> bool:
    return not isinstance(request, LoginBegin | LoginDone) and _space(request) not in {*_IDENTITIES, FIRST_SPACE}


def _inbox(request: Request) -> bool:
    if isinstance(request, LocalGet) and (request.space, request.key) == FENCE:
        return True
    return _sync(request) and not isinstance(request, Take | Judge) and _space(request) not in _OF_SYNC


def _space(request: Request) -> str:
    return request.space if isinstance(request, LocalGet | LocalPut | LocalSwap | LocalList) else ""


_MAY: Final = {Duty.OFFICE: _office, Duty.SYNC: _sync, Duty.INBOX: _inbox}
