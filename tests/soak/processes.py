"""The processes of a site, found by what the kernel knows.

Invariant: only descendants of a process that we started are ever named.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

_TRACED_S = 5.0
_NAMES = ("sync.keeper", "litestream", "rclone", "sync.selfcheck")


def below(pid: int) -> dict[str, int]:
    """Return the living descendants of a process, by the name of their program."""
    found: dict[str, int] = {}
    pending = [pid]
    while pending:
        for child in _children(pending.pop()):
            pending.append(child)
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                found[next((name for name in _NAMES if name in line), str(child))] = child
    return found


def kill(pid: int | None) -> bool:
    """Kill a process of ours; say whether it was there."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def kill_in_fsync(pid: int, nth: int) -> bool:
    """Kill a process of ours as its nth fsync from now begins: in the middle of a commit; needs strace.

    Returns False, and has killed nobody, where that is not possible.
    """
    strace = shutil.which("strace")
    if strace is None:
        return False
    calls = "fsync,fdatasync"
    inject = f"inject={calls}:signal=SIGKILL:when={nth}"
    command = [strace, "-f", "-q", "-p", str(pid), "-e", f"trace={calls}", "-e", inject]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        tracer.wait(_TRACED_S)
    except subprocess.TimeoutExpired:
        tracer.terminate()
        tracer.wait()
    return gone(pid)


def gone(pid: int) -> bool:
    """Say whether a process has ended, or waits to be taken note of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found
