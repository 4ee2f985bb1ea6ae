"""How fast what can wait may go, and how long a failure is left alone.

Invariant: nothing in here sleeps; callers ask how long to wait. Clocks are monotonic, in seconds.
"""

from collections.abc import Callable
from typing import Final

_WEIGHT: Final = 0.3  # of the newest measurement
_LEAST_BYTES_PER_S: Final = 500.0  # so that one very slow answer does not stop everything for an hour
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 300.0


class TokenBucket:
    """Bytes that may go: `share` of the throughput measured so far, at most `most_bytes_per_s`.

    What was not used is saved up to `burst` bytes.
    """

    def __init__(
        self, burst: int, now: Callable[[], float], share: float = 0.5, most_bytes_per_s: float | None = None
    ) -> None:
        if not 0 < share <= 1 or burst <= 0 or (most_bytes_per_s is not None and most_bytes_per_s <= 0):
            raise ValueError("a share lies above 0 and up to 1, sizes and rates above 0")
        self._burst, self._share, self._most, self._now = float(burst), share, most_bytes_per_s, now
        self.measured_bytes_per_s: float | None = None
        self._tokens, self._filled_at = float(burst), now()

    @property
    def rate_bytes_per_s(self) -> float | None:
        """Return how fast it fills; None before anything was measured or set."""
        if self.measured_bytes_per_s is None:
            return self._most
        rate = max(self.measured_bytes_per_s * self._share, _LEAST_BYTES_PER_S)
        return min(rate, self._most) if self._most is not None else rate

    def wait_s(self, size: int) -> float:
        """Return how long until so many bytes (a burst at most) may go; 0 when they may go now."""
        self._fill(self._now())
        rate = self.rate_bytes_per_s
        missing = min(float(size), self._burst) - self._tokens
        return 0.0 if missing < 1 or rate is None else missing / rate  # below a byte it is rounding

    def went(self, size: int, seconds: float) -> None:
        """Note that so many bytes went, until now, and in how much time."""
        self._fill(self._now() - seconds)  # what came in while they went is no rest that a full bucket would lose
        self._tokens -= size
        if size:
            newest = size / max(seconds, 1e-6)
            known = self.measured_bytes_per_s
            self.measured_bytes_per_s = newest if known is None else known + _WEIGHT * (newest - known)

    def _fill(self, until: float) -> None:
        rate = self.rate_bytes_per_s
        if rate is not None:
            self._tokens = min(self._burst, self._tokens + max(0.0, until - self._filled_at) * rate)
        self._filled_at = max(self._filled_at, until)


class Pause:
    """How long a failure is left alone: 1 s, then twice as long each time up to 5 min, until a success."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._next_s = _FIRST_PAUSE_S
        self._until = 0.0

    def failed(self) -> None:
        """Begin a pause, longer than the one before."""
        self._until = self._now() + self._next_s
        self._next_s = min(_LONGEST_PAUSE_S, self._next_s * 2)

    def succeeded(self) -> None:
        """Let the next pause be a short one again."""
        self._next_s, self._until = _FIRST_PAUSE_S, 0.0

    @property
    def left_s(self) -> float:
        """Return how long it still lasts."""
        return max(0.0, self._until - self._now())
