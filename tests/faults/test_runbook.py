"""The restore runbook, word by word, at a terminal: its first part at the board, the rest on a bare machine.

What the bare machine gets is this software, the store, and the media of two officers with their passphrases.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.folder import open_board
from appliance.board.officers import Officers
from tests.faults.test_board_restore import Served, served
from tests.school import BOARD_PASSPHRASE, SCHOOL_DAY
from tests.typist import Answer, type_at

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"ja": ROOT / "docs" / "ja" / "restore.md", "en": ROOT / "docs" / "restore.md"}
WORDS = {"kacho": "kacho-no-aikotoba", "shuji": "shuji-no-aikotoba"}
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not PAGES["en"].exists(), reason="the documents are not here: an installed wheel"),
]
__all__ = ["served"]


def steps(page: Path) -> list[str]:
    """Return every command that a page shows, in its order."""
    return [line.split("kurabako ", 1)[1] for line in page.read_text("utf-8").splitlines() if shown(line)]


def shown(line: str) -> bool:
    return bool(re.match(r"    +(\.venv/bin/)?kurabako ", line))


class Desk:
    """Two officers at a machine, with the page before them."""

    def __init__(self, served: Served, folder: Path, day: str, second: str) -> None:
        self.served = served
        self.folder = folder
        self.machine = folder / "board-machine"
        self.day, self.second = day, second
        for name in ("board-machine", "bare-machine", "media/one", "media/two"):
            (folder / name).mkdir(parents=True)
        (folder / "store.secret").write_text("secret-secret")

    @property
    def board(self) -> Path:
        return self.machine / "board"

    def do(self, step: str) -> str:
        """Type one line of the page and answer as it says; return what was shown."""
        if " recover " in step:
            shutil.move(self.board, self.folder / "burnt")
            self.machine = self.folder / "bare-machine"
        told = type_at(shlex.split(self.filled(step)), self.answers(), self.machine)
        assert told.code == 0, f"{step}\n{told.shown}"
        return told.shown

    def filled(self, step: str) -> str:
        place = self.served.school.board.place(self.served.code)
        step = re.sub(r"--at \S+", f"--at {self.day}T{self.second}", step)
        step = re.sub(r"(timeline SCHOOL) --on \S+", rf"\1 --on {self.day}", step)
        names = {
            "BOARD": self.board,
            "SCHOOL": self.served.code,
            "DIR": self.machine / "restored",
            "MEDIUM1": self.folder / "media" / "one",
            "MEDIUM2": self.folder / "media" / "two",
            "URL": place.endpoint,
            "BUCKET": place.bucket,
            "KEY": place.access_key,
            "FILE": self.folder / "store.secret",
        }
        return " ".join(str(names.get(word, word)) for word in step.split())

    def answers(self) -> dict[str, Answer]:
        return {
            r"^教育委員会の合言葉": BOARD_PASSPHRASE,
            r"(\w+) の(新しい)?合言葉": lambda match: WORDS[match[1]],
            r"^Repeat": lambda _: WORDS["kacho" if len(Officers(open_board(self.board)).names) < 1 else "shuji"],
            r"1人目の担当者": "kacho",
            r"2人目の担当者": "shuji",
            r"番号か学校コード": "1",
            r"日付（例": self.day,
            r"時刻（例": self.second,
            r"フォルダ|これで始めますか|見ますか": "",
        }


@pytest.fixture
def desk(served: Served, tmp_path: Path) -> Iterator[Desk]:
    assert served.before is not None
    day, second = f"{served.before:%Y-%m-%d}", f"{served.before:%H:%M:%S}"
    made = Desk(served, tmp_path, day, second)
    shutil.copytree(served.school.board.path, made.board, ignore=shutil.ignore_patterns("hubs"))
    yield made


@pytest.mark.parametrize("language", PAGES)
def test_every_line_of_the_runbook_runs_and_two_officers_bring_the_school_back(desk: Desk, language: str) -> None:
    told = {step: desk.do(step) for step in steps(PAGES[language])}
    kinds = " ".join(told)
    for command in (
        "officer require-two",
        "deposit",
        "recover",
        "--guided",
        "timeline",
        "restore",
        "show",
        "drill",
    ):
        assert f" {command}" in kinds, f"the page does not show {command}"
    assert "root.sealed" not in {path.name for path in desk.board.iterdir()}
    guided = next(text for step, text in told.items() if "--guided" in step)
    assert f"{desk.day} {desk.second} の学校です" in guided
    shown_day = next(text for step, text in told.items() if step.startswith("board --board BOARD show"))
    assert SCHOOL_DAY.isoformat() in shown_day or "名  " in shown_day
    assert "学級  確定 " in shown_day, "a long day ends with its sums"
    recovered = next(text for step, text in told.items() if " recover " in step)
    assert desk.served.school.board.root.fingerprint in recovered
    newest = desk.machine / "newest"
    assert (
        type_at(
            ["board", "--board", desk.board, "restore", desk.served.code, "--to", newest], {}, desk.machine
        ).code
        == 0
    )
    day = type_at(
        ["board", "--board", desk.board, "show", newest, "--on", SCHOOL_DAY], desk.answers(), desk.machine
    )
    assert day.code == 0 and desk.served.pupil in day.shown, "both officers see the entry with the pupil's name"
    for words in WORDS.values():
        assert words not in "".join(told.values()) + day.shown, "what is typed is not shown"


def test_one_officer_at_the_bare_machine_gets_nothing(desk: Desk) -> None:
    for step in steps(PAGES["ja"]):
        if " recover " in step:
            break
        desk.do(step)
    shutil.move(desk.board, desk.folder / "burnt")
    desk.machine = desk.folder / "bare-machine"
    one, two = (desk.folder / "media" / name for name in ("one", "two"))
    base = ["board", "--board", desk.board, "recover"]
    same = type_at([*base, "--officer-key", one, "--officer-key", one], desk.answers(), desk.machine)
    assert same.code == 12 and "[APP-451]" in same.shown
    wrong: dict[str, Answer] = {r"(\w+) の合言葉": WORDS["kacho"]}
    guessed = type_at([*base, "--officer-key", one, "--officer-key", two], wrong, desk.machine)
    assert guessed.code == 12 and "[CRYPTO-004]" in guessed.shown and list(desk.machine.iterdir()) == []
