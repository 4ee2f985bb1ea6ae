"""One keeper for each site, and how its last one ended.

Invariant: the lock is held by the process that writes; the running mark is taken away by a clean stop only.
"""

import fcntl
import os

from sync.atomic import atomic_write, sync_folder
from sync.errors import SecondKeeperError
from sync.healing import UNCLEAN, ask_for_healing
from sync.site import SitePaths


def take_lock(paths: SitePaths) -> int:
    """Return the descriptor that holds the site's lock; raises SecondKeeperError."""
    descriptor = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise SecondKeeperError(operation="start keeper", subject=str(paths.root), cause=exc) from exc
    return descriptor


def keeper_pid(paths: SitePaths) -> int | None:
    """Return the process id that the running keeper wrote into its mark, or None."""
    try:
        return int(paths.running_mark.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def note_end(paths: SitePaths) -> bool:
    """Ask for healing at once if the keeper that just ended left its mark; return whether it did.

    The service manager calls it, so that the replica is not trusted until the next keeper starts, which may never
    do so. Raises SecondKeeperError while a keeper runs.
    """
    lock = take_lock(paths)
    try:
        if not paths.running_mark.exists():
            return False
        ask_for_healing(paths, UNCLEAN)
        paths.running_mark.unlink()  # told: the next start need not tell it again
        sync_folder(paths.run)
        return True
    finally:
        os.close(lock)


def note_start(paths: SitePaths) -> None:
    """Set the mark of a running keeper; one that is found means that the last stop was unclean."""
    if paths.running_mark.exists():
        ask_for_healing(paths, UNCLEAN)
    atomic_write(paths.running_mark, str(os.getpid()).encode(), mode=0o644)
