"""Programs beside ours (Litestream and rclone come as Python packages): where they are, and running them.

Invariant: a child never outlives this process, even when it is killed: the kernel sends it SIGTERM, so that the
keeper still stops cleanly, or SIGKILL where SIGTERM does not end it. Start children from the main thread only; the
signal follows the thread.
(`setpriv` is part of util-linux, which every Debian has; a Python hook between fork and exec is not thread-safe.)
In a unit the service manager ends what is left of it, and its sandbox has no room for `setpriv`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from sync.errors import ProgramMissingError

_IN_UNIT: Final = "KURABAKO_UNIT"  # set by the unit files
_UNLESS_ORPHANED: Final = '[ "$PPID" = "$0" ] && exec "$@"'  # $0: the process that started it


def find_program(name: str) -> str:
    """Return the path of a program: beside the Python that runs us, else on PATH; raises ProgramMissingError."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise ProgramMissingError(operation="find program", subject=name, program=name)
    return found


def tied(command: Sequence[str], signal: str = "TERM") -> list[str]:
    """Return a command whose process gets the signal when ours ends, and is never begun where ours has ended.

    The kernel sends nothing for a parent that was gone before it was asked to: whoever asked looks once more.
    """
    if os.environ.get(_IN_UNIT):
        return list(command)
    asked = [find_program("setpriv"), "--pdeathsig", signal]
    return [*asked, "/bin/sh", "-c", _UNLESS_ORPHANED, str(os.getpid()), *command]


def start_child(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
    folder: Path | None = None,
    signal: str = "TERM",
    held: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a group of its own (Ctrl-C reaches only us, and we stop it in order).

    `signal` is what it gets when this process is killed; descriptors in `held` stay open in it while it lives.
    """
    return subprocess.Popen(
        tied(command, signal),
        env=dict(env) if env is not None else None,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log if log is not None else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if log is not None else None,
        start_new_session=True,
        pass_fds=held,
    )


def stop_child(child: subprocess.Popen[bytes] | None, patience_s: float) -> None:
    """Ask a child to end, twice (Litestream leaves at the second SIGTERM), then kill it."""
    if child is None:
        return
    for _ in range(2):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience_s / 2)
    if child.poll() is None:
        child.kill()
        child.wait()


def clean_environment() -> dict[str, str]:
    """Return the environment without what would change where or how Litestream sends (measured traps)."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LITESTREAM_", "LOG_LEVEL"))
    }
