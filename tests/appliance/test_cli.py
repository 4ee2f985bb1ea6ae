"""The real command as its callers see it: words, streams, exit codes, and what it costs to import."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.board.enrolment import admit_staff
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.cli import COMMANDS
from appliance.generator.school import make_school
from appliance.generator.writer import write_school
from appliance.people import StaffMember
from crypto.identity import KdfProfile
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.embedded import EmbeddedStore
from sync.errors import LoginLockedError
from sync.ports import hold_port, number_of
from tests.appliance.oneroster.samples import CODE, clean
from tests.school import BOARD_PASSPHRASE, PASSPHRASE, School

BUCKET, ACCESS, SECRET = "cli", "access", "secret-secret"
GROUPS = {
    "board": (
        *(
            "init",
            "enrol",
            "admit",
            "renew",
            "show",
            "publish",
            "run",
            "restore",
            "drill",
            "timeline",
            "replace",
            "audit",
            "import-orphans",
            "deposit",
            "standby",
            "recover",
            "report",
            "page",
            "take-up",
            "lease",
            "officer",
            "share",
            "status",
        ),
    ),
    "bundle": ("build", "verify"),
    "exchange": ("waiting", "receipts", "take", "receipt", "out", "sent"),
    "demo": ("office", "line", "outage", "roster"),
    "replica": ("verify", "heal", "rebuild"),
    "roster": ("show", "import"),
    "segments": ("export", "import"),
    "update": ("check", "fetch", "apply", "repo", "rollback", "resume", "status", "tell"),
    "usb": ("refused", "collect"),
}
PLAN_KEYS = ("version", "mode", "encoding", "put", "remove", "unchanged", "classes", "totals")
# The ciphers, too; `email` and `tempfile` are what importlib's metadata and resources bring with them.
HEAVY = (
    *("textual", "obstore", "paramiko", "sqlite_utils", "holidays", "rich"),
    *("cryptography", "email", "tempfile"),
)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def error(self) -> str:
        """Return the error code after checking that stderr is one `error:` and one `hint:` line."""
        lines = self.err.splitlines()
        assert [line.partition(":")[0] for line in lines] == ["error", "hint"], self.err
        assert "Traceback" not in self.err and self.out == ""
        return lines[0].rpartition("[")[2].rstrip("]")


def run(*words: object, stdin: str = "", lang: str = "", python: tuple[str, ...] = ()) -> Ran:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "KURABAKO_", "CREDENTIALS_"))}
    env |= {"KURABAKO_LANG": lang} if lang else {}
    command = [sys.executable, *python, "-m", "appliance.cli", *map(str, words)]
    done = subprocess.run(command, input=stdin, env=env, capture_output=True, encoding="utf-8", timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> BoardFolder:
    folder = tmp_path_factory.mktemp("cli") / "board"
    return init_board(folder, "試験市教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)


def place(board: BoardFolder, endpoint: str) -> str:
    """Write down where a school's replica would be; return its code."""
    code = make_school(41, 2026).code
    board.keep_place(ReplicaPlace(code, "試験校", endpoint, BUCKET, "us-east-1", ACCESS, SECRET))
    return code


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path / "cloud" / "store", ACCESS, Secret(SECRET.encode()), BUCKET)
    store.start()
    yield store
    store.stop()


def test_the_groups_above_are_all_there_are() -> None:
    top = run("--help")
    assert top.code == 0 and top.err == ""
    assert [line.split()[0] for line in top.out.partition("Commands:")[2].splitlines() if line.strip()] == sorted(
        COMMANDS
    )
    for group, names in GROUPS.items():
        told = run(group, "--help").out.partition("Commands:")[2]
        assert [
            line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "
        ] == sorted(names)


@pytest.mark.parametrize(
    "words",
    [(name,) for name in COMMANDS] + [(group, name) for group, names in GROUPS.items() for name in names],
    ids=" ".join,
)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    told = run(*words, "--help")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"Usage: kurabako {words[0]}")
    text = [line.strip() for line in told.out.splitlines()[1:] if line.strip()]
    assert text[0] and not text[0].startswith("Options")


def test_version_and_wrong_words() -> None:
    assert run("--version").out.startswith("kurabako, version ")
    for words in (("nonsense",), ("status",), ("status", "x", "--nonsense"), ("board", "enrol")):
        told = run(*words)
        assert told.code == 2 and told.out == "" and "Usage:" in told.err


@pytest.mark.parametrize("command", [("status",), ("serve",), ("office",)])
def test_where_there_is_no_site(tmp_path: Path, command: tuple[str, ...]) -> None:
    told = run(*command, tmp_path)
    assert (told.code, told.error()) == (2, "APP-001")
    assert str(tmp_path / "kurabako.toml") in told.err and "学校データがありません" in told.err


def test_messages_are_japanese_unless_english_is_wanted(tmp_path: Path) -> None:
    japanese, english = run("status", tmp_path), run("status", tmp_path, lang="en")
    assert japanese.code == english.code == 2 and japanese.error() == english.error() == "APP-001"
    assert any("ぁ" <= letter <= "ん" for letter in japanese.err)
    assert english.err.replace(str(tmp_path), "").isascii()
    assert run("status", tmp_path, lang="ja").err == japanese.err


def test_an_unknown_key_is_named_with_the_nearest(school: School, tmp_path: Path) -> None:
    text = (school.site / "kurabako.toml").read_text("utf-8")
    (tmp_path / "kurabako.toml").write_text(text.replace("lock_after_s", "lock_afters"), "utf-8")
    told = run("status", tmp_path)
    assert (told.code, told.error()) == (2, "APP-003")
    assert "「office.lock_afters」" in told.err and "「office.lock_after_s」" in told.err


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "kurabako.toml").write_text("[site", "utf-8")
    told = run("status", tmp_path)
    assert (told.code, told.error()) == (2, "APP-002")


def test_wrong_passphrases_and_then_the_lock(school: School) -> None:
    person = StaffMember("kagi", "試験 職員", ("clerk",), Secret(PASSPHRASE.encode()))
    admit_staff(school.root, school.site, [person], KdfProfile.QUICK)
    words = ("roster", "import", school.site, school.zip, "--login", "kagi", "--passphrase-stdin")
    told = run(*words, stdin="wrong\n")
    assert (told.code, told.error()) == (12, "CRYPTO-004")
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        for _ in range(4):  # not by the command: a slow machine would take longer than the lock lasts
            client.login_begin("kagi")
        with pytest.raises(LoginLockedError):
            client.login_begin("kagi")
    locked = run(*words, stdin=f"{PASSPHRASE}\n")
    assert (locked.code, locked.error()) == (11, "SYNC-007") and "秒" in locked.err


def test_an_unknown_login_is_told_like_a_wrong_passphrase(school: School) -> None:
    told = run("roster", "import", school.site, school.zip, "--login", "daremo", "--passphrase-stdin", stdin="x\n")
    assert (told.code, told.error()) == (12, "SYNC-015")


def test_a_wrong_board_passphrase(board: BoardFolder, tmp_path: Path) -> None:
    told = run("board", "--board", board.path, "show", tmp_path, "--passphrase-stdin", stdin="wrong\n")
    assert (told.code, told.error()) == (12, "CRYPTO-004")


def test_no_board_and_a_second_board(board: BoardFolder, tmp_path: Path) -> None:
    told = run("board", "--board", tmp_path, "restore", "C2", "--to", tmp_path / "to")
    assert (told.code, told.error()) == (2, "APP-010")
    again = run("board", "--board", board.path, "init", "--name", "X", "--passphrase-stdin", stdin="y\n")
    assert (again.code, again.error()) == (2, "APP-011")


def test_importing_is_asked_for_and_told(school: School) -> None:
    words = ("roster", "import", school.site, school.zip, "--login", "jimu", "--passphrase-stdin")
    told = run(*words, "--yes", stdin=f"{PASSPHRASE}\n")
    assert told.code == 0 and told.err == ""
    assert told.out.startswith("OneRoster 1.2_JP・") and told.out.endswith(
        "変更はありません。 / nothing to change\n"
    )
    unsure = run(*words, stdin=f"{PASSPHRASE}\nn\n")
    assert unsure.code == 130 and "変更はありません" not in unsure.out


def test_status_while_the_daemon_does_not_run(school: School) -> None:
    told = run("status", school.site)
    assert told.code == 1 and told.err == ""
    assert told.out.splitlines()[0] == f"{school.made.name}（{school.made.code}）" and "状態不明" in told.out
    as_json = run("status", school.site, "--json")
    assert as_json.code == 1 and as_json.err == ""
    found = json.loads(as_json.out)
    known = {"format", "version", "at_ms", "school", "name", "site", "epoch", "running", "link", "warnings"}
    known |= {"conflicts", "quarantined", "alarms", "disk_free_bytes", "disk_size_bytes", "disk_writable"}
    assert (found["school"], found["running"], found["link"], found["warnings"]) == (
        school.made.code,
        False,
        "unknown",
        [],
    )
    assert {name for name, value in found.items() if value is not None} == known
    assert (found["conflicts"], found["quarantined"]) == (0, 0)


def test_showing_a_good_roster(tmp_path: Path) -> None:
    made = make_school(42, 2026)
    write_school(made, tmp_path / "good.zip")
    told = run("roster", "show", tmp_path / "good.zip", "--school", made.code)
    assert (told.code, told.err) == (0, "")
    assert "取り込まない行 0行" in told.out and all(c.title in told.out for c in made.classes)
    as_json = run("roster", "show", tmp_path / "good.zip", "--school", made.code, "--json")
    shape = json.loads(as_json.out)
    assert list(shape) == [*PLAN_KEYS, "quarantined", "warnings"]
    assert len(shape["classes"]) == len(made.classes)
    assert not any(p.name.family in as_json.out for c in made.classes for p in c.pupils)


def test_showing_a_dirty_roster(tmp_path: Path) -> None:
    sample = clean()
    sample.row("enrollments")["role"] = "wizard"
    file = sample.zip(tmp_path / "dirty.zip")
    told = run("roster", "show", file, "--school", CODE)
    assert (told.code, told.err) == (3, "") and "取り込まない行 1行" in told.out and "wizard" not in told.out
    english = run("roster", "show", file, "--school", CODE, "--json", lang="en")
    assert english.code == 3 and len(json.loads(english.out)["quarantined"]) == 1
    assert "Rows left out: 1" in run("roster", "show", file, "--school", CODE, lang="en").out


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    told = run("roster", "show", tmp_path / "nowhere.zip", "--school", CODE)
    assert (told.code, told.error()) == (2, "APP-105")


def test_a_school_code_with_a_wrong_check_digit(board: BoardFolder, tmp_path: Path) -> None:
    wrong = CODE[:-1] + str((int(CODE[-1]) + 1) % 10)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    words = ["board", "--board", board.path, "enrol", wrong, "--name", "X", "--site", tmp_path / "site"]
    words += ["--endpoint", "http://127.0.0.1:9", "--access-key", ACCESS, "--secret-key-file", secret]
    told = run(*words, "--passphrase-stdin", stdin=f"{BOARD_PASSPHRASE}\n")
    assert (told.code, told.error()) == (2, "APP-100") and wrong in told.err and "13" in told.err
    assert not (tmp_path / "site").exists()
    shown = run("roster", "show", clean().zip(tmp_path / "r.zip"), "--school", wrong)
    assert (shown.code, shown.error()) == (2, "APP-100")


def test_restoring_what_was_never_replicated(
    board: BoardFolder, empty_store: EmbeddedStore, tmp_path: Path
) -> None:
    school = place(board, empty_store.config.endpoint)
    told = run("board", "--board", board.path, "restore", school, "--to", tmp_path / "to", "--json")
    assert (told.code, told.error()) == (10, "SYNC-043") and not (tmp_path / "to").exists()


def test_restoring_without_a_line(board: BoardFolder, tmp_path: Path) -> None:
    with hold_port() as nobody:
        school = place(board, f"http://127.0.0.1:{number_of(nobody)}")
        told = run("board", "--board", board.path, "restore", school, "--to", tmp_path / "to")
    assert (told.code, told.error()) == (1, "SYNC-040") and not (tmp_path / "to").exists()


def test_an_unknown_school_and_a_time_that_is_none(board: BoardFolder, tmp_path: Path) -> None:
    told = run("board", "--board", board.path, "restore", "C2999", "--to", tmp_path / "to")
    assert (told.code, told.error()) == (2, "APP-012")
    when = run("board", "--board", board.path, "restore", "C2999", "--to", tmp_path / "to", "--at", "yesterday")
    assert when.code == 2 and when.out == "" and "yesterday" in when.err


@pytest.mark.parametrize("words", [("--help",), ("status",), ("status", "--json")], ids=" ".join)
def test_quick_commands_import_nothing_heavy(school: School, words: tuple[str, ...]) -> None:
    told = run(*words, *([school.site] if words[0] == "status" else []), python=("-X", "importtime"))
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.err.splitlines()}
    assert "click" in imported and not imported.intersection(HEAVY)
