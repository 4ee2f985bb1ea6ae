"""HTTP over `run/metrics.sock`: one page, the box's figures.

Invariant: it listens on no network; it answers one question after another, each within a few seconds, and no
question can hold up or end the daemon that it runs in.
"""

import contextlib
import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from appliance.health.look import look_at
from sync.sockets import socket_address

if TYPE_CHECKING:
    from appliance.health.watch import Watcher

SOCKET: Final = "metrics.sock"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PATIENCE_S: Final = 5.0


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server_version = "kurabako"
    sys_version = ""
    server: "_Server"

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        """Answer with the figures of now."""
        if self.path != "/metrics":
            self.send_error(404)
            return
        body = self.server.page()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Return a name for whoever asks: a unix socket has none."""
        return "unix"

    def log_message(self, *_: Any) -> None:
        """Write nothing: every quarter of a minute would be a line."""


class _Server(socketserver.UnixStreamServer):
    def __init__(self, path: Path, watcher: "Watcher") -> None:
        path.unlink(missing_ok=True)
        self._watcher = watcher
        with socket_address(path) as address:
            super().__init__(address, _Handler)
        os.chmod(path, 0o666)  # noqa: S103 - figures only, as open as the status file beside it

    def page(self) -> bytes:
        """Return the text of now."""
        from appliance.health.metrics import Figures, exposition

        watcher = self._watcher
        look = look_at(watcher.folder.path, watcher.machine)
        return exposition(Figures(look, tuple(watcher.findings), watcher.book, watcher.keeper.restarts))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked has gone, or gets no answer and asks again."""


class MetricsServer:
    """Serves while its block runs. Without room for a socket there are no metrics, and the site runs on."""

    def __init__(self, watcher: "Watcher") -> None:
        self._path = watcher.paths.run / SOCKET
        self._watcher = watcher
        self._server: _Server | None = None

    def __enter__(self) -> "MetricsServer":
        with contextlib.suppress(OSError):
            self._server = _Server(self._path, self._watcher)
            threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._path.unlink(missing_ok=True)
