"""Keeping what a process reads of plain files out of core dumps, debuggers, logs and, where allowed, swap.

Invariant: failing to do so stops nothing; what a box needs beside it (encrypted swap or none) stands in the threat
model.
"""

import logging
import threading
import warnings

from crypto.memory import forbid_dumps, keep_from_swap


def shield() -> None:
    """Write no core, name no file in any log, be closed to others of the same user; lock pages if allowed."""
    forbid_dumps()
    keep_from_swap()
    # What libraries and their threads complain of holds paths, and a path is a title.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    threading.excepthook = lambda args: None
