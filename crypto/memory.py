"""What the system may do with the memory of a process that holds keys or opened data.

Invariant: a process that called `forbid_dumps` leaves no core file, and no other process of the same user may read
its memory; its children inherit the first, and call it themselves for the second.
"""

import ctypes
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def forbid_dumps() -> None:
    """Have the kernel write no core file of this process, and let nobody of the same user attach to it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
