"""What one person can open at one site: their class keys, and everybody's signature keys.

Invariant: built only from records that the board's pinned root key vouches for; a class key that the person has
no wrap for is not there, whatever the screen asks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from crypto.batchkeys import BatchKey, open_batch_key, read_batch_header
from crypto.classkeys import ClassKeyId, ClassKeyPair, ClassPublic, open_class_certificate, open_wrap
from crypto.errors import CryptoError, KurabakoError
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.leasewrap import open_lock
from crypto.people import PeopleRoster, open_people, signers
from crypto.signing import Verifier, VerifyKey, VerifyKeys
from sync.errors import ForgedChangeError, NotClearedError, PeopleMissingError
from sync.ids import Origin
from sync.openrecords import (
    BATCH_KEY,
    BOARD_LOCK,
    CLASS_KEY,
    LOCKED,
    PEOPLE,
    SITE_LOCK,
    WRAP,
    lock_record,
    people_record,
    wrap_record,
)
from sync.reader import Reader, Row


@dataclass(frozen=True, slots=True)
class BoxLease:
    """What a leased box opens importance I and II with: without `private` (no lease lives) it opens none."""

    box: Origin
    private: HybridPrivateKey | None


@dataclass(slots=True)
class Keyring:
    """A person's opened keys. `publics` and `pairs` map an importance to its newest key epoch.

    `signers` are everybody's signature keys, as far as the rosters read at opening name them; `leased` says that
    importance I and II were opened under a lease, and are to be forgotten with it.
    """

    school: str
    people: PeopleRoster
    publics: dict[Importance, ClassPublic]
    pairs: dict[ClassKeyId, ClassKeyPair]
    signers: dict[bytes, VerifyKeys] = field(default_factory=dict)
    leased: bool = False
    _batch_keys: dict[tuple[bytes, bytes], BatchKey] = field(default_factory=dict)
    _forgotten: set[Importance] = field(default_factory=set)
    _clearance: tuple[Importance, ...] | None = None

    def public(self, importance: Importance) -> ClassPublic:
        """Return the class key to seal to."""
        found = self.publics.get(importance)
        if found is None:
            raise _not_cleared(importance)
        return found

    def pair(self, importance: Importance) -> ClassKeyPair:
        """Return the newest class key pair of an importance; raises NotClearedError without a wrap."""
        public = self.publics.get(importance)
        pair = self.pairs.get(public.id) if public else None
        if pair is None:
            raise _not_cleared(importance)
        return pair

    def cleared(self, importance: Importance) -> bool:
        """Say whether this person can open an importance."""
        public = self.publics.get(importance)
        return public is not None and public.id in self.pairs

    @property
    def clearance(self) -> tuple[Importance, ...]:
        """Return every importance that this person can open: the same tuple until keys are forgotten."""
        if self._clearance is None:
            self._clearance = tuple(importance for importance in Importance if self.cleared(importance))
        return self._clearance

    def batch_key(self, reader: Reader, key_id: bytes, importance: int, author: bytes) -> BatchKey:
        """Return an opened batch key by its id; raises NotClearedError, ForgedChangeError, CryptoError.

        `author` wrote the row that is sealed with it. Only that person's own announcements count, the oldest that
        opens first: nobody can take a key back, or put another one in its place.
        """
        known = self._batch_keys.get((key_id, author))
        if known is not None:
            return known
        fault: KurabakoError = ForgedChangeError(operation="open row", subject="unknown batch key", seq=0)
        for row in sorted(reader.history(BATCH_KEY, key_id), key=lambda row: row.change_id):
            try:
                key = self._announced(row, key_id, importance, author)
            except (CryptoError, ForgedChangeError) as error:
                fault = error
                continue
            self._batch_keys[key_id, author] = key
            return key
        raise fault

    def keep_batch_key(self, key: BatchKey, author: bytes) -> None:
        """Remember a batch key that this session made, unless its importance was forgotten."""
        if key.class_key.importance not in self._forgotten:
            self._batch_keys[key.id, author] = key

    def _announced(self, row: Row, key_id: bytes, importance: int, author: bytes) -> BatchKey:
        told = read_batch_header(row.body)
        if told.id != key_id or told.class_key.importance != importance or told.author != author:
            raise ForgedChangeError(operation="open row", subject="batch key of another class", seq=row.seq)
        pair = self.pairs.get(told.class_key)
        if pair is None:
            raise _not_cleared(Importance(importance))
        return open_batch_key(row.body, pair, self.author_key(told.author, row.seq))

    def author_key(self, person: bytes, seq: int = 0) -> Verifier:
        """Return a person's signature keys; raises ForgedChangeError for one whom the board does not know."""
        former, found = self.signers.get(person), self.people.person(person)
        if former is not None:
            return former
        if found is None:
            raise ForgedChangeError(operation="find author", subject="not in the roster of people", seq=seq)
        return found.verify_key

    def forget(self, importances: Iterable[Importance]) -> None:
        """Forget the keys of some importances: from now on they are as if this person had no wrap for them."""
        self._forgotten.update(importances)
        for key_id in [key_id for key_id in self.pairs if key_id.importance in self._forgotten]:
            del self.pairs[key_id]
        self._clearance = None
        for name, key in list(self._batch_keys.items()):
            if key.class_key.importance in self._forgotten:
                del self._batch_keys[name]

    def wipe(self) -> None:
        """Forget every key."""
        self.pairs.clear()
        self._clearance = None
        self._batch_keys.clear()


def read_rosters(reader: Reader, root: VerifyKey, school: str) -> list[PeopleRoster]:
    """Return every version of the roster of people that the board signed.

    Anyone may add a change over it; what the board did not sign is passed over as if it were not there.
    """
    return list(_rosters(reader, root, school)[0].values())


def read_people(reader: Reader, root: VerifyKey, school: str) -> PeopleRoster:
    """Return the roster of people that the board signed last; raises PeopleMissingError, CryptoError.

    Two that were issued at two sites without knowing of each other count together.
    """
    return _newest(reader, *_rosters(reader, root, school), school)


def _newest(
    reader: Reader, rosters: dict[bytes, PeopleRoster], fault: CryptoError | None, school: str
) -> PeopleRoster:
    heads = [row.change_id for row in reader.heads(PEOPLE, [people_record(school)])]
    if not rosters:
        raise fault or PeopleMissingError(operation="read people", subject=school)
    current = [rosters[name] for name in heads if name in rosters]
    current.append(max(rosters.values(), key=_age))  # an old one that somebody put back is not the last word
    current.sort(key=_age)
    people = {person.id: person for roster in current for person in roster.people}
    return msgspec.structs.replace(current[-1], people=tuple(people.values()))


def _age(roster: PeopleRoster) -> tuple[int, int]:
    return roster.version, roster.issued_ms


def _rosters(reader: Reader, root: VerifyKey, school: str) -> tuple[dict[bytes, PeopleRoster], CryptoError | None]:
    rosters: dict[bytes, PeopleRoster] = {}
    fault: CryptoError | None = None
    for row in reader.history(PEOPLE, people_record(school)):
        try:
            rosters[row.change_id] = open_people(row.body, root, school)
        except CryptoError as error:
            fault = error
    return rosters, fault


def read_class_keys(reader: Reader, root: VerifyKey, school: str) -> list[ClassPublic]:
    """Return every class key of the school that the board certified; others are passed over."""
    found: dict[ClassKeyId, ClassPublic] = {}
    for record in {row.record for row in reader.heads(CLASS_KEY)}:
        for row in reader.history(CLASS_KEY, record):
            try:
                public = open_class_certificate(row.body, root)
            except CryptoError:
                continue  # not vouched for: as if it were not there
            if public.id.school == school:
                found[public.id] = public
    return list(found.values())


def newest_class_keys(publics: Iterable[ClassPublic]) -> dict[Importance, ClassPublic]:
    """Return the class key to seal to, of each importance: the one of the newest key epoch."""
    return {public.id.importance: public for public in sorted(publics, key=lambda public: public.id.key_epoch)}


def open_keyring(reader: Reader, identity: Identity, root: VerifyKey, lease: BoxLease | None = None) -> Keyring:
    """Open every class key that the person has a wrap for.

    With a `lease`, importance I and II open by its locks alone: a wrap that lies open beside them does not count.
    """
    school = reader.origin.school
    publics = read_class_keys(reader, root, school)
    pairs: dict[ClassKeyId, ClassKeyPair] = {}
    for public in publics:
        for wrap in _wraps(reader, public.id, identity.person, lease):
            try:
                pairs[public.id] = open_wrap(wrap, public, identity.person, identity.seal)
            except CryptoError:
                continue  # of an earlier identity, or anyone's nonsense: the one that opens counts
    rosters, fault = _rosters(reader, root, school)
    people = _newest(reader, rosters, fault, school)
    return Keyring(
        school, people, newest_class_keys(publics), pairs, signers(rosters.values()), leased=lease is not None
    )


def _wraps(reader: Reader, key: ClassKeyId, person: bytes, lease: BoxLease | None) -> Iterator[bytes]:
    if lease is None or key.importance not in LOCKED:
        yield from (row.body for row in reader.history(WRAP, wrap_record(key, person)))
        return
    if lease.private is None:
        return
    for kind in (BOARD_LOCK, SITE_LOCK):
        for row in reader.history(kind, lock_record(kind, key, person, lease.box)):
            try:
                yield open_lock(row.body, lease.box.epoch, lease.private)
            except CryptoError:
                continue  # to an earlier lease key


def _not_cleared(importance: Importance) -> NotClearedError:
    return NotClearedError(operation="open", subject=importance.label, importance=importance.label)
