"""The board's deposit: a bare machine becomes the board with two officers' media; one, or the store, cannot."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from appliance.board.deposit import DepositHead, deposit_name, open_deposit, seal_deposit
from appliance.board.depositing import DepositPlaceError, deposit_told, keep_deposit_place, make_deposit
from appliance.board.folder import BoardExistsError, BoardFolder, ReplicaPlace, init_board
from appliance.board.officerkey import SUFFIX, DepositPlace, OfficerKey, read_officer_key, write_officer_key
from appliance.board.officers import OfficerCountError, Officers, SameOfficerError, UnknownOfficerError
from appliance.board.recovery import DepositMissingError, DepositOldError, recover_board
from appliance.generator.school import make_school
from crypto.errors import (
    BadSignatureError,
    ContextMismatchError,
    MalformedError,
    UnknownVersionError,
    WrongPassphraseError,
)
from crypto.identity import Identity, KdfProfile
from crypto.secret import Secret
from sync.embedded import EmbeddedStore
from sync.objectstore import ObjectStore
from tests.appliance.test_cli import run
from tests.school import BOARD_PASSPHRASE

QUICK = KdfProfile.QUICK
WORDS = {"kacho": "kacho-no-aikotoba", "shuji": "shuji-no-aikotoba", "shido": "shido-no-aikotoba"}
CODE = make_school(61, 2026).code
STORE_SECRET = "the-schools-own-secret"
BUCKET = "tests"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(tmp_path_factory.mktemp("cloud") / "store", "access", Secret(b"secret-secret"), BUCKET)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def place(cloud: EmbeddedStore) -> DepositPlace:
    return DepositPlace(cloud.config.endpoint, BUCKET, "us-east-1", "access", "secret-secret")


@pytest.fixture
def root(board: BoardFolder) -> Identity:
    return board.unlock(BOARD_PASSPHRASE)


@pytest.fixture
def board(tmp_path: Path, cloud: EmbeddedStore) -> BoardFolder:
    """A board with a school and two officers."""
    made = init_board(tmp_path / "board", "試験市教育委員会", BOARD_PASSPHRASE, QUICK)
    made.keep_place(
        ReplicaPlace(CODE, "試験小学校", cloud.config.endpoint, BUCKET, "us-east-1", "access", STORE_SECRET, 3)
    )
    officers = Officers(made)
    for name in ("kacho", "shuji"):
        officers.add(made.unlock(BOARD_PASSPHRASE), name, WORDS[name], QUICK)
    return made


def medium(board: BoardFolder, name: str, place: DepositPlace, serial: int = 0) -> OfficerKey:
    folder = board.path.parent / f"medium-{name}"
    folder.mkdir(exist_ok=True)
    write_officer_key(board, name, folder, place, serial)
    return read_officer_key(folder)


def objects(place: DepositPlace) -> ObjectStore:
    return ObjectStore(place.writing())


@pytest.fixture
def media(board: BoardFolder, root: Identity, place: DepositPlace) -> tuple[OfficerKey, OfficerKey]:
    keep_deposit_place(board, place)
    make_deposit(board, root)
    return medium(board, "kacho", place, 1), medium(board, "shuji", place, 1)


def test_a_bare_machine_becomes_the_board_and_only_two_officers_open_it(
    board: BoardFolder, root: Identity, media: tuple[OfficerKey, OfficerKey], tmp_path: Path
) -> None:
    site_key = board.path / "hubs" / CODE / "credentials" / "site.key"
    site_key.parent.mkdir(parents=True)
    site_key.write_bytes(b"k" * 32)
    make_deposit(board, root)
    made = recover_board(tmp_path / "bare", *media, WORDS.__getitem__)
    assert (made.board.name, made.board.root, made.board.schools) == (board.name, board.root, [CODE])
    assert made.board.place(CODE) == board.place(CODE) and made.board.place(CODE).epoch == 3
    assert (tmp_path / "bare" / "hubs" / CODE / "credentials" / "site.key").read_bytes() == b"k" * 32
    assert not made.board.one_opens, "the root under one passphrase is no part of a deposit"
    opened = Officers(made.board).open(*((name, WORDS[name]) for name in ("shuji", "kacho")))
    assert opened.to_bytes() == root.to_bytes()
    assert deposit_told(made.board) == deposit_told(board) and deposit_told(made.board).current
    for path in (tmp_path / "bare").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_the_store_holds_none_of_what_only_the_board_may_read(
    board: BoardFolder, media: tuple[OfficerKey, OfficerKey], place: DepositPlace
) -> None:
    blob = objects(place).get(deposit_name(board.root))
    assert blob is not None
    officers = Officers(board)
    secret = [STORE_SECRET.encode(), board.pepper.reveal(), CODE.encode(), "試験小学校".encode(), b"secret-secret"]
    secret += [officers.entry(name)[1] for name in WORDS if name in officers.names]
    assert not [value for value in secret if value in blob]
    head = open_deposit(blob, board.root).head
    assert len(head.pairs) == 1 and b"kacho" in head.roster, "the officers and their wraps are in clear"


def test_one_officer_alone_opens_nothing(
    board: BoardFolder, media: tuple[OfficerKey, OfficerKey], place: DepositPlace, tmp_path: Path
) -> None:
    one, other = media
    with pytest.raises(SameOfficerError):
        recover_board(tmp_path / "bare", one, one, WORDS.__getitem__)
    with pytest.raises(WrongPassphraseError):
        recover_board(tmp_path / "bare", one, other, lambda _: WORDS["kacho"])
    # With everything that one officer has, opened: the wrap of the pair and the sealed part stay shut.
    mine = one.open(WORDS["kacho"])
    forged = msgspec.structs.replace(other, key=one.key, person=one.person)
    with pytest.raises(SameOfficerError):
        recover_board(tmp_path / "bare", one, forged, lambda _: WORDS["kacho"])
    blob = objects(place).get(deposit_name(board.root))
    assert blob is not None
    with pytest.raises(Exception) as caught:
        open_deposit(blob, board.root).files(replace(mine, person=board.root.to_bytes()[:16]))
    assert caught.type.__name__ == "OpenFailedError"
    assert not (tmp_path / "bare").exists() and list(tmp_path.glob(".*")) == []


def test_a_medium_shows_neither_the_key_nor_how_the_store_is_reached(
    board: BoardFolder, media: tuple[OfficerKey, OfficerKey], place: DepositPlace
) -> None:
    file = board.path.parent / "medium-kacho" / f"kacho{SUFFIX}"
    assert file.stat().st_mode & 0o777 == 0o600
    found = file.read_bytes()
    assert b"secret-secret" not in found and WORDS["kacho"].encode() not in found
    assert repr(media[0]) == "<redacted>"
    reader = msgspec.structs.replace(place, read_access_key="reader", read_secret_key="reads-only")
    told = medium(board, "kacho", reader)
    inside = told.read_place(told.open(WORDS["kacho"]))
    assert (inside.access_key, inside.secret_key) == ("reader", "reads-only"), "the pair that writes stays here"
    assert inside.reading().access_key == "reader"


def test_a_deposit_of_before_is_not_taken_for_the_newest(
    board: BoardFolder, root: Identity, media: tuple[OfficerKey, OfficerKey], place: DepositPlace, tmp_path: Path
) -> None:
    name = deposit_name(board.root)
    former = objects(place).get(name)
    assert former is not None
    make_deposit(board, root)
    newer = medium(board, "shuji", place, 2)
    objects(place).put(name, former)
    with pytest.raises(DepositOldError):
        recover_board(tmp_path / "bare", media[0], newer, WORDS.__getitem__)
    assert not (tmp_path / "bare").exists()


def test_who_left_brings_nothing_back(
    board: BoardFolder, root: Identity, media: tuple[OfficerKey, OfficerKey], tmp_path: Path
) -> None:
    officers = Officers(board)
    officers.add(root, "shido", WORDS["shido"], QUICK)
    officers.remove(root, "shuji")
    make_deposit(board, root)
    with pytest.raises(UnknownOfficerError):
        recover_board(tmp_path / "bare", *media, WORDS.__getitem__)
    shido = medium(board, "shido", DepositPlace("", "", "", "", ""))
    assert recover_board(tmp_path / "bare", media[0], shido, WORDS.__getitem__).board.schools == [CODE]


def test_a_damaged_forged_or_missing_deposit_is_refused_by_name(
    board: BoardFolder, root: Identity, media: tuple[OfficerKey, OfficerKey], place: DepositPlace, tmp_path: Path
) -> None:
    name = deposit_name(board.root)
    good = objects(place).get(name)
    assert good is not None
    mallory = init_board(tmp_path / "mallory", "別の市", BOARD_PASSPHRASE, QUICK).unlock(BOARD_PASSPHRASE)
    head = open_deposit(good, board.root).head
    turned = bytearray(good)
    turned[-1] ^= 1
    for bad, refused in (
        (b"", MalformedError),
        (b"\x02" + good[1:], UnknownVersionError),
        (good[:-4], MalformedError),
        (bytes(turned), ContextMismatchError),
        (seal_deposit(head, {}, mallory), BadSignatureError),
        (seal_deposit(head, {"../../etc/passwd": b""}, root), MalformedError),
        (seal_deposit(head, {"root.sealed": b"", "pepper": b""}, root), MalformedError),
        (seal_deposit(msgspec.structs.replace(head, root=b"r" * 32), {}, root), ContextMismatchError),
        (seal_deposit(msgspec.structs.replace(head, pairs=()), {}, root), MalformedError),
    ):
        objects(place).put(name, bad)
        with pytest.raises(refused):
            recover_board(tmp_path / "bare", *media, WORDS.__getitem__)
        assert not (tmp_path / "bare").exists() and list(tmp_path.glob(".*")) == []
    other = medium(board, "kacho", msgspec.structs.replace(place, bucket="tests"))
    with pytest.raises(ContextMismatchError):
        recover_board(
            tmp_path / "bare", other, msgspec.structs.replace(media[1], root=bytes(32)), WORDS.__getitem__
        )


def test_a_sealed_part_of_another_deposit_does_not_open(board: BoardFolder, root: Identity) -> None:
    head = DepositHead(board.name, board.root.to_bytes(), 1, 0, b"", (), b"")
    one = open_deposit(seal_deposit(head, {"pepper": b"1"}, root), board.root)
    other = open_deposit(seal_deposit(msgspec.structs.replace(head, serial=2), {"pepper": b"2"}, root), board.root)
    assert one.files(root) == {"pepper": b"1"}
    with pytest.raises(Exception) as caught:
        replace(other, sealed=one.sealed).files(root)
    assert caught.type.__name__ == "OpenFailedError"


def test_without_two_officers_or_a_place_nothing_is_deposited(tmp_path: Path, place: DepositPlace) -> None:
    lone = init_board(tmp_path / "lone", "試験市", BOARD_PASSPHRASE, QUICK)
    root = lone.unlock(BOARD_PASSPHRASE)
    with pytest.raises(DepositPlaceError):
        make_deposit(lone, root)
    keep_deposit_place(lone, place)
    Officers(lone).add(root, "kacho", WORDS["kacho"], QUICK)
    with pytest.raises(OfficerCountError):
        make_deposit(lone, root)
    assert objects(place).get(deposit_name(lone.root)) is None
    missing = medium(lone, "kacho", place)
    stranger = msgspec.structs.replace(missing, person=bytes(16), name="shuji")
    with pytest.raises(Exception) as caught:
        recover_board(tmp_path / "bare", missing, stranger, lambda _: WORDS["kacho"])
    assert caught.value.code == "APP-459"  # type: ignore[attr-defined]


def test_a_board_that_was_never_deposited_is_told_as_that(
    board: BoardFolder, place: DepositPlace, tmp_path: Path
) -> None:
    with pytest.raises(DepositMissingError):
        recover_board(
            tmp_path / "bare", medium(board, "kacho", place), medium(board, "shuji", place), WORDS.__getitem__
        )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    with pytest.raises(BoardExistsError):
        recover_board(
            tmp_path / "full", medium(board, "kacho", place), medium(board, "shuji", place), WORDS.__getitem__
        )


def test_the_commands_from_a_board_to_a_bare_machine(
    board: BoardFolder, place: DepositPlace, tmp_path: Path
) -> None:
    base, secret = ("board", "--board", board.path), tmp_path / "secret"
    secret.write_text(place.secret_key)
    assert "保管先に控えがありません" in run(*base, "status").out
    unset = run(*base, "deposit", "--passphrase-stdin", stdin=f"{BOARD_PASSPHRASE}\n")
    assert (unset.code, unset.error()) == (2, "APP-456")
    where = (
        "--endpoint",
        place.endpoint,
        "--bucket",
        BUCKET,
        "--access-key",
        "access",
        "--secret-key-file",
        secret,
    )
    told = run(*base, "deposit", *where, "--passphrase-stdin", stdin=f"{BOARD_PASSPHRASE}\n")
    assert (told.code, told.err) == (0, ""), told.err
    for name in ("kacho", "shuji"):
        (tmp_path / name).mkdir()
        assert run(*base, "officer", "key", name, "--to", tmp_path / name).code == 0
    words = tmp_path / "words"
    words.write_text(WORDS["shido"])
    added = run(
        *base,
        "officer",
        "add",
        "shido",
        "--new-passphrase-file",
        words,
        "--passphrase-stdin",
        stdin=f"{BOARD_PASSPHRASE}\n",
    )
    assert (added.code, added.err) == (0, "")
    status = msgspec.json.decode(run(*base, "status", "--json").out)
    assert status["deposit"]["current"] is True, "whoever changes the officers renews the deposit"
    board.keep_place(msgspec.structs.replace(board.place(CODE), epoch=4))
    assert msgspec.json.decode(run(*base, "status", "--json").out)["deposit"]["current"] is False
    bare = tmp_path / "machine" / "board"
    keys = ("--officer-key", tmp_path / "kacho", "--officer-key", tmp_path / "shuji" / f"shuji{SUFFIX}")
    both = f"{WORDS['kacho']}\n{WORDS['shuji']}\n"
    alone = run("board", "--board", bare, "recover", *keys[:2], "--passphrase-stdin", stdin=both)
    assert alone.code == 2 and not bare.exists()
    twice = run("board", "--board", bare, "recover", *keys[:2], *keys[:2], "--passphrase-stdin", stdin=both)
    assert (twice.code, twice.error()) == (12, "APP-451")
    shutil.rmtree(tmp_path / "machine", ignore_errors=True)
    os.mkdir(tmp_path / "machine")
    made = run("board", "--board", bare, "recover", *keys, "--passphrase-stdin", stdin=both, lang="en")
    assert (made.code, made.err) == (0, "") and board.root.fingerprint in made.out
    assert "1 schools" in made.out and Officers(BoardFolder(bare, board.name, board.root)).names[-1] == "shido"
