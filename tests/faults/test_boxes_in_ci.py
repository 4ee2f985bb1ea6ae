"""What CI tries of this: it fails where a box does; where something from outside is missing it says so instead."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "boxes"
PROGRAMS = ("mmdebstrap", "systemd-nspawn", "ip", "ssh", "ssh-keygen", "unshare")
PYTHON = """#!/bin/sh
echo "$*" >> "$TOLD"
case "$*" in
  *--fetch) exit $FETCH ;;
  *"-k boots") exit $BOOTS ;;
  *) exit $PROVISION ;;
esac
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree whose Python does as it is told, on a machine whose programs do nothing."""
    for folder in (".ci", ".venv/bin", "programs"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / ".ci")
    said = {name: "exit 0" for name in PROGRAMS} | {
        "id": "echo 0",
        "apt-get": 'echo "apt-get $*" >> "$TOLD"; exit 100',
    }
    for name, does in said.items():
        _program(tmp_path / "programs" / name, f"#!/bin/sh\n{does}\n")
    for name in ("bash", "sh", "env", "dirname", "timeout", "xargs", "echo"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "programs" / name).symlink_to(found)
    _program(tmp_path / ".venv/bin/python", PYTHON)
    return tmp_path


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def tried(
    tree: Path, seconds: int = 300, *, fetch: int = 0, boots: int = 0, provision: int = 0, ci: int = 0
) -> tuple[int, str, list[str]]:
    """Run CI's part; return its exit code, what it said and what it called."""
    told = tree / "told"
    told.write_text("")
    codes = {"FETCH": str(fetch), "BOOTS": str(boots), "PROVISION": str(provision)}
    env = {"PATH": str(tree / "programs"), "TOLD": str(told), "CI": "true" if ci else "", **codes}
    done = subprocess.run(
        [tree / ".ci" / "boxes", str(seconds)], env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr, told.read_text().splitlines()


def test_a_box_is_provisioned_and_its_failure_is_the_changes(tree: Path) -> None:
    code, said, called = tried(tree)
    assert code == 0 and re.fullmatch(r"boxes: took \d+ s\n", said)
    assert [words.partition("--short ")[2] for words in called] == ["--fetch", "-k boots", "-k not boots"]
    code, said, _ = tried(tree, provision=1)
    assert code == 1 and "NOT TRIED" not in said


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"fetch": 1}, "a mirror is not there"),
        ({"boots": 1}, "boots no bare machine"),
        ({"provision": 124}, "the time was over"),
        ({"seconds": 20}, "the checks before left 20 s"),
    ],
)
def test_what_is_missing_outside_fails_nobodys_change(tree: Path, missing: dict[str, int], reason: str) -> None:
    code, said, _ = tried(tree, **missing)
    assert code == 0 and re.search(rf"boxes: NOT TRIED after \d+ s: (systemd-nspawn )?{reason}", said)


def test_programs_are_installed_where_machines_are_thrown_away_only(tree: Path) -> None:
    (tree / "programs" / "mmdebstrap").unlink()
    code, said, called = tried(tree)
    assert code == 0 and "s: no mmdebstrap (apt-get install" in said and not called
    code, said, called = tried(tree, ci=1)
    assert code == 0 and "s: no mmdebstrap" in said, "it could not be installed"
    assert [words.split()[2] for words in called] == ["update", "install"]


def test_without_root_nothing_is_called(tree: Path) -> None:
    _program(tree / "programs" / "id", "#!/bin/sh\necho 1000\n")
    code, said, called = tried(tree)
    assert code == 0 and "needs root" in said and not called
    assert os.access(SCRIPT, os.X_OK)
