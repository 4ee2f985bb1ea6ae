"""The board's folder, enrolling a school, and letting people in while the school works."""

import os
import shutil
import signal
import stat
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from appliance.board.enrolment import EnrolledError, LoginTakenError, NewSchool, admit_staff, enrol_school
from appliance.board.folder import (
    BoardExistsError,
    BoardFolder,
    BoardMissingError,
    ReplicaPlace,
    UnknownSchoolError,
    init_board,
    open_board,
)
from appliance.board.hubs import HubMissingError, board_office, hubs_of, open_hub
from appliance.board.passphrases import ShortPassphraseError
from appliance.config import StoreSection, load_config
from appliance.credentials import read_site_key, read_store_key
from appliance.generator.school import make_school
from appliance.login import login
from appliance.people import StaffMember
from appliance.policy import writing_rules
from appliance.schoolcode import SchoolCodeError
from crypto.errors import BadPassphraseError, BadSignatureError, WrongPassphraseError
from crypto.identity import Identity, KdfProfile
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.errors import SiteExistsError, UnknownLoginError
from sync.keeperchild import KeeperChild
from sync.keyring import read_people
from sync.programs import start_child
from sync.reader import Reader
from sync.site import SitePaths
from sync.verify import verify_store
from tests.school import BOARD_PASSPHRASE, PASSPHRASE, STAFF, School
from tests.sync.samecontent import same_content

CODE = make_school(31, 2026).code
QUICK = KdfProfile.QUICK


@pytest.fixture
def board(tmp_path: Path) -> BoardFolder:
    return init_board(tmp_path / "board", "試験市教育委員会", BOARD_PASSPHRASE, QUICK)


@pytest.fixture
def root(board: BoardFolder) -> Identity:
    return board.unlock(BOARD_PASSPHRASE)


def person(name: str, role: str = "teacher", shown: str = "新任 職員") -> StaffMember:
    return StaffMember(name, shown, (role,), Secret(PASSPHRASE.encode()))


def new_school(code: str = CODE) -> NewSchool:
    place = ReplicaPlace(code, "試験校", "http://127.0.0.1:9", "tests", "us-east-1", "access", "secret-secret")
    return NewSchool(code, "試験校", place, StoreSection("http://127.0.0.1:9", "tests"))


@pytest.fixture
def site(board: BoardFolder, root: Identity, tmp_path: Path) -> SitePaths:
    """A school with one clerk and no keeper running."""
    return enrol_school(
        board, root, new_school(), [person("jimu", "clerk", "齋藤 久美子")], tmp_path / "site", QUICK
    )


@pytest.fixture
def keeper(site: SitePaths) -> Iterator[KeeperChild]:
    child = KeeperChild(site)
    child.start()
    yield child
    child.stop(10)


def logins(paths: SitePaths, board: BoardFolder) -> list[str]:
    reader = Reader(paths.store)
    people = read_people(reader, board.root, CODE).people
    reader.close()
    return sorted(p.login for p in people)


def test_a_second_board_in_the_same_folder_is_refused_and_the_first_kept(board: BoardFolder) -> None:
    before = {path.name: path.read_bytes() for path in board.path.iterdir() if path.is_file()}
    with pytest.raises(BoardExistsError):
        init_board(board.path, "別の教育委員会", "another-passphrase", QUICK)
    assert {path.name: path.read_bytes() for path in board.path.iterdir() if path.is_file()} == before
    assert open_board(board.path) == board


def test_there_is_no_board_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(BoardMissingError):
        open_board(tmp_path)


def test_the_root_key_is_on_disk_only_sealed(board: BoardFolder, root: Identity, site: SitePaths) -> None:
    secrets = [root.sign.to_bytes().reveal(), root.seal.to_bytes().reveal(), BOARD_PASSPHRASE.encode()]
    secrets += [PASSPHRASE.encode(), root.sign.to_bytes().reveal().hex().encode()]
    files = [path for folder in (board.path, site.root) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        data = path.read_bytes()
        assert not any(secret in data for secret in secrets), path
    assert root.sign.verify_key.to_bytes() == board.root.to_bytes()


def test_only_the_public_part_of_the_folder_may_be_read_by_others(board: BoardFolder, site: SitePaths) -> None:
    modes = {
        str(path.relative_to(board.path)): stat.S_IMODE(path.stat().st_mode) for path in board.path.rglob("*.*")
    }
    assert modes["board.toml"] == 0o644
    assert modes["root.sealed"] == modes[f"schools/{CODE}.toml"] == 0o600
    assert stat.S_IMODE((board.path / "pepper").stat().st_mode) == 0o600
    assert stat.S_IMODE((board.path / "schools").stat().st_mode) == 0o700


def test_the_root_key_opens_with_its_passphrase_only(board: BoardFolder) -> None:
    with pytest.raises(WrongPassphraseError):
        board.unlock(PASSPHRASE)
    with pytest.raises(BadPassphraseError):
        board.unlock("")


def test_enrolling_makes_a_site_that_trusts_this_board(
    board: BoardFolder, root: Identity, site: SitePaths
) -> None:
    config = load_config(site.root)
    assert (config.site.school, config.site.name, config.site.epoch) == (CODE, "試験校", 1)
    assert config.board.root_key == board.root.to_bytes().hex()
    assert logins(site, board) == ["@board", "@box", "@hub", "jimu"]
    reader = Reader(site.store)
    box = next(p for p in read_people(reader, board.root, CODE).people if p.login == "@box")
    reader.close()
    assert box.sign_key == read_site_key(site.root).verify_key.to_bytes() and box.importances == ()
    assert read_store_key(site.root).secret_key == Secret(b"secret-secret")
    assert board.place(CODE).secret_key == "secret-secret"
    assert not site.socket.exists() and not site.running_mark.exists(), "the keeper of the moment stopped cleanly"


@pytest.mark.parametrize("code", ["", CODE[:-1], CODE[:-1] + str((int(CODE[-1]) + 1) % 10), "../" + CODE[3:]])
def test_a_wrong_school_code_is_refused_and_leaves_nothing(
    board: BoardFolder, root: Identity, tmp_path: Path, code: str
) -> None:
    before = sorted(board.path.rglob("*"))
    with pytest.raises(SchoolCodeError):
        enrol_school(board, root, new_school(code), [person("jimu", "clerk")], tmp_path / "site", QUICK)
    assert not (tmp_path / "site").exists() and sorted(board.path.rglob("*")) == before


def test_a_code_typed_in_full_width_is_the_same_school(board: BoardFolder, root: Identity, tmp_path: Path) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in CODE.lower())
    paths = enrol_school(board, root, new_school(wide), [], tmp_path / "site", QUICK)
    reader = Reader(paths.store)
    assert reader.origin.school == load_config(paths.root).site.school == board.place(CODE).school == CODE
    reader.close()
    assert [path.stem for path in (board.path / "schools").glob("*.toml")] == [CODE]


def test_a_folder_that_holds_a_site_is_not_enrolled_again(
    board: BoardFolder, root: Identity, site: SitePaths
) -> None:
    before = {path: path.read_bytes() for path in site.root.rglob("*") if path.is_file()}
    with pytest.raises(SiteExistsError):
        enrol_school(board, root, new_school(make_school(33, 2026).code), [], site.root, QUICK)
    assert {path: path.read_bytes() for path in site.root.rglob("*") if path.is_file()} == before


def test_a_school_is_enrolled_once_since_two_boxes_would_write_one_place(
    board: BoardFolder, root: Identity, site: SitePaths, tmp_path: Path
) -> None:
    before = sorted(board.path.rglob("*"))
    with pytest.raises(EnrolledError):
        enrol_school(board, root, new_school(), [], tmp_path / "second", QUICK)
    assert not (tmp_path / "second").exists() and sorted(board.path.rglob("*")) == before


def test_a_hub_is_made_with_the_school_and_knows_everything_of_it(
    board: BoardFolder, root: Identity, site: SitePaths
) -> None:
    hub = open_hub(board, CODE)
    assert hub.config.site.kind == "hub" and hub.daemon_settings().root.to_bytes() == board.root.to_bytes()
    assert same_content(hub.paths.store, site.store)
    verify_store(hub.paths.store, board.root, CODE, rules=writing_rules(), full=True)
    with board_office(hub, root) as office:
        assert (office.who.roles, office.who.display_name) == (("board",), "教育委員会")
        year = office.calendar.year(date(2026, 11, 24))
        office.calendar.keep(year)
    assert not same_content(hub.paths.store, site.store)
    assert [found.path for found in hubs_of(board)] == [hub.path]


def test_a_school_without_a_hub_is_told_so(board: BoardFolder, site: SitePaths) -> None:
    shutil.rmtree(board.path / "hubs")
    with pytest.raises(HubMissingError):
        open_hub(board, CODE)
    assert hubs_of(board) == []


def test_an_unknown_school_names_those_that_are_known(board: BoardFolder, site: SitePaths) -> None:
    for asked in (make_school(32, 2026).code, "../board", ""):
        with pytest.raises(UnknownSchoolError) as caught:
            board.place(asked)
        assert CODE in str(caught.value.params["known"])


def test_somebody_admitted_while_the_keeper_runs_can_log_in_at_once(school: School) -> None:
    working = school.office("sato")
    admit_staff(school.root, school.site, [person("shinnin", shown="新任 花子"), person("hoken2", "nurse")], QUICK)
    office = login(school.site, "shinnin", PASSPHRASE)
    assert (office.who.display_name, office.who.roles) == ("新任 花子", ("teacher",))
    assert office.home().classes
    office.logout()
    assert working.home().classes, "who was in already goes on"
    working.logout()
    assert school.keeper.pid is not None and school.keeper.starts == 1


def test_somebody_admitted_while_no_keeper_runs_can_log_in_later(
    board: BoardFolder, root: Identity, site: SitePaths
) -> None:
    admit_staff(root, site.root, [person("ato")], QUICK)
    assert not site.socket.exists() and logins(site, board) == ["@board", "@box", "@hub", "ato", "jimu"]
    child = KeeperChild(site)
    child.start()
    try:
        login(site.root, "ato", PASSPHRASE).logout()
    finally:
        child.stop(10)


@pytest.mark.faults
def test_admitting_works_after_a_keeper_was_killed(board: BoardFolder, root: Identity, site: SitePaths) -> None:
    child = start_child([sys.executable, "-m", "sync.keeper", str(site.root)])
    client = KeeperClient(site.socket)
    client.hello()
    client.close()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert site.socket.exists(), "a killed keeper leaves its socket behind"
    admit_staff(root, site.root, [person("nochi")], QUICK)
    assert "nochi" in logins(site, board)


def test_admitting_a_login_again_is_refused_and_the_person_keeps_the_key(
    root: Identity, site: SitePaths, keeper: KeeperChild, board: BoardFolder
) -> None:
    again = StaffMember("jimu", "別の人", ("principal",), Secret(b"another-passphrase"))
    with pytest.raises(LoginTakenError):
        admit_staff(root, site.root, [person("tonari"), again], QUICK)
    office = login(site.root, "jimu", PASSPHRASE)
    assert (office.who.display_name, office.who.roles) == ("齋藤 久美子", ("clerk",))
    office.logout()
    with pytest.raises(UnknownLoginError):  # all or nobody
        login(site.root, "tonari", PASSPHRASE)
    assert logins(site, board) == ["@board", "@box", "@hub", "jimu"]


def test_only_this_boards_root_may_admit(school: School, tmp_path: Path) -> None:
    other = init_board(tmp_path / "other", "別の市", BOARD_PASSPHRASE, QUICK).unlock(BOARD_PASSPHRASE)
    with pytest.raises(BadSignatureError) as caught:
        admit_staff(other, school.site, [person("damono")], QUICK)
    assert "damono" not in str(caught.value)
    with pytest.raises(UnknownLoginError):
        login(school.site, "damono", PASSPHRASE)


def test_the_staff_of_a_school_have_keys_of_their_own(school: School) -> None:
    reader = Reader(school.paths.store)
    people = {p.login: p for p in read_people(reader, school.board.root, school.made.code).people}
    reader.close()
    assert {name for name, _, _ in STAFF} <= set(people)
    assert len({p.sign_key for p in people.values()}) == len({p.seal_key for p in people.values()}) == len(people)
    assert all(shown.encode() not in msgspec.msgpack.encode(p) for p in people.values() for _, shown, _ in STAFF)


def test_a_failed_enrolment_leaves_nothing_behind(tmp_path: Path) -> None:
    board = init_board(tmp_path / "board", "試験市教育委員会", "board-passphrase-1", KdfProfile.QUICK)
    root = board.unlock("board-passphrase-1")
    made = make_school(5, 2026)
    place = ReplicaPlace(made.code, made.name, "http://127.0.0.1:9", "b", "us-east-1", "a", "s")
    new = NewSchool(made.code, made.name, place, StoreSection("http://127.0.0.1:9", "b"))
    nobody = StaffMember("x", "x", ("clerk",), Secret(b""))
    with pytest.raises(ShortPassphraseError):
        enrol_school(board, root, new, [nobody], tmp_path / "site", KdfProfile.QUICK)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board"]
    enrol_school(board, root, new, [], tmp_path / "site", KdfProfile.QUICK)
