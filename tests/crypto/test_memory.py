"""A process that holds keys leaves no core file, is closed to others, and keeps its pages where it may."""

import resource
import subprocess
import sys

import pytest

_WORK = """
import os, resource, sys
from pathlib import Path
from crypto.memory import forbid_dumps, keep_from_swap
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))
forbid_dumps()
kept = keep_from_swap()
held = bytearray(os.urandom(1 << 20))
status = Path("/proc/self/status").read_text()
locked = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmLck"))
print(kept, locked > 1024, resource.getrlimit(resource.RLIMIT_CORE))
"""


def told(limit: int) -> str:
    done = subprocess.run([sys.executable, "-c", _WORK, str(limit)], capture_output=True, text=True, check=False)
    if "not allowed to raise" in done.stderr:
        pytest.skip("this machine lets nobody lock memory without a limit")
    return done.stdout.strip()


def test_pages_are_kept_from_swap_where_there_is_no_limit() -> None:
    assert told(resource.RLIM_INFINITY) == "True True (0, 0)"


def test_with_a_limit_nothing_is_locked_that_would_make_a_later_allocation_fail() -> None:
    assert told(1 << 16) == "False False (0, 0)"
