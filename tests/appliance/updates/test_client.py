"""What a box believes of updates, over real TUF metadata: ways to fool it, by the names of their reasons."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from appliance.provision.bundle import Bundle
from appliance.updates.client import Trust, UpdateClient
from appliance.updates.errors import (
    NoUpdatesError,
    OfficerKeyError,
    RepositoryStateError,
    UpdateExpiredError,
    UpdateMixedError,
    UpdateRolledBackError,
    UpdateRootMissingError,
    UpdateUnsignedError,
)
from appliance.updates.fetched import Fetched
from appliance.updates.keys import make_key, open_key, read_public
from appliance.updates.places import PIECE
from appliance.updates.publishing import send
from crypto.errors import KurabakoError, WrongPassphraseError
from crypto.identity import KdfProfile
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.folderstore import FolderConfig, FolderStore
from tests.appliance.provision.bundles import MACHINE, PYTHON, make_bundle
from tests.appliance.updates.board import PHRASE, Board, Reader

DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    work = tmp_path_factory.mktemp("bundles")
    return make_bundle(work, "0.1.0"), make_bundle(work, "0.2.0")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, bundles: tuple[Path, Path]) -> Board:
    """Return a board that published 0.1.0."""
    board = Board(tmp_path_factory.mktemp("board")).begin()
    board.release(bundles[0])
    return board


@pytest.fixture
def board(first: Board, tmp_path: Path) -> Board:
    shutil.copytree(first.path, tmp_path / "board")
    return Board(tmp_path / "board", first.now, dict(first.keys))


@pytest.fixture
def box(board: Board, tmp_path: Path) -> Reader:
    return Reader(tmp_path / "box", board.repository.root())


@pytest.fixture
def medium(board: Board, tmp_path: Path) -> Path:
    return board.medium(tmp_path / "medium")


def test_a_signed_release_arrives_whole(board: Board, box: Reader, medium: Path, tmp_path: Path) -> None:
    release = box.take(medium, board.ms(), tmp_path / "to")
    taken = Bundle.open(tmp_path / "to")
    assert (release.manifest.version, release.digest) == ("0.1.0", taken.digest)
    assert set(taken.manifest.files) == set(taken.names(PYTHON, MACHINE))
    assert not list((tmp_path / "to").rglob(".*"))


def test_a_second_look_brings_only_what_is_new(
    board: Board, box: Reader, medium: Path, tmp_path: Path, bundles: tuple[Path, Path]
) -> None:
    to = tmp_path / "to"
    box.take(medium, board.ms(), to)
    same = {path: path.stat().st_ino for path in (to / "wheels").iterdir() if "kurabako" not in path.name}
    board.release(bundles[1])
    release = box.take(board.medium(medium), board.ms(), to)
    assert release.manifest.version == "0.2.0"
    assert {path: path.stat().st_ino for path in same} == same


def test_what_was_fetched_is_read_as_a_medium_is(
    board: Board, box: Reader, medium: Path, tmp_path: Path, bundles: tuple[Path, Path]
) -> None:
    fetched, root = Fetched(tmp_path / "fetched"), Reader(tmp_path / "root", box.root)
    for version in ("0.1.0", "0.2.0"):
        line = Reader(fetched.root, box.root)
        line.take(board.medium(medium), 0, fetched.bundle)  # the line's side judges no times
        client = root.client(fetched, board.ms(), prefix="")
        release = client.release(root.path)
        client.collect(release, tmp_path / version, PYTHON, MACHINE)
        assert Bundle.open(tmp_path / version, version=version).digest == release.digest
        board.later(days=1)
        board.release(bundles[1])
    for act in (lambda: fetched.put("metadata/x", b""), lambda: fetched.create("metadata/x", b"")):
        with pytest.raises(StoreRefusedError):
            act()


def test_an_old_state_shown_again_is_refused(
    board: Board, box: Reader, medium: Path, tmp_path: Path, bundles: tuple[Path, Path]
) -> None:
    old = shutil.copytree(medium, tmp_path / "old")
    board.release(bundles[1])
    assert box.look(board.medium(medium), board.ms()).manifest.version == "0.2.0"
    with pytest.raises(UpdateRolledBackError):
        box.look(old, board.ms())
    assert Reader(tmp_path / "other", box.root).look(old, board.ms()).manifest.version == "0.1.0"


def test_an_older_release_under_a_newer_timestamp_is_refused(
    board: Board, box: Reader, medium: Path, bundles: tuple[Path, Path]
) -> None:
    """Whoever stole the online key alone cannot bring an old release back."""
    board.release(bundles[1])
    box.look(board.medium(medium), board.ms())
    folder = board.repository.path / "metadata"
    (folder / "2.targets.json").unlink()
    board.publish()
    with pytest.raises(UpdateRolledBackError):
        box.look(board.medium(medium), board.ms())


def test_a_state_that_nobody_vouches_for_any_more_is_refused(board: Board, box: Reader, medium: Path) -> None:
    assert box.look(medium, board.ms() + 29 * DAY_MS)
    with pytest.raises(UpdateExpiredError) as caught:
        box.look(medium, board.ms() + 31 * DAY_MS)
    assert "timestamp" in str(caught.value.params["problem"])
    board.later(days=31)
    board.publish()
    assert box.look(board.medium(medium), board.ms())


def test_the_boxs_own_time_counts_and_not_the_machines(board: Board, box: Reader, medium: Path) -> None:
    """The metadata of these tests lies in the machine's past or future: it is judged by what was handed over."""
    for shift in (0, 10 * 365 * DAY_MS):
        fresh = Board(board.path, board.now + timedelta(milliseconds=shift), board.keys)
        fresh.publish()
        if shift:
            with pytest.raises(UpdateExpiredError):  # the root's and the release's own life is over by then
                box.look(fresh.medium(medium), fresh.ms())
        else:
            assert box.look(fresh.medium(medium), fresh.ms())


def _targets(board: Board, bundle: Path, names: tuple[str, ...]) -> None:
    board.repository.stage(Bundle.open(bundle), board.now)
    board.sign(*names)


@pytest.mark.parametrize("names", [(), ("sato",), ("sato", "sato")])
def test_a_release_takes_two_officers(board: Board, bundles: tuple[Path, Path], names: tuple[str, ...]) -> None:
    _targets(board, bundles[1], names)
    with pytest.raises(UpdateUnsignedError):
        board.publish()
    board.sign(*{"sato", "suzuki"} - set(names))
    board.publish()


def test_a_box_counts_the_signatures_itself(board: Board, box: Reader, bundles: tuple[Path, Path]) -> None:
    _targets(board, bundles[1], ("sato",))
    staged = board.repository.path / "staged" / "targets.json"
    staged.rename(board.repository.path / "metadata" / "2.targets.json")
    board.publish()
    with pytest.raises(UpdateUnsignedError):
        box.look(board.medium(board.path / "medium"), board.ms())


def _altered(file: Path) -> None:
    raw = json.loads(file.read_bytes())
    raw["signed"]["expires"] = "2099-01-01T00:00:00Z"
    file.write_bytes(json.dumps(raw).encode())


SPOILT: dict[str, tuple[str, Callable[[Path], object], type[KurabakoError]]] = {
    "timestamp altered": ("metadata/timestamp.json", _altered, UpdateUnsignedError),
    "snapshot altered": ("metadata/1.snapshot.json", _altered, UpdateMixedError),
    "targets altered": ("metadata/1.targets.json", _altered, UpdateMixedError),
    "timestamp is no JSON": ("metadata/timestamp.json", lambda file: file.write_bytes(b"{"), UpdateMixedError),
    "timestamp endless": ("metadata/timestamp.json", lambda f: f.write_bytes(b" " * 10**6), UpdateMixedError),
    "timestamp missing": ("metadata/timestamp.json", Path.unlink, NoUpdatesError),
    "snapshot missing": ("metadata/1.snapshot.json", Path.unlink, NoUpdatesError),
    "targets missing": ("metadata/1.targets.json", Path.unlink, NoUpdatesError),
}


@pytest.mark.parametrize("how", SPOILT)
def test_spoilt_metadata_is_refused(board: Board, box: Reader, medium: Path, how: str) -> None:
    name, act, error = SPOILT[how]
    act(medium / "updates" / name)
    with pytest.raises(error):
        box.look(medium, board.ms())


@pytest.mark.parametrize("part", ["snapshot", "targets"])
def test_parts_of_two_states_do_not_fit_together(
    board: Board, box: Reader, medium: Path, bundles: tuple[Path, Path], part: str
) -> None:
    board.release(bundles[1])
    board.medium(medium)
    metadata = medium / "updates" / "metadata"
    shutil.copy(metadata / f"1.{part}.json", metadata / f"2.{part}.json")
    with pytest.raises(UpdateMixedError):
        box.look(medium, board.ms())


def _pieces(medium: Path, name: str) -> Path:
    return next(path for path in (medium / "updates" / "targets").rglob(f"*{name}") if path.is_dir())


PIECES: dict[str, tuple[Callable[[Path], object], type[KurabakoError]]] = {
    "altered": (lambda folder: (folder / "00000").write_bytes(b"x" * 100), UpdateMixedError),
    "longer": (lambda folder: (folder / "00001").write_bytes(b"x"), UpdateMixedError),
    "missing": (shutil.rmtree, NoUpdatesError),
}


@pytest.mark.parametrize("name", ["kurabako-0.1.0-py3-none-any.whl", "kurabako-keeper.service", "manifest.json"])
@pytest.mark.parametrize("how", PIECES)
def test_a_spoilt_file_is_never_written(
    board: Board, box: Reader, medium: Path, tmp_path: Path, name: str, how: str
) -> None:
    act, error = PIECES[how]
    act(_pieces(medium, name))
    with pytest.raises(error):
        box.take(medium, board.ms(), tmp_path / "to")
    assert not list(tmp_path.glob(f"to/**/{name}")) and not (tmp_path / "to" / "manifest.json").exists()


def test_a_file_larger_than_a_piece_is_put_together_again(board: Board, tmp_path: Path) -> None:
    body = f"def main():\n    print('big')\n\n\nFILLING = '{'x' * (2 * PIECE)}'\n"
    big = make_bundle(tmp_path, "0.3.0", body)
    board.release(big)
    medium = board.medium(tmp_path / "medium")
    folder = _pieces(medium, "kurabako-0.3.0-py3-none-any.whl")
    assert len(list(folder.iterdir())) == 3
    box = Reader(tmp_path / "box", board.repository.root())
    assert box.take(medium, board.ms(), tmp_path / "to").manifest.version == "0.3.0"
    (folder / "00001").unlink()
    with pytest.raises(UpdateMixedError):
        Reader(tmp_path / "other", box.root).take(medium, board.ms(), tmp_path / "again")


def test_another_board_is_not_believed(board: Board, medium: Path, tmp_path: Path) -> None:
    (tmp_path / "forger").mkdir()
    forger = Board(tmp_path / "forger").begin()
    with pytest.raises(UpdateUnsignedError):
        Reader(tmp_path / "box", forger.repository.root()).look(medium, board.ms())


def test_a_box_without_a_root_or_a_medium_says_so(board: Board, box: Reader, tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachableError):
        box.look(tmp_path / "not plugged in", board.ms())
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoUpdatesError):
        box.look(tmp_path / "empty", board.ms())
    with pytest.raises(UpdateMixedError):
        Reader(tmp_path / "other", b"no root").look(tmp_path / "empty", board.ms())
    store, trust = (
        FolderStore(FolderConfig(tmp_path / "empty")),
        Trust(tmp_path / "absent.json", tmp_path / "seen"),
    )
    with pytest.raises(UpdateRootMissingError):
        UpdateClient(store, trust, board.ms(), place="test")


def test_officers_change_only_by_two_of_those_before(
    board: Board, box: Reader, medium: Path, bundles: tuple[Path, Path]
) -> None:
    box.look(medium, board.ms())
    new = make_key(board.path / "keys" / "ito", PHRASE, KdfProfile.QUICK)
    board.keys["ito"] = open_key(board.path / "keys" / "ito", PHRASE)
    board.repository.add_key(new, board.now)
    board.repository.remove_key(read_public(board.path / "keys" / "sato.pub"), board.now)
    board.sign("ito", "suzuki")
    with pytest.raises(UpdateUnsignedError):  # suzuki alone of those before
        board.publish()
    board.sign("takahashi")
    board.publish()
    board.release(bundles[1], "ito", "suzuki")
    assert box.look(board.medium(medium), board.ms()).manifest.version == "0.2.0"
    board.repository.stage(Bundle.open(bundles[0]), board.now)
    with pytest.raises(OfficerKeyError):
        board.sign("sato")


def test_every_step_of_the_board_may_be_cut_and_done_again(
    board: Board, box: Reader, medium: Path, bundles: tuple[Path, Path]
) -> None:
    board.repository.stage(Bundle.open(bundles[1]), board.now)
    board.repository.stage(Bundle.open(bundles[1]), board.now)
    board.sign("sato", "suzuki")
    (board.repository.path / "metadata" / "2.snapshot.json").write_bytes(
        (board.repository.path / "metadata" / "1.snapshot.json").read_bytes()
    )
    board.publish()
    board.publish()
    assert box.look(board.medium(medium), board.ms()).manifest.version == "0.2.0"


class Cut(FolderStore):
    """A medium that is pulled out after so many objects."""

    left = 0

    def put(self, key: str, data: bytes) -> None:
        if not self.left:
            raise StoreUnreachableError(operation="store object", subject=key, endpoint="medium")
        self.left -= 1
        super().put(key, data)


@pytest.mark.parametrize("after", range(0, 9, 2))
def test_a_medium_pulled_out_while_it_was_written_shows_the_state_before(
    board: Board, box: Reader, medium: Path, bundles: tuple[Path, Path], after: int
) -> None:
    board.release(bundles[1])
    store = Cut(FolderConfig(medium))
    store.left = after
    with pytest.raises(StoreUnreachableError):
        send(board.repository, store)
    assert box.look(medium, board.ms()).manifest.version == "0.1.0"
    send(board.repository, FolderStore(FolderConfig(medium)))
    assert box.look(medium, board.ms()).manifest.version == "0.2.0"


def test_keys_open_by_their_passphrase_only(board: Board) -> None:
    file = board.path / "keys" / "sato"
    assert file.stat().st_mode & 0o077 == 0 and b"private" not in file.read_bytes()
    with pytest.raises(WrongPassphraseError):
        open_key(file, "another")
    with pytest.raises(OfficerKeyError):
        make_key(file, PHRASE, KdfProfile.QUICK)
    for wrong in ("absent.pub", "sato"):
        with pytest.raises(OfficerKeyError):
            read_public(board.path / "keys" / wrong)
    with pytest.raises(ValueError, match="file:x"):
        type(board.keys["sato"]).from_priv_key_uri("file:x", board.keys["sato"].public_key)


def test_a_folder_says_what_is_missing(tmp_path: Path) -> None:
    board = Board(tmp_path)
    with pytest.raises(RepositoryStateError):
        board.repository.root()
    with pytest.raises(RepositoryStateError):
        board.repository.add_key(make_key(tmp_path / "key", PHRASE, KdfProfile.QUICK), board.now)
    with pytest.raises(RepositoryStateError):
        Board(tmp_path).repository.publish(open_key(tmp_path / "key", PHRASE), board.now)
    board.begin()
    with pytest.raises(RepositoryStateError):
        board.repository.init(PHRASE, board.now, KdfProfile.QUICK)
    with pytest.raises(RepositoryStateError):
        board.medium(tmp_path / "medium")
    with pytest.raises(OfficerKeyError):
        board.repository.add_key(read_public(tmp_path / "keys" / "sato.pub"), board.now)
    board.repository.remove_key(read_public(tmp_path / "keys" / "sato.pub"), board.now)
    with pytest.raises(RepositoryStateError):
        board.repository.remove_key(read_public(tmp_path / "keys" / "suzuki.pub"), board.now)


def test_what_was_published_is_what_the_specification_asks_for(board: Board) -> None:
    """Two of three for roots and releases, one for freshness, names by version and hash."""
    root = Metadata.from_bytes(board.repository.root()).signed
    assert root.consistent_snapshot
    wanted = {"root": (3, 2), "targets": (3, 2), "snapshot": (1, 1), "timestamp": (1, 1)}
    assert {name: (len(role.keyids), role.threshold) for name, role in root.roles.items()} == wanted
    officers = set(root.roles["root"].keyids)
    assert not officers & set(root.roles["timestamp"].keyids)
