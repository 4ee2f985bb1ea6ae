"""The state of the line to the object store, from probes, with hysteresis.

Invariant: a pure state machine. One failure is never "offline" and one success never "online", so the light does
not flicker; nothing is "online" before two answers in a row were seen.
"""

from dataclasses import dataclass, replace
from typing import Final

from sync.status import LinkState

_SLOW_S: Final = 3.0
_ENOUGH: Final = 2  # answers in a row for online
_TOO_MANY: Final = 3  # failures in a row for offline


@dataclass(frozen=True, slots=True)
class Link:
    """State, since when (ms since 1970), and how many equal probes in a row led here."""

    state: LinkState = LinkState.UNKNOWN
    since_ms: int = 0
    good: int = 0
    bad: int = 0

    def answered(self, seconds: float, now_ms: int) -> "Link":
        """Return the state after a probe that took `seconds`."""
        good = self.good + 1
        if seconds > _SLOW_S:
            state = LinkState.DEGRADED
        elif good >= _ENOUGH:
            state = LinkState.ONLINE
        else:
            state = LinkState.DEGRADED if self.state is not LinkState.ONLINE else LinkState.ONLINE
        return self._to(state, now_ms, good, 0)

    def failed(self, now_ms: int) -> "Link":
        """Return the state after a probe without an answer."""
        bad = self.bad + 1
        gone = bad >= _TOO_MANY or self.state is LinkState.OFFLINE
        state = LinkState.OFFLINE if gone else LinkState.DEGRADED
        return self._to(state, now_ms, 0, bad)

    def _to(self, state: LinkState, now_ms: int, good: int, bad: int) -> "Link":
        since_ms = self.since_ms if state is self.state else now_ms
        return replace(self, state=state, since_ms=since_ms, good=good, bad=bad)
