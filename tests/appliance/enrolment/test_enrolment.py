"""A box that makes its own keys, a board that answers with one file, and everybody who should not be able to."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.enrolment import EnrolledError, NewSchool
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.board.granting import Next, grant_enrolment, grant_path, grant_replacement
from appliance.board.hubs import open_hub
from appliance.board.leasing import revoke_lease, show_lease
from appliance.config import StoreSection, load_config
from appliance.credentials import StoreKey, read_pepper, read_store_key
from appliance.enrolment.boxside import Taken, begin_enrolment, read_request, take_grant
from appliance.enrolment.errors import NotRequestedError, OtherRequestError, OtherSiteError
from appliance.enrolment.request import open_request, request_code, sign_request
from appliance.login import login
from appliance.people import StaffMember
from appliance.schoolcode import check_digit
from crypto.errors import (
    BadSignatureError,
    ContextMismatchError,
    CryptoError,
    MalformedError,
    OpenFailedError,
    WrongPassphraseError,
)
from crypto.identity import Identity, KdfProfile, open_identity
from crypto.importance import Importance
from crypto.secret import Secret
from crypto.signing import SigningKey
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.embedded import EmbeddedStore
from sync.ids import Origin, Site
from sync.keeperchild import KeeperChild
from sync.leases import newest_lease
from sync.localstore import FIRST_SPACE, IDENTITY_SPACE
from sync.reader import Reader
from sync.site import SitePaths
from sync.verify import verify_store
from tests.appliance.test_replacement import replicate
from tests.faults.city import mark, marks, office_at
from tests.school import PASSPHRASE, School, enrol

CODE, OTHER = (number + check_digit(number) for number in ("B10121000001", "B10121000002"))
ORIGIN = Origin(CODE, Site.BOX, 1)
BOARD = "tests-only-board-passphrase"
QUICK = KdfProfile.QUICK
STAFF = [
    StaffMember("kocho", "髙橋 誠", ("principal",), Secret(PASSPHRASE.encode())),
    StaffMember("shien", "森 遥", ("assistant",), Secret(PASSPHRASE.encode())),
]


@pytest.fixture
def board(tmp_path: Path) -> BoardFolder:
    return init_board(tmp_path / "board", "試験市教育委員会", BOARD, QUICK)


@pytest.fixture
def root(board: BoardFolder) -> Identity:
    return board.unlock(BOARD)


def new_school(code: str = CODE) -> NewSchool:
    place = ReplicaPlace(code, "第一小学校", "http://127.0.0.1:9", "tests", "us-east-1", "board", "board-secret")
    key = StoreKey("box", Secret(b"box-secret"))
    return NewSchool(code, "第一小学校", place, StoreSection("http://127.0.0.1:9", "tests"), key=key)


def granted(board: BoardFolder, root: Identity, request: bytes) -> bytes:
    return grant_enrolment(board, root, request, new_school(), STAFF, QUICK)


@contextlib.contextmanager
def keeping(paths: SitePaths) -> Iterator[None]:
    keeper = KeeperChild(paths)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop(10)


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_box_asks_and_is_granted_and_its_people_log_in(
    board: BoardFolder, root: Identity, tmp_path: Path
) -> None:
    site = tmp_path / "box" / "site"
    request = begin_enrolment(site, ORIGIN, board.root)
    assert begin_enrolment(site, ORIGIN, board.root) == request and not site.exists()
    (site / "run" / "usb").mkdir(parents=True)  # as systemd-tmpfiles lays it down
    taken = take_grant(site, granted(board, root, request), local='[keeper]\nsync = ["root"]\n')
    assert load_config(site).keeper.sync == ("root",)
    assert taken.origin == ORIGIN and read_request(site) == request
    assert read_store_key(site) == StoreKey("box", Secret(b"box-secret"))
    with keeping(taken.paths):
        office = login(site, "kocho", PASSPHRASE)
        assert office.who.display_name == "髙橋 誠"
        assert office._session.store.keyring.cleared(Importance.I), "by the lease for the key made here"
        office.logout()
        with pytest.raises(WrongPassphraseError):
            login(site, "shien", "something else")
    verify_store(taken.paths.store, board.root, CODE, full=True)


def test_the_first_login_seals_the_identity_under_the_box_s_own_pepper(
    board: BoardFolder, root: Identity, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    taken = take_grant(site, granted(board, root, begin_enrolment(site, ORIGIN, board.root)))
    with keeping(taken.paths), contextlib.closing(KeeperClient(taken.paths.socket)) as client:
        first = client.local_get(FIRST_SPACE, "kocho")
        came = client.local_get(IDENTITY_SPACE, "kocho")
        assert first and came and first != read_pepper(site).reveal()
        with pytest.raises(WrongPassphraseError):
            login(site, "kocho", "wrong")
        assert client.local_get(FIRST_SPACE, "kocho") == first, "a wrong passphrase changes nothing"
        for _ in range(2):
            login(site, "kocho", PASSPHRASE).logout()
            assert client.local_get(FIRST_SPACE, "kocho") is None
        sealed = client.local_get(IDENTITY_SPACE, "kocho")
        assert sealed and sealed != came
        open_identity(sealed, PASSPHRASE, read_pepper(site))
        client.login_done("kocho", b"nonsense")  # only the first login seals anew
        assert client.local_get(IDENTITY_SPACE, "kocho") == sealed


def test_neither_side_ever_has_the_other_s_keys(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    site = tmp_path / "box" / "site"
    request = begin_enrolment(site, ORIGIN, board.root)
    work = site.with_name(".site.enrolling")
    made = [path.read_bytes() for path in (work / "credentials").iterdir()]
    grant = granted(board, root, request)
    at_board = everything_below(board.path) + request + grant
    assert len(made) == 3 and not [secret for secret in made if secret in at_board]
    assert PASSPHRASE.encode() not in at_board and b"box-secret" not in grant
    take_grant(site, grant)
    at_box = everything_below(site.parent)
    assert root.sign.to_bytes().reveal() not in at_box and root.seal.to_bytes().reveal() not in at_box
    assert b"board-secret" not in at_box and not (site / "credentials" / "transport.key").exists()


def test_a_request_is_answered_once(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    one, two = (begin_enrolment(tmp_path / name / "site", ORIGIN, board.root) for name in "ab")
    assert request_code(one) != request_code(two)
    grant = granted(board, root, one)
    assert granted(board, root, one) == grant
    with pytest.raises(OtherRequestError):
        granted(board, root, two)
    grant_path(board, ORIGIN).unlink()
    with pytest.raises(EnrolledError):
        granted(board, root, two)


def test_an_answer_that_was_cut_before_its_last_step_is_finished(
    board: BoardFolder, root: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = begin_enrolment(tmp_path / "site", ORIGIN, board.root)
    grant = granted(board, root, request)
    path = grant_path(board, ORIGIN)
    path.rename(path.with_suffix(".new"))
    assert granted(board, root, request) == grant and path.read_bytes() == grant


def test_an_answer_that_failed_leaves_nothing(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    request = begin_enrolment(tmp_path / "site", ORIGIN, board.root)
    before = sorted(path for path in board.path.rglob("*") if path.is_file())
    with pytest.raises(Exception, match="APP-016"):
        grant_enrolment(board, root, request, new_school(), [*STAFF, STAFF[0]], QUICK)
    assert sorted(path for path in board.path.rglob("*") if path.is_file()) == before
    take_grant(tmp_path / "site", granted(board, root, request))


def test_a_grant_is_no_good_to_anybody_else(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine" / "site", tmp_path / "theirs" / "site"
    grant = granted(board, root, begin_enrolment(mine, ORIGIN, board.root))
    with pytest.raises(NotRequestedError):
        take_grant(theirs, grant)
    begin_enrolment(theirs, ORIGIN, board.root)
    with pytest.raises(ContextMismatchError):
        take_grant(theirs, grant)
    work = theirs.with_name(".site.enrolling")
    (work / "enrolment.request").write_bytes(read_request(mine) or b"")
    with pytest.raises(OpenFailedError):
        take_grant(theirs, grant)
    assert not theirs.exists()


def test_a_grant_by_another_board_is_refused(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    other = init_board(tmp_path / "other", "別の教育委員会", BOARD, QUICK)
    site = tmp_path / "site"
    grant = granted(other, other.unlock(BOARD), begin_enrolment(site, ORIGIN, board.root))
    with pytest.raises(BadSignatureError):
        take_grant(site, grant)
    assert not site.exists()


@pytest.mark.parametrize("at", [0, 1, 40, 300, -1, -5000, None])
def test_an_altered_grant_is_refused_and_the_true_one_still_taken(
    board: BoardFolder, root: Identity, tmp_path: Path, at: int | None
) -> None:
    site = tmp_path / "site"
    grant = granted(board, root, begin_enrolment(site, ORIGIN, board.root))
    altered = bytearray(grant)
    if at is None:
        del altered[-100:]
    else:
        altered[at] ^= 1
    with pytest.raises(CryptoError):
        take_grant(site, bytes(altered))
    assert not site.exists()
    take_grant(site, grant)


def test_an_altered_request_is_refused(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    request = begin_enrolment(tmp_path / "site", ORIGIN, board.root)
    for at in (0, 30, 200, len(request) - 1):
        altered = bytearray(request)
        altered[at] ^= 1
        with pytest.raises(CryptoError):
            granted(board, root, bytes(altered))
    with pytest.raises(MalformedError):
        open_request(b"")
    with pytest.raises(BadSignatureError):
        open_request(sign_request(open_request(request), SigningKey.generate()))
    with pytest.raises(ContextMismatchError):
        grant_enrolment(board, root, request, new_school(OTHER), STAFF, QUICK)


@pytest.mark.parametrize("step", ["verify_store", "take_first_lease", "store_key_text", "load_config"])
def test_a_box_that_was_cut_while_it_took_its_grant_takes_it_again(
    board: BoardFolder, root: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    site = tmp_path / "site"
    grant = granted(board, root, begin_enrolment(site, ORIGIN, board.root))
    real = __import__("appliance.enrolment.boxside", fromlist=[step])

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(real, step, cut)
        take_grant(site, grant)
    assert not site.exists()
    taken = take_grant(site, grant)
    before = taken.paths.store.read_bytes()
    assert take_grant(site, grant).origin == ORIGIN and taken.paths.store.read_bytes() == before
    with keeping(taken.paths):
        login(site, "kocho", PASSPHRASE).logout()


def test_a_box_that_is_enrolled_is_no_other_s(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    site = tmp_path / "site"
    take_grant(site, granted(board, root, begin_enrolment(site, ORIGIN, board.root)))
    with pytest.raises(OtherSiteError) as refused:
        begin_enrolment(site, ORIGIN, board.root)
    assert refused.value.params == {"school": CODE, "epoch": 1}


# --- another box


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


def test_the_next_box_asks_and_brings_everything_back(
    school: School, store: EmbeddedStore, tmp_path: Path
) -> None:
    with office_at(school.site) as office:
        name = mark(office, 0)
    replicate(school, store)
    school.close()
    code, site, slips = school.made.code, tmp_path / "new", {}  # type: ignore[var-annotated]
    origin = Origin(code, Site.BOX, 2)
    request = begin_enrolment(site, origin, school.board.root)
    wanted = Next(key=StoreKey("access", Secret(b"secret-secret")))
    grant, report = grant_replacement(school.board, school.root, request, wanted, slips.update, profile=QUICK)
    assert report is not None and report.complete and school.board.place(code).epoch == 2
    again, nothing = grant_replacement(school.board, school.root, request, wanted, slips.update, profile=QUICK)
    assert (again, nothing) == (grant, None)
    taken: Taken = take_grant(site, grant)
    assert taken.origin == origin
    with keeping(taken.paths), office_at(site, "sato", slips["sato"]) as office:
        assert marks(office) == {name: "sick"}
        assert office._session.store.keyring.cleared(Importance.II), "by a lease of its own"
        mark(office, 1)
    verify_store(taken.paths.store, school.board.root, code, full=True)
    with contextlib.closing(Reader(open_hub(school.board, code).paths.store)) as reader:
        assert reader.position(origin).seq > 0
    with pytest.raises(Exception, match="APP-514"):
        other = begin_enrolment(tmp_path / "third", origin, school.board.root)
        grant_replacement(school.board, school.root, other, wanted, slips.update, profile=QUICK)
    told = show_lease(school.board, code)
    assert (told.box, told.lease.serial, told.word(wall_ms())) == (origin, 1, "live")
    with contextlib.closing(Reader(open_hub(school.board, code).paths.store)) as reader:
        former = newest_lease(reader, school.board.root, Origin(code, Site.BOX, 1))
    assert former is not None and former.revoked
    assert revoke_lease(school.board, code).lease.revoked, "also before the box ever called"
