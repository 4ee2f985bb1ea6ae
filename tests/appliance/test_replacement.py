"""Replacing a box: two officers at once, a try that stopped half-way, and people whose keys are made anew."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.enrolment import renew_staff
from appliance.board.hubs import open_hub
from appliance.board.leasing import show_lease
from appliance.board.passphrases import ShortPassphraseError, first_passphrase, strong
from appliance.board.replacement import ReplacedAlreadyError, Replacement, replace_box
from appliance.login import login
from crypto.errors import WrongPassphraseError
from crypto.identity import KdfProfile
from crypto.importance import Importance
from crypto.secret import Secret
from sync.clock import wall_ms
from sync.embedded import EmbeddedStore
from sync.errors import NoReplicaError, ReplicatorError, SiteExistsError
from sync.ids import Origin, Site
from sync.keeperchild import KeeperChild
from sync.leases import newest_lease
from sync.litestream import Litestream, Replicated
from sync.reader import Reader
from sync.site import SitePaths
from sync.verify import verify_store
from tests.faults.city import mark, marks, office_at, wait_until
from tests.school import PASSPHRASE, School, enrol

QUICK = KdfProfile.QUICK


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(tmp_path / "cloud" / "store", "access", Secret(b"secret-secret"), "tests")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def school(store: EmbeddedStore, tmp_path: Path) -> Iterator[School]:
    made = enrol(tmp_path / "school", seed=71, endpoint=store.config.endpoint)
    yield made
    made.close()


def replicate(school: School, store: EmbeddedStore) -> None:
    """Send the box's database once."""
    with contextlib.closing(Reader(school.paths.store)) as reader:
        database = Replicated(school.paths, reader.origin)
    litestream = Litestream(school.paths.run, [database], store.config)
    litestream.start()
    try:
        wait_until(lambda: _synced(litestream), "the replica")
    finally:
        litestream.stop()


def wanted(school: School, folder: Path) -> Replacement:
    return Replacement(school.made.code, folder)


def test_a_replacement_brings_everything_and_new_keys(
    school: School, store: EmbeddedStore, tmp_path: Path
) -> None:
    with office_at(school.site) as office:
        name = mark(office, 0)
    replicate(school, store)
    school.close()
    made = replace_box(school.board, school.root, wanted(school, tmp_path / "new"), None, QUICK)
    assert made.origin == Origin(school.made.code, Site.BOX, 2) and made.restored.complete
    assert school.board.place(school.made.code).epoch == 2
    assert set(made.passphrases) == {"kocho", "kyoto", "sato", "suzuki", "jimu", "shien"}
    assert "passphrases" not in repr(made) and made.passphrases["sato"] not in repr(made)
    keeper = KeeperChild(made.paths)
    keeper.start()
    try:
        with office_at(tmp_path / "new", "sato", made.passphrases["sato"]) as office:
            assert marks(office) == {name: "sick"} and office.who.display_name == "佐藤 葵"
            assert office._session.store.keyring.cleared(Importance.II), "by a lease of its own"
            mark(office, 1)
        with pytest.raises(WrongPassphraseError):
            login(tmp_path / "new", "sato", PASSPHRASE)
    finally:
        keeper.stop(10)
    verify_store(made.paths.store, school.board.root, school.made.code, full=True)
    told = show_lease(school.board, school.made.code)
    assert (told.box, told.lease.serial, told.word(wall_ms())) == (made.origin, 1, "live")
    with contextlib.closing(Reader(open_hub(school.board, school.made.code).paths.store)) as reader:
        former = newest_lease(reader, school.board.root, Origin(school.made.code, Site.BOX, 1))
    assert former is not None and former.revoked


def test_of_two_officers_one_wins_and_the_other_changes_nothing(
    school: School, store: EmbeddedStore, tmp_path: Path
) -> None:
    replicate(school, store)
    place = school.board.place(school.made.code)
    replace_box(school.board, school.root, wanted(school, tmp_path / "mine"), None, QUICK)
    school.board.keep_place(place)  # the other officer's folder knows nothing of it
    hub = open_hub(school.board, school.made.code).paths
    before = _positions(hub)
    with pytest.raises(ReplacedAlreadyError):
        replace_box(school.board, school.root, wanted(school, tmp_path / "theirs"), None, QUICK)
    assert not (tmp_path / "theirs").exists() and _positions(hub) == before


def test_a_replacement_that_stopped_half_way_is_taken_up(
    school: School, store: EmbeddedStore, tmp_path: Path
) -> None:
    with pytest.raises(NoReplicaError):  # the box never sent anything: the grant stands already
        replace_box(school.board, school.root, wanted(school, tmp_path / "new"), None, QUICK)
    assert not (tmp_path / "new").exists() and school.board.place(school.made.code).epoch == 1
    replicate(school, store)
    made = replace_box(school.board, school.root, wanted(school, tmp_path / "new"), None, QUICK)
    assert made.restored.complete and not (tmp_path / ".new.replacing").exists()
    with contextlib.closing(Reader(made.paths.store)) as reader:
        people = [row for row in reader.heads("people.grant")]
    assert len(people) == 2, "one grant each for hub and box"


def test_a_folder_that_holds_something_is_left_alone(school: School, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    with pytest.raises(SiteExistsError):
        replace_box(school.board, school.root, wanted(school, tmp_path / "full"), None, QUICK)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["note"]


def test_a_lost_passphrase_is_renewed_and_the_person_stays_the_same(school: School) -> None:
    with office_at(school.site) as office:
        name, who = mark(office, 0), office.who
    assert renew_staff(school.root, school.site, lambda _: Secret(b"another-passphrase"), QUICK, ["sato"]) == [
        "sato"
    ]
    with pytest.raises(WrongPassphraseError):
        login(school.site, "sato", PASSPHRASE)
    with office_at(school.site, "sato", "another-passphrase") as office:
        assert office.who == who and marks(office) == {name: "sick"}
    with office_at(school.site, "suzuki") as office:
        assert marks(office) == {name: "sick"}
    assert renew_staff(school.root, school.site, lambda _: Secret(b"x"), QUICK, ["nobody"]) == []
    with pytest.raises(ShortPassphraseError):
        renew_staff(school.root, school.site, lambda _: Secret(b"short"), QUICK, ["sato"])
    with office_at(school.site, "sato", "another-passphrase") as office:
        assert office.who == who, "a refused passphrase changes nothing"


def test_first_passphrases_are_long_and_never_the_same() -> None:
    words = {first_passphrase() for _ in range(100)}
    assert all(strong(word) for word in words)
    for weak in ("", "kocho", "12345678901", "aaaaaaaaaaaa", "ababababababab"):
        with pytest.raises(ShortPassphraseError):
            strong(weak)
    assert strong("あさがおのたねをまいた日")
    assert len(words) == 100 and all(len(word) == 17 and not set("il1o0") & set(word) for word in words)


def _synced(litestream: Litestream) -> bool:
    with contextlib.suppress(ReplicatorError):  # its socket is not there yet
        return litestream.sync(30).txid > 0
    return False


def _positions(paths: SitePaths) -> dict[str, int]:
    with contextlib.closing(Reader(paths.store)) as reader:
        return {origin.prefix: reader.position(origin).seq for origin in reader.origins()}
