"""Things that happen and are over: a keeper that restarts, a healing, a refused USB device.

Invariant: an event that happened while nobody watched is still told: what was seen up to now is a count in the
book, and the first look at a box only writes it down.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from appliance.alarms.book import Book
from appliance.alarms.conditions import Standing
from appliance.devices.spool import spool_of
from appliance.health.sitechecks import usb_refused
from sync.healing import begun, newest_healing
from sync.peers import listening_pid
from sync.site import SitePaths

_AWAY_S: Final = 30.0
_OFTEN: Final = 3
_OFTEN_S: Final = 3600.0


@dataclass
class KeeperWatch:
    """Sees a keeper restart by the process behind its socket; `now_s` is a monotonic clock."""

    paths: SitePaths
    now_s: Callable[[], float] = time.monotonic
    restarts: int = 0
    _pid: int | None = None
    _away_since: float | None = None
    _recent: deque[float] = field(default_factory=deque)

    def turn(self) -> Standing:
        """Look once. Active: it restarted after an unclean stop, for the third time in an hour, or stays away."""
        pid, now = listening_pid(self.paths.socket), self.now_s()
        restarted = pid is not None and self._pid is not None and pid != self._pid
        self._pid = pid or self._pid
        if pid is not None:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
        if restarted:
            self.restarts += 1
            self._recent.append(now)
        while self._recent and now - self._recent[0] > _OFTEN_S:
            self._recent.popleft()
        unclean = restarted and (self.paths.reset_mark.exists() or begun(self.paths) is not None)
        away = self._away_since is not None and now - self._away_since >= _AWAY_S
        return Standing(unclean or away or len(self._recent) >= _OFTEN, {"restarts": self.restarts})


def healing(paths: SitePaths, book: Book) -> tuple[Standing, Book]:
    """Tell whether the replica is being replaced, or was since the last look."""
    newest = newest_healing(paths)
    began_ms = newest.began_ms if newest is not None else 0
    known = book.marks.get("healing", began_ms)
    now = paths.reset_mark.exists() or begun(paths) is not None
    return Standing(now or began_ms != known), book.marked("healing", began_ms)


def usb(paths: SitePaths, book: Book) -> tuple[Standing, Book]:
    """Tell whether a device was refused since the last look, also one that is not written down yet."""
    try:
        waiting = sum(1 for file in spool_of(paths).iterdir() if not file.name.startswith("."))
    except FileNotFoundError:
        waiting = 0
    count, _ = usb_refused(paths)
    known = book.marks.get("usb", count)
    return Standing(waiting > 0 or count > known, {"count": count}), book.marked("usb", count)
