"""Read by Python at its start when this folder is on the path: a wall clock that is wrong.

Invariant: only `time.time_ns` and `time.time` are wrong; what measures durations is not.
"""

import os
import time

_SHIFT_NS = int(os.environ["KURABAKO_SOAK_SHIFT_S"]) * 1_000_000_000
_true_ns, _true = time.time_ns, time.time
time.time_ns = lambda: _true_ns() + _SHIFT_NS
time.time = lambda: _true() + _SHIFT_NS / 1e9
