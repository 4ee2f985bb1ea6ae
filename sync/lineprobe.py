"""A thread that knows whether the object store is there, on connections of its own.

Invariant: it never waits for Litestream, so a hung upload cannot hide a dead line, nor a dead line a hung upload.
While nothing waits it asks rarely (a question costs money and a thin line's bytes): an open connection with the
kernel's keep-alive tells of a cut within seconds, and any answer that another part of the site got counts too.
"""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from sync.clock import wall_ms
from sync.errors import SyncError
from sync.link import Link
from sync.status import LinkState
from sync.stores import Store

_IDLE_S: Final = 300.0
_WAITING_S: Final = 5.0
_BUSY_S: Final = 1.0
_SLICE_S: Final = 0.5
_CONNECT_S: Final = 2.0
_KEEP_ALIVE: Final = ((socket.TCP_KEEPIDLE, 4), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 2))


class LineProbe:
    """Keeps `link` current. `store` is asked for `path`; `endpoint` is the URL that a connection is kept open to.

    `heard` returns when (monotonic clock) another part of the site last had an answer, None for never; `waiting`
    says whether something is to be sent, so that the light must be fresh.
    """

    def __init__(
        self,
        store: Store,
        path: str,
        endpoint: str = "",
        heard: Callable[[], float | None] = lambda: None,
        waiting: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._path = path
        self._wire = _Wire(endpoint)
        self._heard = heard
        self._waiting = waiting
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
        """Ask once; return the seconds until the next question, if nothing else happens."""
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
            self._rest(self.step())
        self._wire.close()

    def _rest(self, seconds: float) -> None:
        """Wait until the next question is due: at once when the kept connection breaks and none can be made."""
        asked = quiet = time.monotonic()
        while not self._stop.is_set():
            now, heard = time.monotonic(), self._heard() or 0.0
            quiet = quiet if self._waiting() else now  # what has just begun to wait may be sent any moment
            if now - max(asked, heard) >= seconds or now - max(quiet, asked, heard) >= min(seconds, _WAITING_S):
                return
            if seconds < _WAITING_S:
                self._stop.wait(min(_SLICE_S, seconds))
            elif not self._wire.holds(_SLICE_S, self._stop):
                return


class _Wire:
    """A connection that is kept open and carries nothing; a server that closes it when idle is connected anew."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._address = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        self._socket: socket.socket | None = None

    def holds(self, seconds: float, stop: threading.Event) -> bool:
        """Wait; return False when the connection broke and no new one can be made."""
        if self._address[0] is None:
            stop.wait(seconds)
            return True
        if self._socket is None and not self._connect():
            return False
        assert self._socket is not None  # noqa: S101 - just connected
        readable, _, _ = select.select([self._socket], [], [], seconds)
        if readable and not self._alive():
            self.close()
            stop.wait(seconds)  # not at once: a server may close every connection that says nothing
            return self._connect()
        return True

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connect(self) -> bool:
        try:
            self._socket = socket.create_connection(self._address, _CONNECT_S)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEP_ALIVE:
                self._socket.setsockopt(socket.IPPROTO_TCP, option, value)
        except OSError:
            self.close()
            return False
        return True

    def _alive(self) -> bool:
        assert self._socket is not None  # noqa: S101 - only asked of an open one
        with contextlib.suppress(OSError):
            return bool(self._socket.recv(4096))
        return False
