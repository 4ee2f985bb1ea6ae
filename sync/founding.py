"""The board's acts on a school's store: the first class keys, and the roster of people with their wraps.

Invariant: every act is one batch, so a store has keys, wraps and a roster that fit, or the former ones. The
board's root identity gets a wrap of every class key: it is the way back when every passphrase is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from crypto.classkeys import ClassKeyId, ClassKeyPair, certify_class_key, wrap_class_key
from crypto.hybrid import HybridPublicKey
from crypto.identity import Identity, PersonKeys
from crypto.importance import Importance
from crypto.people import PeopleRoster, Person, sign_people
from sync.client import KeeperClient
from sync.grants import Grant, sign_grant
from sync.ids import Origin
from sync.keyring import Keyring, open_keyring
from sync.locking import Locking
from sync.openrecords import (
    CLASS_KEY,
    GRANT,
    LOCKED,
    PEOPLE,
    WRAP,
    class_key_record,
    grant_record,
    people_record,
    wrap_record,
)
from sync.reader import Reader
from sync.sealed import Draft, SealedStore

ROSTER_LIFE_MS: Final = 400 * 24 * 3600 * 1000  # a school year and a month: renewed every April
BOARD_LOGIN: Final = "@board"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody to let in: public keys, login, roles, and the importances that they are cleared for."""

    keys: PersonKeys
    login: str
    roles: tuple[str, ...]
    importances: tuple[Importance, ...]

    def person(self, now_ms: int) -> Person:
        """Return the roster's entry, valid from now on."""
        return Person(
            id=self.keys.person,
            login=self.login,
            roles=self.roles,
            importances=tuple(int(i) for i in self.importances),
            seal_key=self.keys.seal.to_bytes(),
            sign_key=self.keys.sign.to_bytes(),
            valid_from_ms=now_ms,
        )


def found_store(
    reader: Reader,
    client: KeeperClient,
    root: Identity,
    members: Sequence[Member],
    now_ms: int,
    sites: Sequence[Grant] = (),
) -> SealedStore:
    """Put the first class keys, wraps, roster and grants into an empty store.

    `sites` are the places that write for this school; each needs a member of its own (`site_member`). Returns the
    board's session over the store.
    """
    school = reader.origin.school
    pairs = [ClassKeyPair.generate(ClassKeyId(school, importance, 1)) for importance in Importance]
    board = Member(root.public, BOARD_LOGIN, ("board",), tuple(Importance))
    everyone = [board, *members]
    roster = _roster(school, 1, now_ms, tuple(member.person(now_ms) for member in everyone))
    keyring = Keyring(
        school,
        roster,
        {pair.id.importance: pair.public for pair in pairs},
        {pair.id: pair for pair in pairs},
    )
    drafts = [
        _open(CLASS_KEY, class_key_record(pair.id), certify_class_key(pair.public, root.sign)) for pair in pairs
    ]
    for member in everyone:
        drafts += _wraps(member, pairs, None)
    drafts.append(_open(PEOPLE, people_record(school), sign_people(roster, root.sign)))
    drafts += [grant_draft(grant, root) for grant in sites]
    store = SealedStore(reader, client, root, keyring)
    store.put(drafts)
    return store


def open_as_board(reader: Reader, client: KeeperClient, root: Identity) -> SealedStore:
    """Open the board's own session over a founded store."""
    return SealedStore(reader, client, root, open_keyring(reader, root, root.sign.verify_key))


def admit(
    store: SealedStore,
    root: Identity,
    members: Sequence[Member],
    now_ms: int,
    more: Sequence[Draft] = (),
    locking: Locking | None = None,
) -> PeopleRoster:
    """Let more people in (or sites, with their grants as `more`): wraps, the next roster and `more`, in one batch.

    At a school with a leased box (`read_locking`) `locking` says how wraps of importance I and II are published.
    """
    taken = {person.login for person in store.keyring.people.people}
    fresh = [member for member in members if member.login not in taken]
    people = (*store.keyring.people.people, *(member.person(now_ms) for member in fresh))
    return _publish(store, root, people, fresh, now_ms, more, locking)


def renew(
    store: SealedStore,
    root: Identity,
    members: Sequence[Member],
    now_ms: int,
    locking: Locking | None = None,
    more: Sequence[Draft] = (),
) -> PeopleRoster:
    """Give people who are known (by id) new keys, and `more`, in one batch; what they signed stays theirs."""
    fresh = {member.keys.person: member.keys for member in members}
    people = tuple(
        msgspec.structs.replace(p, seal_key=fresh[p.id].seal.to_bytes(), sign_key=fresh[p.id].sign.to_bytes())
        if p.id in fresh
        else p
        for p in store.keyring.people.people
    )
    return _publish(store, root, people, members, now_ms, more, locking)


def _publish(
    store: SealedStore,
    root: Identity,
    people: tuple[Person, ...],
    wrapped: Sequence[Member],
    now_ms: int,
    more: Sequence[Draft],
    locking: Locking | None,
) -> PeopleRoster:
    keyring = store.keyring
    roster = _roster(keyring.school, keyring.people.version + 1, now_ms, people)
    record = people_record(keyring.school)
    base = store.base_of(PEOPLE, [record]).get(record, ())
    pairs = list(keyring.pairs.values())
    drafts = [_based(store, draft) for member in wrapped for draft in _wraps(member, pairs, locking)]
    drafts.append(_open(PEOPLE, record, sign_people(roster, root.sign), base))
    store.put([*drafts, *more])
    keyring.people = roster
    return roster


def site_member(origin: Origin, keys: PersonKeys) -> Member:
    """Return the member that a site is: it signs for itself and opens nothing."""
    login = f"@{origin.site}" if origin.epoch == 1 else f"@{origin.site}-{origin.epoch}"
    return Member(keys, login, ("site",), ())


def grant_draft(grant: Grant, root: Identity, base: tuple[bytes, ...] = ()) -> Draft:
    """Return the change that tells the school's sites of a grant; `base` are the grants of that site before it."""
    return _open(GRANT, grant_record(grant.school, grant.origin.site), sign_grant(grant, root.sign), base)


def _roster(school: str, version: int, now_ms: int, people: tuple[Person, ...]) -> PeopleRoster:
    return PeopleRoster(school, version, now_ms, now_ms + ROSTER_LIFE_MS, people)


def _wraps(member: Member, pairs: Sequence[ClassKeyPair], locking: Locking | None) -> list[Draft]:
    person = member.keys.person
    key: HybridPublicKey = member.keys.seal
    found: list[Draft] = []
    for pair in pairs:
        if pair.id.importance not in member.importances:
            continue
        if locking is not None and pair.id.importance in LOCKED and member.login != BOARD_LOGIN:
            found += [_open(*entry) for entry in locking.entries(pair, person, key)]
        else:
            found.append(_open(WRAP, wrap_record(pair.id, person), wrap_class_key(pair, person, key)))
    return found


def _based(store: SealedStore, draft: Draft) -> Draft:
    """Let a lock or an escrow replace the one before it."""
    if draft.kind == WRAP:
        return draft
    return msgspec.structs.replace(draft, base=store.base_of(draft.kind, [draft.record]).get(draft.record, ()))


def _open(kind: str, record: bytes, payload: bytes, base: tuple[bytes, ...] = ()) -> Draft:
    return Draft(kind, record, Importance.IV, payload, base)
