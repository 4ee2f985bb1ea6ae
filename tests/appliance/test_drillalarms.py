"""Drills that failed: who is told, by a real mail server and a real web server, and nobody of none."""

import pytest

from appliance.board.drillalarms import read_alarms, tell_failures
from appliance.board.drills import Drill, read_drills
from appliance.board.folder import BoardFolder
from tests.appliance.alarms.listeners import Letters, Posts, closing_all
from tests.appliance.alarms.test_channels import text_of
from tests.appliance.test_cli import run
from tests.appliance.test_drill import ONE, TWO, board

__all__ = ["board"]


def told_by(board: BoardFolder, *lines: str) -> None:
    (board.path / "alarms.toml").write_text("\n".join(lines), "utf-8")


def mail(port: int) -> tuple[str, ...]:
    return (
        'email_to = ["shuji@example.jp", "kacho@example.jp"]',
        'email_from = "board@example.jp"',
        'smtp_host = "127.0.0.1"',
        f"smtp_port = {port}",
        'smtp_security = "none"',
    )


def test_a_run_with_failures_makes_one_letter_for_each_and_one_post(board: BoardFolder) -> None:
    letters, posts = Letters(), Posts()
    with closing_all(letters, posts):
        told_by(board, *mail(letters.port), f'webhook = "http://127.0.0.1:{posts.port}/drills"')
        told = run("board", "--board", board.path, "drill", "--all")
    assert told.code == 3 and len(told.err.splitlines()) == 2, "the alarm lines and nothing else"
    assert letters.to == ["shuji@example.jp", "kacho@example.jp"]
    first = letters.letters[0]
    assert first["Subject"] == "【蔵箱 通報】試験市教育委員会: 復元訓練 2校が失敗"
    text = text_of(first)
    assert all(code in text for code in (ONE, TWO)) and text.count("[SYNC-040]") == 2 and "すること" in text
    (post,) = posts.posts
    assert (post["alarm"], post["board"]) == ("drill", "試験市教育委員会")
    rows = [{"school": code, "problem": "SYNC-040", "missing": 0} for code in sorted((ONE, TWO))]
    assert post["schools"] == rows


def test_of_what_passed_nobody_hears_and_without_the_file_nothing_is_sent(board: BoardFolder) -> None:
    letters = Letters()
    passed, failed = Drill(ONE, 1, True, "", 10, 1), Drill(TWO, 2, False, "", 10, 1, missing=4)
    with closing_all(letters):
        told_by(board, *mail(letters.port))
        assert tell_failures(board, read_alarms(board), [], []) == []
        assert letters.letters == []
        assert tell_failures(board, read_alarms(board), [failed], [f"{TWO} 4"]) == []
        assert len(letters.letters) == 2 and passed.passed
        (board.path / "alarms.toml").unlink()
        assert tell_failures(board, read_alarms(board), [failed], ["x"]) == []
        assert len(letters.letters) == 2


def test_who_does_not_take_it_keeps_nobody_else_from_it_and_is_told(board: BoardFolder) -> None:
    letters = Letters()
    letters.refuse = 1
    with closing_all(letters):
        told_by(board, *mail(letters.port))
        told = run("board", "--board", board.path, "drill", "--all")
    assert told.code == 3 and letters.to == ["kacho@example.jp"]
    assert told.err.splitlines()[-1].endswith("[APP-460]")
    assert len(read_drills(board)) == 2, "what came of the drills is on record whoever heard of it"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("email_to = [", "APP-002"),
        ('mail_to = ["a@example.jp"]', "APP-003"),
        ('email_to = ["a@example.jp"]', "APP-004"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_before_any_school_is_tried(
    board: BoardFolder, text: str, code: str
) -> None:
    told_by(board, text)
    told = run("board", "--board", board.path, "drill", "--all")
    assert (told.code, told.error()) == (2, code) and read_drills(board) == []
