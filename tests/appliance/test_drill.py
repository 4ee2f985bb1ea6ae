"""Restore drills: what is kept on record, who is told, and that no key is needed."""

import configparser
import shutil
import subprocess
from pathlib import Path

import click
import msgspec
import pytest

import appliance
from appliance.board.drills import (
    RECORD,
    Drill,
    DrillRunningError,
    drill_folder,
    drill_school,
    read_drills,
    standings,
)
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.cli import cli
from appliance.generator.school import make_school
from crypto.identity import KdfProfile
from sync.ports import hold_port, number_of
from tests.appliance.test_cli import run
from tests.school import BOARD_PASSPHRASE

ANALYZE = shutil.which("systemd-analyze")
DAY_MS = 86_400_000
ONE, TWO = (make_school(seed, 2026).code for seed in (61, 62))
SYSTEMD = Path(appliance.__file__).parents[1] / "systemd" / "board"
if not SYSTEMD.exists():  # the wheel carries no units
    SYSTEMD = Path(__file__).parents[2] / "systemd" / "board"


@pytest.fixture
def board(tmp_path: Path) -> BoardFolder:
    """A board with two schools whose store does not answer, and without anything that opens its root."""
    made = init_board(tmp_path / "board", "試験市教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)
    with hold_port() as nobody:
        endpoint = f"http://127.0.0.1:{number_of(nobody)}"
    for code in (ONE, TWO):
        made.keep_place(ReplicaPlace(code, "試験校", endpoint, "b", "us-east-1", "a", "secret"))
    for key in ("root.sealed", "pepper"):
        (made.path / key).unlink()
    return made


def kept(school: str, at_ms: int, *, passed: bool) -> Drill:
    return Drill(school, at_ms, passed, "" if passed else "SYNC-044", 10, at_ms)


def test_every_school_is_tried_though_all_fail_and_each_raises_an_alarm(board: BoardFolder) -> None:
    told = run("board", "--board", board.path, "drill", "--all")
    assert told.code == 3 and told.out == ""
    alarms = told.err.splitlines()
    assert [alarm.split()[:2] for alarm in alarms] == [["通報", code] for code in sorted((ONE, TWO))]
    assert all("[SYNC-040]" in alarm for alarm in alarms)
    assert [(drill.school, drill.passed, drill.code) for drill in read_drills(board)] == [
        (code, False, "SYNC-040") for code in sorted((ONE, TWO))
    ]
    assert list((board.path / "drill").iterdir()) == []
    english = run("board", "--board", board.path, "drill", ONE, "--json", lang="en")
    assert english.code == 3 and english.err.startswith(f"ALARM  {ONE}")
    (row,) = msgspec.json.decode(english.out)["drills"]
    assert (row["school"], row["passed"], row["problem"], row["changes"]) == (ONE, False, "SYNC-040", 0)


def test_a_broken_file_of_one_school_does_not_keep_the_other_from_being_tried(board: BoardFolder) -> None:
    first, second = sorted((ONE, TWO))
    (board.path / "schools" / f"{first}.toml").write_text("not = [toml")
    told = run("board", "--board", board.path, "drill", "--all")
    assert told.code == 3 and len(told.err.splitlines()) == 2
    assert [drill.school for drill in read_drills(board)] == [first, second]


def test_what_to_drill_must_be_said(board: BoardFolder) -> None:
    assert run("board", "--board", board.path, "drill").code == 2
    assert run("board", "--board", board.path, "drill", ONE, "--all").code == 2
    unknown = run("board", "--board", board.path, "drill", ONE, "C2999")
    assert (unknown.code, unknown.error()) == (2, "APP-012")
    assert read_drills(board) == []


def test_standing_is_that_of_the_newest_drill_and_grows_old(board: BoardFolder) -> None:
    lines = [
        kept(ONE, DAY_MS, passed=True),
        kept(ONE, 2 * DAY_MS, passed=False),
        kept(TWO, 3 * DAY_MS, passed=True),
    ]
    (board.path / RECORD).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    found = {standing.school: standing for standing in standings(board)}
    assert found[ONE].last == lines[1] and found[ONE].last_good == lines[0]
    assert not found[ONE].good(2 * DAY_MS, 35)
    assert found[TWO].good(38 * DAY_MS, 35) and not found[TWO].good(38 * DAY_MS + 1, 35)
    told = run("board", "--board", board.path, "drill", "--status", "--json", "--within", "100000")
    shape = msgspec.json.decode(told.out)
    assert told.code == 3 and shape["all_good"] is False
    assert [(row["school"], row["good"]) for row in shape["schools"]] == sorted([(ONE, False), (TWO, True)])
    words = run("board", "--board", board.path, "drill", "--status", "--within", "100000")
    assert words.code == 3 and "[SYNC-044]" in words.out and "1校が合格" in words.out


def test_a_school_that_was_never_drilled_is_not_good(board: BoardFolder) -> None:
    told = run("board", "--board", board.path, "drill", "--status")
    assert told.code == 3 and told.out.count("訓練なし") == 2


def test_a_torn_line_is_passed_over_and_does_not_swallow_the_next(board: BoardFolder) -> None:
    whole = msgspec.json.encode(kept(ONE, DAY_MS, passed=True))
    (board.path / RECORD).write_bytes(whole + b"\n" + whole[:20])
    with drill_folder(board) as target:
        drill_school(board, TWO, target)
    assert [drill.school for drill in read_drills(board)] == [ONE, TWO]


def test_two_drills_do_not_run_at_once_and_leftovers_are_removed(board: BoardFolder) -> None:
    with drill_folder(board) as target:
        target.mkdir()
        (target / "school.db").write_bytes(b"left by a drill that was killed")
        with pytest.raises(DrillRunningError), drill_folder(board):
            pass
        told = run("board", "--board", board.path, "drill", "--all")
        assert (told.code, told.error()) == (11, "APP-455")
        assert (target / "school.db").exists()
    assert not target.exists()
    target.mkdir()
    with drill_folder(board):
        assert not target.exists()


def test_the_units_call_what_exists_and_keep_every_key_out_of_reach(board: BoardFolder) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SYSTEMD / "kurabako-drill.service")
    program, *words = unit["Service"]["ExecStart"].split()[1:]
    assert program == "kurabako"
    group = cli.get_command(click.Context(cli), words[0])
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), words[1])
    assert command is not None and words[2:] == ["--all"]
    text = (SYSTEMD / "kurabako-drill.service").read_text()
    home = unit["Service"]["Environment"].partition("=")[2]
    for key in ("root.sealed", "officers.recovery", "pepper"):
        assert f"InaccessiblePaths=-{home}/{key}\n" in text
    timer = (SYSTEMD / "kurabako-drill.timer").read_text()
    assert "OnCalendar=" in timer and "Persistent=yes" in timer


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_units() -> None:
    units = [str(SYSTEMD / f"kurabako-drill.{kind}") for kind in ("service", "timer")]
    done = subprocess.run([str(ANALYZE), "verify", *units], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "kurabako-drill" in line]
    shown = subprocess.run(
        [str(ANALYZE), "calendar", "Sat *-*-* 02:00"], capture_output=True, text=True, check=True
    )
    assert "Normalized form" in shown.stdout
