"""Keeping what a process reads of plain files out of core dumps, debuggers, logs and, where allowed, swap.

Invariant: failing to do so stops nothing; what a box needs beside it (encrypted swap or none) stands in the threat
model.
"""

import contextlib
import ctypes
import logging
import resource
import threading
import warnings
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4


def shield() -> None:
    """Write no core, name no file in any log, be closed to others of the same user; lock pages if allowed."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # With a limit every later allocation could fail: locked only where there is none.
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)
    # What libraries and their threads complain of holds paths, and a path is a title.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    threading.excepthook = lambda args: None
