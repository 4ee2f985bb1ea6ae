"""What one person can open at one site: their class keys, and everybody's signature keys.

Invariant: built only from records that the board's pinned root key vouches for; a class key that the person has
no wrap for is not there, whatever the screen asks.
"""

from dataclasses import dataclass, field

from crypto.batchkeys import BatchKey, open_batch_key, read_batch_header
from crypto.classkeys import ClassKeyId, ClassKeyPair, ClassPublic, open_class_certificate, open_wrap
from crypto.errors import CryptoError
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.people import PeopleRoster, open_people
from crypto.signing import VerifyKey
from sync.errors import ForgedChangeError, NotClearedError, PeopleMissingError
from sync.openrecords import BATCH_KEY, CLASS_KEY, PEOPLE, WRAP, people_record, wrap_record
from sync.reader import Reader


@dataclass(slots=True)
class Keyring:
    """A person's opened keys. `publics` and `pairs` map an importance to its newest key epoch."""

    school: str
    people: PeopleRoster
    publics: dict[Importance, ClassPublic]
    pairs: dict[ClassKeyId, ClassKeyPair]
    _batch_keys: dict[bytes, BatchKey] = field(default_factory=dict)

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

    def batch_key(self, reader: Reader, key_id: bytes, importance: int) -> BatchKey:
        """Return an opened batch key by its id; raises NotClearedError, ForgedChangeError, CryptoError.

        Of several announcements of one id the oldest counts, at every site: nobody can take a key back so.
        """
        known = self._batch_keys.get(key_id)
        if known is not None:
            return known
        rows = reader.history(BATCH_KEY, key_id)
        if not rows:
            raise ForgedChangeError(operation="open row", subject="unknown batch key", seq=0)
        first = min(rows, key=lambda row: row.change_id)
        told = read_batch_header(first.body)
        if told.id != key_id or told.class_key.importance != importance:
            raise ForgedChangeError(operation="open row", subject="batch key of another class", seq=first.seq)
        pair = self.pairs.get(told.class_key)
        if pair is None:
            raise _not_cleared(Importance(importance))
        key = open_batch_key(first.body, pair, self.author_key(told.author, first.seq))
        self._batch_keys[key_id] = key
        return key

    def keep_batch_key(self, key: BatchKey) -> None:
        """Remember a batch key that this session made."""
        self._batch_keys[key.id] = key

    def author_key(self, person: bytes, seq: int = 0) -> VerifyKey:
        """Return a person's signature key; raises ForgedChangeError for one whom the board does not know."""
        found = self.people.person(person)
        if found is None:
            raise ForgedChangeError(operation="find author", subject="not in the roster of people", seq=seq)
        return found.verify_key

    def wipe(self) -> None:
        """Forget every key."""
        self.pairs.clear()
        self._batch_keys.clear()


def read_rosters(reader: Reader, root: VerifyKey, school: str) -> list[PeopleRoster]:
    """Return every version of the roster of people that the board signed.

    Anyone may add a change over it; what the board did not sign is passed over as if it were not there.
    """
    return _rosters(reader, root, school)[0]


def read_people(reader: Reader, root: VerifyKey, school: str) -> PeopleRoster:
    """Return the newest roster of people that the board signed; raises PeopleMissingError, CryptoError."""
    rosters, fault = _rosters(reader, root, school)
    if not rosters:
        raise fault or PeopleMissingError(operation="read people", subject=school)
    return max(rosters, key=lambda roster: roster.version)


def _rosters(reader: Reader, root: VerifyKey, school: str) -> tuple[list[PeopleRoster], CryptoError | None]:
    rosters: list[PeopleRoster] = []
    fault: CryptoError | None = None
    for row in reader.history(PEOPLE, people_record(school)):
        try:
            rosters.append(open_people(row.body, root, school))
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


def open_keyring(reader: Reader, identity: Identity, root: VerifyKey) -> Keyring:
    """Open every class key that the person has a wrap for."""
    school = reader.origin.school
    publics: dict[Importance, ClassPublic] = {}
    pairs: dict[ClassKeyId, ClassKeyPair] = {}
    for public in read_class_keys(reader, root, school):
        newest = publics.get(public.id.importance)
        if newest is None or newest.id.key_epoch < public.id.key_epoch:
            publics[public.id.importance] = public
        for row in reader.history(WRAP, wrap_record(public.id, identity.person)):
            try:
                pairs[public.id] = open_wrap(row.body, public, identity.person, identity.seal)
            except CryptoError:
                continue  # of an earlier identity, or anyone's nonsense: the one that opens counts
    return Keyring(school, read_people(reader, root, school), publics, pairs)


def _not_cleared(importance: Importance) -> NotClearedError:
    return NotClearedError(operation="open", subject=importance.label, importance=importance.label)
