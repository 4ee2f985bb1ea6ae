"""Logging in: every way to be refused, the growing wait, and what is left of the keys after logout."""

import gc
import os
from collections.abc import Iterator
from datetime import date
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import msgspec
import pytest

from appliance.board.enrolment import admit_staff
from appliance.credentials import CredentialMissingError, read_pepper
from appliance.login import login
from appliance.office import Office
from appliance.people import StaffMember
from appliance.proving import NotInOfficeError
from crypto.batchkeys import BatchKey
from crypto.classkeys import ClassKeyPair
from crypto.errors import BadPassphraseError, WrongPassphraseError
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity, KdfProfile, seal_identity
from crypto.importance import Importance
from crypto.people import sign_people
from crypto.secret import Secret
from crypto.signing import SigningKey
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import LoginLockedError, NotClearedError, UnknownLoginError
from sync.keyring import open_keyring
from sync.localstore import IDENTITY_SPACE
from sync.openrecords import PEOPLE, people_record
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from tests.school import PASSPHRASE, School

KEYS = (Secret, BatchKey, ClassKeyPair, HybridPrivateKey, SigningKey, Identity)
FREE_ATTEMPTS = 5
ON = date(2026, 12, 2)


@pytest.fixture
def client(school: School) -> Iterator[KeeperClient]:
    opened = KeeperClient(school.paths.socket)
    yield opened
    opened.close()


def newcomer(school: School, name: str) -> str:
    """Admit somebody whose failed attempts trouble no other test."""
    person = StaffMember(name, "試験 職員", ("teacher",), Secret(PASSPHRASE.encode()))
    admit_staff(school.root, school.site, [person], KdfProfile.QUICK)
    return name


def fail(school: School, name: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassphraseError):
            login(school.site, name, "not the passphrase")


def locked_for(school: School, name: str, passphrase: str = PASSPHRASE) -> int:
    with pytest.raises(LoginLockedError) as caught:
        login(school.site, name, passphrase)
    return int(caught.value.params["wait_s"])


def let_time_pass(client: KeeperClient, name: str, seconds: int) -> None:
    """Fake the clock only: move the last attempt back."""
    raw = client.local_get("login", name)
    assert raw is not None
    failed, last_ms = msgspec.msgpack.decode(raw, type=tuple[int, int])
    client.local_put("login", name, msgspec.msgpack.encode((failed, last_ms - seconds * 1000)))


def keys_within(thing: object) -> set[str]:
    """Return the kinds of key that can be reached from an object, through whatever refers to them."""
    seen: set[int] = set()
    found: set[str] = set()
    pending = [thing]
    while pending:
        here = pending.pop()
        if id(here) in seen or isinstance(here, type | ModuleType | FunctionType | BuiltinFunctionType):
            continue
        seen.add(id(here))
        if isinstance(here, KEYS):
            found.add(type(here).__name__)
        pending += [here.__self__] if isinstance(here, MethodType) else gc.get_referents(here)
    return found


def test_a_wrong_passphrase_and_an_unknown_login_are_refused(school: School) -> None:
    name = newcomer(school, "machigai")
    fail(school, name, 1)
    with pytest.raises(UnknownLoginError):
        login(school.site, "daremo", PASSPHRASE)
    with pytest.raises(BadPassphraseError):
        login(school.site, name, "")
    office = login(school.site, name, PASSPHRASE)
    assert (office.who.login, office.who.display_name, office.who.roles) == (name, "試験 職員", ("teacher",))
    office.logout()


def test_full_width_typing_opens_what_half_width_typing_sealed(school: School) -> None:
    name = newcomer(school, "zenkaku")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in PASSPHRASE)
    login(school.site, name, wide).logout()


def test_repeated_failures_lock_for_a_growing_time_even_with_the_right_passphrase(
    school: School, client: KeeperClient
) -> None:
    name = newcomer(school, "jogai")
    fail(school, name, FREE_ATTEMPTS)
    waits = []
    for longest in (30, 60, 120, 240, 480, 900, 900):
        wait = locked_for(school, name)
        assert longest - 15 <= wait <= longest  # some seconds may have gone by since the attempt
        waits.append(wait)
        let_time_pass(client, name, wait)
        fail(school, name, 1)
    assert waits == sorted(waits)


def test_a_login_that_opens_forgives_the_failures_before_it(school: School, client: KeeperClient) -> None:
    name = newcomer(school, "yurusu")
    fail(school, name, FREE_ATTEMPTS)
    let_time_pass(client, name, locked_for(school, name))
    login(school.site, name, PASSPHRASE).logout()
    assert client.local_get("login", name) is None
    fail(school, name, FREE_ATTEMPTS - 1)
    login(school.site, name, PASSPHRASE).logout()


def test_an_attempt_is_counted_before_the_identity_is_handed_out(school: School, client: KeeperClient) -> None:
    name = newcomer(school, "nuke")
    for _ in range(FREE_ATTEMPTS):
        client.login_begin(name)  # a session that is killed before it could say how it went
    assert locked_for(school, name) > 0


def test_one_locked_login_locks_nobody_else(school: School) -> None:
    name, other = newcomer(school, "tojita"), newcomer(school, "aita")
    fail(school, name, FREE_ATTEMPTS)
    locked_for(school, name)
    login(school.site, other, PASSPHRASE).logout()


def test_an_identity_outside_the_signed_roster_is_nobody(school: School, client: KeeperClient) -> None:
    stranger = Identity.generate(os.urandom(16))
    sealed = seal_identity(stranger, PASSPHRASE, read_pepper(school.site), KdfProfile.QUICK)
    client.local_put(IDENTITY_SPACE, "yosomono", sealed)
    with pytest.raises(NotInOfficeError):
        login(school.site, "yosomono", PASSPHRASE)


def test_somebody_whose_time_in_office_ended_is_refused(school: School) -> None:
    name = newcomer(school, "taishoku")
    reader, keeper = Reader(school.paths.store), KeeperClient(school.paths.socket)
    store = SealedStore(reader, keeper, school.root, open_keyring(reader, school.root, school.board.root))
    _end_office(store, school, name)
    store.close()
    with pytest.raises(NotInOfficeError):
        login(school.site, name, PASSPHRASE)


def _end_office(store: SealedStore, school: School, name: str) -> None:
    former, now = store.keyring.people, wall_ms()
    people = tuple(msgspec.structs.replace(p, valid_until_ms=now) if p.login == name else p for p in former.people)
    roster = msgspec.structs.replace(former, version=former.version + 1, people=people)
    record = people_record(former.school)
    base = store.base_of(PEOPLE, [record])[record]
    store.put([Draft(PEOPLE, record, Importance.IV, sign_people(roster, school.root.sign), base)])


def test_without_the_pepper_nobody_gets_in(school: School) -> None:
    pepper = school.site / "credentials" / "pepper"
    aside = pepper.with_name("pepper.aside")
    pepper.rename(aside)
    try:
        with pytest.raises(CredentialMissingError) as caught:
            login(school.site, "suzuki", PASSPHRASE)
    finally:
        aside.rename(pepper)
    assert caught.value.params == {"name": "pepper"}
    login(school.site, "suzuki", PASSPHRASE).logout()


def test_another_pepper_opens_nothing(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    name = newcomer(school, "kosho")
    monkeypatch.setattr("appliance.identities.read_pepper", lambda _: Secret(bytes(32)))
    with pytest.raises(WrongPassphraseError):
        login(school.site, name, PASSPHRASE)


def worked_in(school: School) -> Office:
    """Return an office that has read and written, so that it holds every kind of key."""
    office = school.office("kocho")
    view = office.attendance.classes(ON)[11]
    pupil = office.attendance.day(view.class_id, ON).rows[0].pupil_id
    office.attendance.mark(view.class_id, ON, pupil, "sick", reason="発熱")
    assert office.attendance.reason(pupil, ON) == "発熱"
    return office


def test_logout_leaves_no_key_within_reach_of_the_office(school: School) -> None:
    office = worked_in(school)
    assert keys_within(office) == {kind.__name__ for kind in KEYS}
    keyring = office._session.store.keyring
    office.logout()
    assert keyring.pairs == {} and keyring._batch_keys == {}
    assert keys_within(office) == set()


def test_nothing_can_be_opened_or_kept_after_logout(school: School) -> None:
    office = worked_in(school)
    view = office.attendance.classes(ON)[11]
    pupil = office.attendance.day(view.class_id, ON).rows[0].pupil_id
    office.logout()
    with pytest.raises(NotClearedError):
        office.attendance.reason(pupil, ON)
    with pytest.raises(NotClearedError):
        office.attendance.mark(view.class_id, ON, pupil, "late")
