"""Two officers open the board's root, any two of them; one alone opens nothing, whatever else is in hand."""

import shutil
from itertools import combinations
from pathlib import Path

import msgspec
import pytest

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import BoardFolder, OfficersOnlyError, ReplicaPlace, init_board, open_board
from appliance.board.officers import (
    FILE,
    LEAST,
    MOST,
    OfficerCountError,
    Officers,
    OfficersFile,
    OfficerTakenError,
    SameOfficerError,
    UnknownOfficerError,
)
from appliance.board.restored import open_restored
from appliance.board.status import board_status
from appliance.config import StoreSection
from appliance.generator.school import make_school
from crypto.errors import (
    BadSignatureError,
    ContextMismatchError,
    CryptoError,
    MalformedError,
    OpenFailedError,
    UnknownVersionError,
    WrongPassphraseError,
)
from crypto.identity import Identity, KdfProfile, open_identity
from crypto.importance import Importance
from crypto.pairwrap import open_pair, read_pair
from crypto.people import open_people
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.site import SitePaths
from tests.appliance.test_cli import run
from tests.school import BOARD_PASSPHRASE

CODE = make_school(31, 2026).code
QUICK = KdfProfile.QUICK
KACHO, SHUJI, SHIDO = ("kacho", "first-officer"), ("shuji", "second-officer"), ("shido", "third-officer")


@pytest.fixture
def board(tmp_path: Path) -> BoardFolder:
    return init_board(tmp_path / "board", "試験市教育委員会", BOARD_PASSPHRASE, QUICK)


@pytest.fixture
def root(board: BoardFolder) -> Identity:
    return board.unlock(BOARD_PASSPHRASE)


@pytest.fixture
def officers(board: BoardFolder, root: Identity) -> Officers:
    """Three officers; the board's passphrase still opens."""
    made = Officers(board)
    for name, words in (KACHO, SHUJI, SHIDO):
        made.add(root, name, words, QUICK)
    return made


def stored(board: BoardFolder) -> OfficersFile:
    return msgspec.msgpack.decode((board.path / FILE).read_bytes(), type=OfficersFile)


def own_key(board: BoardFolder, claim: tuple[str, str]) -> Identity:
    """Return what an officer has for themselves."""
    return open_identity(stored(board).keys[Officers(board).names.index(claim[0])], claim[1], board.pepper)


def test_any_two_of_three_open_the_root_in_either_order(
    board: BoardFolder, root: Identity, officers: Officers
) -> None:
    for one, other in combinations((KACHO, SHUJI, SHIDO), 2):
        for claims in ((one, other), (other, one)):
            assert Officers(open_board(board.path)).open(*claims).to_bytes() == root.to_bytes()


def test_one_officer_alone_opens_nothing_with_the_whole_folder_and_store_in_hand(
    board: BoardFolder, root: Identity, tmp_path: Path
) -> None:
    place = ReplicaPlace(CODE, "試験校", "http://127.0.0.1:9", "tests", "us-east-1", "access", "secret-secret")
    new = NewSchool(CODE, "試験校", place, StoreSection("http://127.0.0.1:9", "tests"))
    site: SitePaths = enrol_school(board, root, new, [], tmp_path / "site", QUICK)
    made = Officers(board)
    for name, words in (KACHO, SHUJI, SHIDO):
        made.add(root, name, words, QUICK)
    made.require_both(KACHO, SHUJI)
    file, roster = stored(board), open_people(stored(board).roster, board.root, "@officers")
    for claim in (KACHO, SHUJI, SHIDO):
        alone = own_key(board, claim)
        for pair in file.pairs:
            header = read_pair(pair)
            for other in (header.outer, header.inner):
                pretended = Identity(other, alone.seal, alone.sign)
                with pytest.raises(CryptoError):
                    open_pair(pair, board.root, roster.version, alone, pretended)
        for sealed in file.keys:
            if sealed != file.keys[made.names.index(claim[0])]:
                with pytest.raises(WrongPassphraseError):
                    open_identity(sealed, claim[1], board.pepper)
        with pytest.raises(OfficersOnlyError):
            board.unlock(claim[1])
        reader = Reader(site.store)
        keyring = open_keyring(reader, alone, board.root)
        assert not any(keyring.cleared(importance) for importance in Importance)
        reader.close()
    secrets = [root.sign.to_bytes().reveal(), root.seal.to_bytes().reveal()]
    for path in (path for path in board.path.rglob("*") if path.is_file()):
        assert not any(secret in path.read_bytes() for secret in secrets), path
    both = Officers(board).open(SHUJI, SHIDO)
    store = open_restored(site.root, both)
    store.close()
    reader = Reader(site.store)
    keyring = open_keyring(reader, both, board.root)
    assert all(keyring.cleared(importance) for importance in Importance)
    reader.close()


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ((KACHO, KACHO), SameOfficerError),
        ((KACHO, ("kacho", SHUJI[1])), SameOfficerError),
        ((KACHO, ("shuji", KACHO[1])), WrongPassphraseError),
        ((("kacho", "guess"), SHUJI), WrongPassphraseError),
        ((KACHO, ("nobody", "x")), UnknownOfficerError),
    ],
)
def test_two_people_with_their_own_passphrases_are_asked_for(
    board: BoardFolder,
    officers: Officers,
    claims: tuple[tuple[str, str], tuple[str, str]],
    refused: type[Exception],
) -> None:
    with pytest.raises(refused):
        Officers(board).open(*claims)


def test_whoever_leaves_opens_nothing_any_more(board: BoardFolder, root: Identity, officers: Officers) -> None:
    leaver, before = own_key(board, SHIDO), stored(board)
    stays = own_key(board, KACHO)
    Officers(board).remove(root, "shido")
    assert Officers(board).names == ["kacho", "shuji"]
    with pytest.raises(UnknownOfficerError):
        Officers(board).open(KACHO, SHIDO)
    after = stored(board)
    assert len(after.pairs) == 1 and not set(after.pairs) & set(before.pairs)
    version = open_people(after.roster, board.root, "@officers").version
    for pair in (*after.pairs, *before.pairs):  # the former wraps are of a former roster
        with pytest.raises(CryptoError):
            open_pair(pair, board.root, version, leaver, stays)
    assert Officers(board).open(KACHO, SHUJI).to_bytes() == root.to_bytes()


def test_nobody_is_locked_out(board: BoardFolder, root: Identity) -> None:
    officers = Officers(board)
    officers.add(root, *KACHO, QUICK)
    with pytest.raises(OfficerCountError):
        officers.require_both(KACHO, SHUJI)
    officers.add(root, *SHUJI, QUICK)
    with pytest.raises(WrongPassphraseError):
        officers.require_both(KACHO, ("shuji", "typed wrong"))
    assert board.one_opens and board.unlock(BOARD_PASSPHRASE).to_bytes() == root.to_bytes()
    officers.require_both(KACHO, SHUJI)
    assert not open_board(board.path).one_opens
    with pytest.raises(OfficersOnlyError):
        board.unlock(BOARD_PASSPHRASE)
    with pytest.raises(OfficerCountError):
        officers.remove(root, "shuji")
    assert officers.names == ["kacho", "shuji"] and Officers(board).open(SHUJI, KACHO)


def test_names_are_taken_once_and_their_number_is_bounded(board: BoardFolder, root: Identity) -> None:
    officers = Officers(board)
    for number in range(MOST):
        officers.add(root, f"officer{number}", "words", QUICK)
    before = (board.path / FILE).read_bytes()
    with pytest.raises(OfficerTakenError):
        officers.add(root, "officer0", "other words", QUICK)
    with pytest.raises(OfficerCountError) as caught:
        officers.add(root, "one-more", "words", QUICK)
    assert caught.value.params == {"count": MOST + 1, "least": LEAST, "most": MOST}
    assert (board.path / FILE).read_bytes() == before
    assert len(stored(board).pairs) == MOST * (MOST - 1) // 2


def test_a_list_that_this_boards_root_did_not_sign_is_refused(
    board: BoardFolder, root: Identity, officers: Officers, tmp_path: Path
) -> None:
    other = init_board(tmp_path / "other", "別の市", BOARD_PASSPHRASE, QUICK)
    before = (board.path / FILE).read_bytes()
    with pytest.raises(BadSignatureError):
        Officers(board).add(other.unlock(BOARD_PASSPHRASE), "mallory", "words", QUICK)
    assert (board.path / FILE).read_bytes() == before
    Officers(other).add(other.unlock(BOARD_PASSPHRASE), "mallory", "words", QUICK)
    shutil.copy(other.path / FILE, board.path / FILE)
    with pytest.raises(BadSignatureError):
        Officers(board)


def test_a_damaged_file_is_refused_by_name(board: BoardFolder, officers: Officers) -> None:
    file, good = board.path / FILE, stored(board)
    for damaged, refused in (
        (b"", MalformedError),
        (b"\x93\x01\x02\x03", MalformedError),
        (msgspec.msgpack.encode(msgspec.structs.replace(good, format=2)), UnknownVersionError),
    ):
        file.write_bytes(damaged)
        with pytest.raises(refused):
            Officers(board)
    turned = msgspec.structs.replace(good, keys=good.keys[::-1])
    file.write_bytes(msgspec.msgpack.encode(turned))
    with pytest.raises((WrongPassphraseError, ContextMismatchError)):
        Officers(board).open(KACHO, SHUJI)
    file.write_bytes(msgspec.msgpack.encode(msgspec.structs.replace(good, pairs=good.pairs[:0])))
    with pytest.raises(MalformedError):
        Officers(board).open(KACHO, SHUJI)
    mixed = bytearray(good.pairs[0])
    mixed[-1] ^= 1
    file.write_bytes(msgspec.msgpack.encode(msgspec.structs.replace(good, pairs=(bytes(mixed), *good.pairs[1:]))))
    header = read_pair(good.pairs[0])
    named = {person.id: person.login for person in Officers(board).people}
    words = dict((KACHO, SHUJI, SHIDO))
    one, other = ((named[officer], words[named[officer]]) for officer in (header.outer, header.inner))
    with pytest.raises(OpenFailedError):
        Officers(board).open(one, other)


def test_a_board_of_before_goes_on_working_and_says_that_one_person_opens(
    board: BoardFolder, root: Identity
) -> None:
    assert board_status(board).one_opens and board_status(board).officers == ()
    told = run("board", "--board", board.path, "status")
    assert told.code == 0 and "1人でも" in told.out and "board officer add" in told.out
    assert Officers(board).names == []


def test_the_commands_from_one_passphrase_to_two_officers(board: BoardFolder, tmp_path: Path) -> None:
    words, base = tmp_path / "words", ("board", "--board", board.path)
    both = f"{KACHO[0]}\n{KACHO[1]}\n{SHUJI[0]}\n{SHUJI[1]}\n"
    for name, passphrase in (KACHO, SHUJI):
        words.write_text(passphrase)
        add = (*base, "officer", "add", name, "--new-passphrase-file", words, "--passphrase-stdin")
        assert run(*add, stdin=f"{BOARD_PASSPHRASE}\n").code == 0
    assert "1人でも" in run(*base, "status").out
    required = run(*base, "officer", "require-two", "--passphrase-stdin", stdin=both)
    assert required.code == 0 and "root.sealed" in required.out and not board.one_opens
    told = msgspec.json.decode(run(*base, "status", "--json").out)
    assert told == {
        "board": board.name,
        "root": board.root.fingerprint,
        "schools": [],
        "officers": ["kacho", "shuji"],
        "one_opens": False,
        "deposit": None,
    }
    again = (*base, "officer", "add", "shido", "--new-passphrase-file", words, "--passphrase-stdin")
    alone = run(*again, stdin=f"{KACHO[0]}\n{KACHO[1]}\n{KACHO[0]}\n{KACHO[1]}\n")
    assert (alone.code, alone.error()) == (12, "APP-451")
    former = run(*again, stdin=f"{BOARD_PASSPHRASE}\n")
    assert former.code == 12 and former.error() == "APP-450"
    assert run(*again, stdin=both).code == 0
    gone = run(*base, "officer", "remove", "shuji", "--passphrase-stdin", stdin=both)
    assert gone.code == 0 and "officers.recovery" in gone.out
    assert run(*base, "officer", "list").out.splitlines() == ["kacho", "shido"]
    assert msgspec.json.decode(run(*base, "officer", "list", "--json").out) == {"officers": ["kacho", "shido"]}
