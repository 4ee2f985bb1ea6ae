"""What the system may do with the memory of a process that holds keys or opened data.

Invariant: a process that called `forbid_dumps` leaves no core file, and no other process of the same user may read
its memory; its children inherit the first, and call it themselves for the second. Failing to lock pages stops
nothing: what a box needs beside it (swap off or encrypted) stands in docs/threat-model.md.
"""

import ctypes
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
_MCL_CURRENT: Final = 1  # linux/mman.h
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4


def forbid_dumps() -> None:
    """Have the kernel write no core file of this process, and let nobody of the same user attach to it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def keep_from_swap() -> bool:
    """Lock every page of this process, now and later, and say whether it is so.

    Only where `ulimit -l` is unlimited: with a limit every later allocation could fail.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
        return False
    locked = ctypes.CDLL(None, use_errno=True).mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)
    return bool(locked == 0)
