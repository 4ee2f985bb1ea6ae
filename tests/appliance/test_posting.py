"""Letting people in, and renewing them, at a box that the board never touches: hub and box meet hand to hand."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.enrolment import LoginTakenError, renew_staff
from appliance.board.passphrases import ShortPassphraseError
from appliance.board.posting import PostKeyMissingError, admit_through_hub, renew_through_hub
from appliance.credentials import read_site_key
from appliance.login import login
from appliance.people import StaffMember
from crypto.errors import CryptoError, OpenFailedError, WrongPassphraseError
from crypto.identity import KdfProfile
from crypto.importance import Importance
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.errors import UnknownLoginError
from sync.localstore import IDENTITY_SPACE, LOGIN_SPACE, POST_SPACE
from sync.openrecords import POST
from sync.post import PostRoom
from sync.reader import Reader
from tests.hubside import hub, to_box, to_hub
from tests.school import PASSPHRASE, School, enrol

QUICK = KdfProfile.QUICK
OTHER = "another-first-passphrase"


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = enrol(tmp_path, seed=41, imported=False)
    yield made
    made.close()


def member(name: str = "shinnin", role: str = "teacher", words: str = PASSPHRASE) -> StaffMember:
    return StaffMember(name, "新任 花子", (role,), Secret(words.encode()))


def admit(school: School, *staff: StaffMember) -> None:
    admit_through_hub(school.board, school.root, school.made.code, staff, QUICK)


def renew(school: School, name: str, words: str = OTHER) -> list[str]:
    return renew_through_hub(
        school.board, school.root, school.made.code, lambda _: Secret(words.encode()), [name], QUICK
    )


@contextlib.contextmanager
def at_box(school: School) -> Iterator[KeeperClient]:
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        yield client


def sort_post(school: School) -> None:
    """Do what the box's daemon does every second."""
    with at_box(school) as client, contextlib.closing(Reader(school.paths.store)) as reader:
        PostRoom(reader, client, school.board.root, read_site_key(school.site)).turn()


def exchange(school: School) -> None:
    to_hub(school)
    to_box(school)
    sort_post(school)


def test_somebody_let_in_at_the_board_works_at_the_box(school: School) -> None:
    admit(school, member(), member("hoken2", "nurse"))
    with pytest.raises(UnknownLoginError):
        school.office("shinnin")
    exchange(school)
    for _ in range(2):  # by the letter, then by what the first login sealed under the box's own pepper
        with school.opened("shinnin") as office:
            assert office.who.display_name == "新任 花子"
            assert office._session.store.keyring.cleared(Importance.II), "by the lease's lock"
    with school.opened("hoken2") as office:
        assert office._session.person.roles == ("nurse",)
    with at_box(school) as client:
        assert client.local_keys(POST_SPACE) == ()
    sort_post(school)
    with at_box(school) as client:
        assert client.local_keys(POST_SPACE) == (), "a letter is laid out once"


def test_the_first_passphrase_counts_attempts_like_any(school: School) -> None:
    admit(school, member())
    exchange(school)
    for _ in range(2):
        with pytest.raises(WrongPassphraseError):
            login(school.site, "shinnin", "something-else-entirely")
    with at_box(school) as client:
        assert "shinnin" in client.local_keys(LOGIN_SPACE) and "shinnin" not in client.local_keys(IDENTITY_SPACE)
    school.office("shinnin").logout()
    with at_box(school) as client:
        assert "shinnin" not in client.local_keys(LOGIN_SPACE) and "shinnin" in client.local_keys(IDENTITY_SPACE)


def test_a_lost_passphrase_is_renewed_from_afar_and_the_person_stays_the_same(school: School) -> None:
    with school.opened("sato") as office:
        before = office._session.person.id
    assert renew(school, "sato") == ["sato"] and renew(school, "nobody") == []
    with school.opened("sato") as office:
        assert office._session.person.id == before, "until it arrives the former one opens"
    exchange(school)
    with pytest.raises(WrongPassphraseError):
        school.office("sato")
    office = login(school.site, "sato", OTHER)
    session = office._session
    assert session.person.id == before and session.store.keyring.cleared(Importance.II)
    office.logout()


def test_the_newest_word_counts_wherever_it_was_said(school: School) -> None:
    renew(school, "sato")
    exchange(school)
    renew(school, "sato", "the-third-passphrase")  # before the second one was ever used
    exchange(school)
    login(school.site, "sato", "the-third-passphrase").logout()
    renew(school, "suzuki")
    exchange(school)
    renew_staff(school.root, school.site, lambda _: Secret(b"renewed-at-the-box"), QUICK, ["suzuki"])
    sort_post(school)
    login(school.site, "suzuki", "renewed-at-the-box").logout()


def test_a_letter_that_is_none_locks_nobody_out(school: School) -> None:
    with at_box(school) as client:
        client.local_put(POST_SPACE, "sato", b"\x01nonsense")
        client.local_put(POST_SPACE, "dareka", b"\x01nonsense")
    school.office("sato").logout()
    with pytest.raises(CryptoError) as refused:
        school.office("dareka")
    assert not isinstance(refused.value, WrongPassphraseError)


def test_another_box_s_pepper_opens_nothing(school: School) -> None:
    admit(school, member())
    exchange(school)
    (school.site / "credentials" / "pepper").write_bytes(bytes(32))
    with pytest.raises(OpenFailedError):
        school.office("shinnin")


def test_what_is_refused_leaves_nothing_behind(school: School) -> None:
    with pytest.raises(LoginTakenError):
        admit(school, member(), member("sato"))
    with pytest.raises(ShortPassphraseError):
        admit(school, member(words="short"))
    with pytest.raises(ShortPassphraseError):
        renew(school, "sato", "short")
    with contextlib.closing(Reader(hub(school).paths.store)) as reader:
        assert reader.heads(POST) == []


def test_a_box_of_before_tells_its_key_after_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.board.enrolment.begin_post", lambda *_: None)  # as its version did
    school = enrol(tmp_path, seed=41, imported=False)
    try:
        exchange(school)
        with pytest.raises(PostKeyMissingError) as refused:
            admit(school, member())
        assert refused.value.params == {"school": school.made.code}
        school.office("kocho").logout()
        sort_post(school)
        to_hub(school)
        admit(school, member())
        exchange(school)
        school.office("shinnin").logout()
    finally:
        school.close()
