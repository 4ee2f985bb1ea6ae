"""Hybrid logical clock: 48 bits of milliseconds since 1970, 16 bits of counter.

Invariant: `next()` is always greater than every value given out or observed before, even when the wall clock
is set back a year. Source: Kulkarni et al., Logical Physical Clocks (2014).
"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path


def wall_ms() -> int:
    """Return the wall clock in ms since 1970."""
    return time.time_ns() // 1_000_000


@cache
def boot_id() -> str:
    """Return which of its lives this machine is in: monotonic clocks of two lives say nothing to each other."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


class HybridClock:
    """Give out growing clock values; `now_ms` is the wall clock, `floor` the greatest value known so far."""

    def __init__(self, now_ms: Callable[[], int] = wall_ms, floor: int = 0) -> None:
        self._now_ms = now_ms
        self.last = floor

    def next(self) -> int:
        """Return the next value."""
        self.last = max(self._now_ms() << 16, self.last + 1)
        return self.last

    def observe(self, clock: int) -> None:
        """Never again give out a value up to this one."""
        self.last = max(self.last, clock)

    def behind_s(self) -> int:
        """Return by how many seconds the wall clock stands behind what the log has seen; 0 when it does not."""
        return max(0, (clock_ms(self.last) - self._now_ms()) // 1000)


def clock_ms(clock: int) -> int:
    """Return the milliseconds of a clock value."""
    return clock >> 16


def change_clock(change_id: bytes) -> int:
    """Return the clock value inside a change id."""
    return int.from_bytes(change_id[:8], "big")
