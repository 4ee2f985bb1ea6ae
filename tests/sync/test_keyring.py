"""A person's keys come from what the board vouches for, whatever anyone else writes over it."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from crypto.batchkeys import new_batch_key
from crypto.classkeys import ClassKeyId, ClassKeyPair, certify_class_key, wrap_class_key
from crypto.errors import BadSignatureError, ContextMismatchError, MalformedError
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.people import PeopleRoster, sign_people
from sync.clock import wall_ms
from sync.errors import ForgedChangeError, NotClearedError, PeopleMissingError
from sync.founding import Member, admit, renew
from sync.ids import Origin, Site
from sync.keyring import Keyring, open_keyring, read_class_keys, read_people
from sync.openrecords import BATCH_KEY, CLASS_KEY, PEOPLE, WRAP, class_key_record, people_record, wrap_record
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.site import create_site
from sync.verify import verify_store
from tests.sync.site import ALL, SCHOOL, TestSite


@pytest.fixture
def insider(site: TestSite) -> Iterator[SealedStore]:
    """Someone who may write, and who writes over what is not theirs."""
    session = site.session("suzuki")
    yield session
    session.close()


@pytest.fixture
def reader(site: TestSite) -> Iterator[Reader]:
    opened = Reader(site.paths.store)
    yield opened
    opened.close()


def overwrite(store: SealedStore, kind: str, body: bytes, *, beside: bool = False) -> None:
    """Put a change over every head of an open kind, in their place or beside them."""
    rows = store.reader.heads(kind)
    assert rows
    store.put([Draft(kind, row.record, ALL[3], body, () if beside else (row.change_id,)) for row in rows])


def opened(site: TestSite, name: str) -> list[bytes]:
    session = site.session(name)
    try:
        return sorted(plain.payload for plain in session.heads("mark"))
    finally:
        session.close()


def keyring_of(site: TestSite, name: str, reader: Reader) -> Keyring:
    return open_keyring(reader, site.people[name], site.root.sign.verify_key)


def class_key(pair: ClassKeyPair, certified_by: Identity, *holders: Identity) -> list[Draft]:
    """A class key with its certificate and wraps."""
    certificate = certify_class_key(pair.public, certified_by.sign)
    wraps = [
        Draft(WRAP, wrap_record(pair.id, one.person), ALL[3], wrap_class_key(pair, one.person, one.public.seal))
        for one in holders
    ]
    return [Draft(CLASS_KEY, class_key_record(pair.id), ALL[3], certificate), *wraps]


def put(store: SealedStore, value: bytes, importance: Importance = Importance.III) -> bytes:
    record = store.record_id("mark", Importance.III, value.decode())
    store.put([Draft("mark", record, importance, value)])
    return record


def test_a_person_has_the_class_keys_that_they_have_wraps_for(site: TestSite, reader: Reader) -> None:
    all_of_them, one = keyring_of(site, "sato", reader), keyring_of(site, "suzuki", reader)
    assert [all_of_them.cleared(importance) for importance in ALL] == [True] * 4
    assert [one.cleared(importance) for importance in ALL] == [False, False, True, False]
    assert one.public(Importance.I).id == all_of_them.public(Importance.I).id
    with pytest.raises(NotClearedError) as refused:
        one.pair(Importance.II)
    assert refused.value.params == {"importance": "Ⅱ"}
    assert one.pair(Importance.III).record_id("mark", "x") == all_of_them.pair(Importance.III).record_id(
        "mark", "x"
    )


def test_a_stranger_has_no_keys(site: TestSite, reader: Reader) -> None:
    keyring = open_keyring(reader, Identity.generate(b"nobody-nobody-no"), site.root.sign.verify_key)
    assert keyring.pairs == {} and len(keyring.publics) == 4


def test_another_board_is_not_believed(site: TestSite, reader: Reader) -> None:
    stranger = Identity.generate(bytes(16)).sign.verify_key
    assert read_class_keys(reader, stranger, SCHOOL) == []
    assert read_class_keys(reader, site.root.sign.verify_key, "C999999999999") == []
    with pytest.raises(BadSignatureError):
        read_people(reader, stranger, SCHOOL)
    with pytest.raises(PeopleMissingError):
        read_people(reader, site.root.sign.verify_key, "C999999999999")


def test_a_store_without_a_roster_is_named(site: TestSite) -> None:
    paths = create_site(site.paths.root / "empty", Origin(SCHOOL, Site.HUB, 1))
    empty = Reader(paths.store)
    with pytest.raises(PeopleMissingError):
        open_keyring(empty, site.root, site.root.sign.verify_key)
    empty.close()


@pytest.mark.parametrize("beside", [False, True], ids=["in its place", "beside it"])
@pytest.mark.parametrize("kind", [WRAP, CLASS_KEY, PEOPLE, BATCH_KEY])
def test_nonsense_over_the_boards_records_locks_nobody_out(
    site: TestSite, insider: SealedStore, kind: str, beside: bool
) -> None:
    writer = site.session("sato")
    put(writer, b"secret")
    overwrite(insider, kind, b"nonsense", beside=beside)
    assert opened(site, "sato") == [b"secret"]
    put(writer, b"more")
    assert opened(site, "sato") == [b"more", b"secret"]
    verify_store(site.paths.store, site.root.sign.verify_key, SCHOOL, full=True)
    writer.close()


def test_a_batch_key_cannot_be_announced_anew(site: TestSite, insider: SealedStore) -> None:
    writer = site.session("sato")
    put(writer, b"secret")
    (row,) = insider.reader.heads(BATCH_KEY)
    suzuki = site.people["suzuki"]
    _, header = new_batch_key(insider.keyring.public(Importance.III), suzuki.person, suzuki.sign)
    overwrite(insider, BATCH_KEY, header)
    assert opened(site, "sato") == [b"secret"]
    keyring = keyring_of(site, "suzuki", insider.reader)
    sato = site.people["sato"].person
    assert keyring.batch_key(insider.reader, row.record, Importance.III, sato).id == row.record
    writer.close()


def test_a_class_key_of_ones_own_is_not_believed(site: TestSite, insider: SealedStore) -> None:
    """Else the next entry of importance I would be sealed to the insider."""
    suzuki = site.people["suzuki"]
    mine = ClassKeyPair.generate(ClassKeyId(SCHOOL, Importance.I, 2))
    insider.put(class_key(mine, suzuki, suzuki))
    keyring = keyring_of(site, "suzuki", insider.reader)
    assert keyring.public(Importance.I).id.key_epoch == 1 and not keyring.cleared(Importance.I)


def test_a_roster_of_ones_own_is_not_believed(site: TestSite, insider: SealedStore, reader: Reader) -> None:
    root = site.root.sign.verify_key
    before = read_people(reader, root, SCHOOL)
    mine = msgspec.structs.replace(before, version=99, people=())
    overwrite(insider, PEOPLE, sign_people(mine, site.people["suzuki"].sign))
    assert read_people(reader, root, SCHOOL) == before


def test_an_old_roster_put_back_does_not_count(site: TestSite, insider: SealedStore, reader: Reader) -> None:
    root = site.root.sign.verify_key
    (old,) = reader.heads(PEOPLE)
    board = site.session()
    tanaka = Identity.generate(b"tanaka-tanaka-ta")
    newer = admit(board, site.root, [Member(tanaka.public, "tanaka", ("teacher",), ALL)], wall_ms())
    board.close()
    overwrite(insider, PEOPLE, old.body)
    assert read_people(reader, root, SCHOOL) == newer and newer.version == 2
    site.people["tanaka"] = tanaka
    session = site.session("tanaka")
    assert session.keyring.cleared(Importance.I)
    session.close()


def test_another_schools_roster_is_not_believed(site: TestSite) -> None:
    board = site.session()
    other = PeopleRoster("C999999999999", 50, 0, 2**60, ())
    board.put([Draft(PEOPLE, people_record(SCHOOL), ALL[3], sign_people(other, site.root.sign))])
    assert read_people(board.reader, site.root.sign.verify_key, SCHOOL).version == 1
    board.close()


def test_the_newest_key_epoch_is_sealed_to_and_older_ones_still_open(site: TestSite) -> None:
    board = site.session()
    put(board, b"old")
    former = board.keyring.pair(Importance.III)
    pair = ClassKeyPair.generate(replace(former.id, key_epoch=2), former.naming)
    board.put(class_key(pair, site.root, site.people["sato"]))
    board.close()
    session = site.session("sato")
    assert session.keyring.public(Importance.III).id.key_epoch == 2
    put(session, b"new")
    session.close()
    assert opened(site, "sato") == [b"new", b"old"]
    with pytest.raises(NotClearedError):
        opened(site, "suzuki")


def test_a_batch_key_of_another_class_or_of_nobody_is_named(site: TestSite, insider: SealedStore) -> None:
    writer = site.session("sato")
    put(writer, b"secret")
    (row,) = insider.reader.heads(BATCH_KEY)
    keyring, sato = insider.keyring, site.people["sato"].person
    with pytest.raises(ForgedChangeError):
        keyring.batch_key(insider.reader, row.record, Importance.II, sato)
    with pytest.raises(ForgedChangeError):
        keyring.batch_key(insider.reader, row.record, Importance.III, b"another-author--")
    with pytest.raises(ForgedChangeError):
        keyring.batch_key(insider.reader, bytes(16), Importance.III, sato)
    nobody = Identity.generate(b"nobody-nobody-no")
    key, header = new_batch_key(keyring.public(Importance.III), nobody.person, nobody.sign)
    insider.put([Draft(BATCH_KEY, key.id, ALL[3], header), Draft(BATCH_KEY, bytes(16), ALL[3], b"\x01nonsense")])
    with pytest.raises(ForgedChangeError):
        keyring.batch_key(insider.reader, key.id, Importance.III, nobody.person)
    with pytest.raises(MalformedError):
        keyring.batch_key(insider.reader, bytes(16), Importance.III, sato)
    writer.close()


def test_a_header_under_another_signature_does_not_open(site: TestSite, insider: SealedStore) -> None:
    suzuki, sato = site.people["suzuki"], site.people["sato"]
    key, header = new_batch_key(insider.keyring.public(Importance.III), sato.person, suzuki.sign)
    insider.put([Draft(BATCH_KEY, key.id, ALL[3], header)])
    with pytest.raises((BadSignatureError, ContextMismatchError)):
        insider.keyring.batch_key(insider.reader, key.id, Importance.III, sato.person)


def test_a_wiped_keyring_opens_nothing(site: TestSite) -> None:
    session = site.session("sato")
    put(session, b"secret")
    (row,) = session.reader.heads("mark")
    session.keyring.wipe()
    with pytest.raises(NotClearedError):
        session.open_row(row)
    session.close()


def test_who_got_new_keys_opens_everything_and_still_stands_by_what_they_signed(site: TestSite) -> None:
    before = site.session("sato")
    put(before, b"old")
    before.close()
    sato, board = Identity.generate(site.people["sato"].person), site.session()
    roster = renew(board, site.root, [Member(sato.public, "sato", ("teacher",), ALL)], wall_ms())
    board.close()
    found = roster.person(sato.person)
    assert found is not None and found.sign_key == sato.public.sign.to_bytes() and found.valid_until_ms is None
    with_old_keys, site.people["sato"] = site.people["sato"], sato
    assert opened(site, "sato") == [b"old"]
    session = site.session("sato")
    put(session, b"new")
    session.close()
    assert opened(site, "suzuki") == [b"new", b"old"]
    verify_store(site.paths.store, site.root.sign.verify_key, SCHOOL, full=True)
    site.people["sato"] = with_old_keys
    assert opened(site, "sato") == [b"new", b"old"], "the board may take the old wraps away, a new key does not"


def test_rosters_issued_at_two_places_count_together(site: TestSite) -> None:
    board, other = site.session(), site.session()
    people = {name: Identity.generate(name.encode().ljust(16, b"-")) for name in ("tanaka", "yamada")}
    first = admit(board, site.root, [Member(people["tanaka"].public, "tanaka", ("teacher",), ALL)], wall_ms())
    record = people_record(SCHOOL)
    older = next(row for row in other.reader.history(PEOPLE, record) if row.seq == 1 or row.base == b"")
    second = msgspec.structs.replace(
        other.keyring.people,
        version=first.version,
        people=(
            *other.keyring.people.people,
            Member(people["yamada"].public, "yamada", ("teacher",), ALL).person(wall_ms()),
        ),
    )
    other.put([Draft(PEOPLE, record, ALL[3], sign_people(second, site.root.sign), (older.change_id,))])
    logins = {person.login for person in read_people(other.reader, site.root.sign.verify_key, SCHOOL).people}
    assert {"tanaka", "yamada", "sato", "suzuki"} <= logins
    board.close()
    other.close()


def test_who_is_cleared_follows_what_is_forgotten(site: TestSite) -> None:
    session = site.session("sato")
    keyring = session.keyring
    opened = keyring.clearance
    assert opened == tuple(i for i in ALL if keyring.cleared(i)) and Importance.II in opened
    assert keyring.clearance is opened
    keyring.forget([Importance.II])
    assert keyring.clearance == tuple(i for i in opened if i is not Importance.II)
    keyring.wipe()
    assert keyring.clearance == ()
    session.close()
