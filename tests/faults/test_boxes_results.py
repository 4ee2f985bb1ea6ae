"""What `make boxes` writes: shares are the whole and add up to it; what was not played says so. Nothing boots."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.boxes import __main__ as command
from tests.boxes.results import Scenario, join, write
from tests.boxes.shares import OVER, parsed

ROOT = Path(__file__).resolve().parents[2]
ONE = """
import pytest

@pytest.mark.parametrize("number", range(5))
def test_cut(number, note):
    note(boot_s=float(number))
    assert number != 3

def test_stick():
    pass
"""
TWO = """
import pytest

def test_kernel():
    pytest.skip("no kernel here")

@pytest.fixture
def machine():
    raise RuntimeError("it does not boot")

def test_boot(machine):
    pass

@pytest.fixture
def left():
    yield
    raise RuntimeError("a process is left")

def test_left(left):
    pass
"""


def played(folder: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Play two files of scenarios with the plugins; return what was written."""
    for name, text in (("test_one.py", ONE), ("test_two.py", TWO)):
        (folder / name).write_text(text, "utf-8")
    out = folder / "out" / f"{len(list(folder.iterdir()))}.json"
    plugins = ("-p", "tests.boxes.results", "-p", "tests.boxes.shares", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", folder, folder, "--out", out, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return {one["scenario"]: one for one in json.loads(out.read_text("utf-8"))}


def runs(found: dict[str, dict[str, Any]]) -> dict[str, tuple[int, int]]:
    return {name: (one["runs"], one["passed"]) for name, one in found.items()}


WHOLE = {"cut": (5, 4), "stick": (1, 1), "kernel": (0, 0), "boot": (1, 0), "left": (1, 0)}


def test_each_scenario_has_its_runs_its_figures_and_why_it_did_not_run(tmp_path: Path) -> None:
    found = played(tmp_path)
    assert runs(found) == WHOLE
    assert found["cut"]["figures"] == {"boot_s": 4.0}
    assert found["kernel"]["skipped"] == "no kernel here" and found["cut"]["skipped"] == ""


def test_shares_are_the_whole_and_add_up_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = [played(tmp_path, "--share", f"{number}/3") for number in (1, 2, 3)]
    assert sum(bool(share) for share in shares) == 3
    files = []
    for number, share in enumerate(shares):
        files.append(tmp_path / f"share-{number}")
        write(files[-1], [Scenario(**one) for one in share.values()])
    whole = tmp_path / "whole.json"
    monkeypatch.setattr(sys, "argv", ["tests.boxes", "--join", *map(str, files), "--out", str(whole)])
    assert command.main() == 1, "a cut failed"
    joined = {one["scenario"]: one for one in json.loads(whole.read_text("utf-8"))}
    assert runs(joined) == WHOLE
    assert joined["cut"]["figures"] == {"boot_s": 4.0} and joined["kernel"]["skipped"] == "no kernel here"
    assert "4 of   5" in capsys.readouterr().out


def test_when_the_time_is_over_nothing_new_is_begun_and_it_says_so(tmp_path: Path) -> None:
    found = played(tmp_path, "--minutes", "0")
    assert {(one["runs"], one["skipped"]) for one in found.values()} == {(0, OVER)}


def test_what_is_joined_keeps_the_worst_figure_and_every_reason(tmp_path: Path) -> None:
    first = Scenario("cut", 20, 20, 100.0, OVER, {"boot_s": 30.0, "cut_s": 1.0})
    second = Scenario("cut", 5, 5, 50.5, "", {"boot_s": 31.5})
    write(tmp_path / "1", [first, Scenario("stick", 1, 1, 2.0)])
    write(tmp_path / "2", [second])
    both, alone = join([tmp_path / "1", tmp_path / "2"])
    assert both == Scenario("cut", 25, 25, 150.5, OVER, {"boot_s": 31.5, "cut_s": 1.0})
    assert alone == Scenario("stick", 1, 1, 2.0)


@pytest.mark.parametrize("wrong", ["0/2", "3/2", "1", "a/b"])
def test_a_share_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(wrong)
