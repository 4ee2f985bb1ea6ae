"""A thread that asks the object store whether it is there, on a connection of its own.

Invariant: it never waits for Litestream, so a hung upload cannot hide a dead line, nor a dead line a hung upload.
"""

import threading
import time
from typing import Final

from sync.clock import wall_ms
from sync.errors import SyncError
from sync.link import Link
from sync.objectstore import ObjectStore
from sync.status import LinkState

_IDLE_S: Final = 5.0
_BUSY_S: Final = 1.0


class LineProbe:
    """Keeps `link` current: every 5 s while the line is well, every second while it is not."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        self._store = store
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="line", daemon=True)
        self.link = Link()
        self.last_failure: SyncError | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it may be waiting for the store, so not for long."""
        self._stop.set()
        self._thread.join(2)

    def step(self) -> float:
        """Ask once; return the seconds until the next question."""
        began = time.monotonic()
        try:
            self._store.probe(self._path)
        except SyncError as error:
            self.link, self.last_failure = self.link.failed(wall_ms()), error
            return _BUSY_S
        self.link, self.last_failure = self.link.answered(time.monotonic() - began, wall_ms()), None
        return _IDLE_S if self.link.state is LinkState.ONLINE else _BUSY_S

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.step())
