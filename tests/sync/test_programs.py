"""Files that other users read where a unit masks everything, and children that end with us or with the unit."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sync.atomic import atomic_write
from sync.programs import start_child, stop_child, tied

PARENT = """
import sys, time
from sync.programs import start_child
print(start_child([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""

LATE_PARENT = """
import os, subprocess, sys, time
from sync.programs import tied
ours = tied([sys.executable, "-c", "import time; time.sleep(600)"])
late = subprocess.Popen(["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *ours])
os.waitid(os.P_PID, late.pid, os.WSTOPPED)
print(late.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_gets_the_rights_that_were_asked_for(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        for mode in (0o600, 0o644):
            atomic_write(tmp_path / "file", b"x", mode=mode)
            assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)


def _orphan(program: str) -> int:
    """Run a parent that tells its child's number, kill it, and return a file descriptor of the child's process."""
    env = {name: value for name, value in os.environ.items() if name != "KURABAKO_UNIT"}
    with subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    return child


def _ended(child: int) -> bool:
    ended = bool(select.select([child], [], [], 30)[0])  # readable when the process ended
    os.close(child)
    return ended


def test_a_child_ends_with_us() -> None:
    assert _ended(_orphan(PARENT))


def test_a_child_that_comes_to_itself_after_our_end_is_not_begun() -> None:
    """The moment between a child's start and its asking for the signal is held open: there nothing reaches it."""
    child = _orphan(LATE_PARENT)
    signal.pidfd_send_signal(child, signal.SIGCONT)
    assert _ended(child)


def test_in_a_unit_a_child_is_started_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KURABAKO_UNIT", "kurabako-sync.service")
    assert tied(["/bin/true"]) == ["/bin/true"]
    child = start_child(["/bin/sleep", "600"])
    assert child.poll() is None
    stop_child(child, 5)
    assert child.poll() is not None
