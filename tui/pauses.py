"""Where the interpreter's own pauses fall: never, if it can be, between a key and its effect.

A full pass of the garbage collector takes 0.1 to 0.2 s in a process of this size, and by itself it comes every few
hundred keys; a thread that reckons keeps the interpreter for 5 ms each time that the screen's thread wants it.
"""

import gc
import sys
from typing import Final

_PASSES: Final = (1000, 1, 1200)
"""A partial pass looks through two thousand new objects: 1 ms, where six thousand take 3 (measured).
Full passes come by themselves only where nobody ever pauses."""
_DUE: Final = 150
"""Partial passes since the last full one: some hundred keys."""
_TURN_S: Final = 0.0005


def keep_out_of_the_way() -> None:
    """Say this once, when everything is imported and before anything of the school is open."""
    gc.freeze()  # the programs themselves, which never go away, are not looked through again
    gc.set_threshold(*_PASSES)
    sys.setswitchinterval(_TURN_S)


def rest() -> None:
    """Make the full pass now, while nobody types, if it is worth it: the next key may come at any moment."""
    if gc.get_count()[2] >= _DUE:
        gc.collect()
