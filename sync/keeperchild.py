"""Keeping the keeper (and what stands beside it) alive: a thread whose only task is to start it again, at once.

Invariant: whatever else the site is busy with (a reset, a hung upload), a keeper that died is back within a
moment, because offices wait for it. The thread that starts it lives as long as the site does: the kernel stops
the child when that thread ends.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

from sync.programs import start_child, stop_child
from sync.site import SitePaths

_SHORTEST_LIFE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0


class MindedChild:
    """Starts a process and starts it again whenever it ends, until `stop`."""

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._command = list(command)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._mind, name=name, daemon=True)
        self._child: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Start the thread, which starts the process."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """Stop the process cleanly."""
        self._stopping.set()
        stop_child(self._child, patience_s)
        self._thread.join(patience_s)

    def _mind(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            began = time.monotonic()
            self._child = start_child(self._command)
            self.starts += 1
            self._child.wait()
            # One that dies at birth (a full disk, a broken file) must not be started a thousand times a minute.
            lived = time.monotonic() - began
            pause_s = 0.0 if lived > _SHORTEST_LIFE_S else min(_LONGEST_PAUSE_S, pause_s * 2 + 0.05)


class KeeperChild(MindedChild):
    """Starts the keeper and starts it again whenever it ends, until `stop`."""

    def __init__(self, paths: SitePaths) -> None:
        super().__init__([sys.executable, "-m", "sync.keeper", str(paths.root)], "keeper")
