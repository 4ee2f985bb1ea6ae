"""The noticeboard's process: one read-only page over HTTP, out of the file that was released.

Invariant: it holds no key and opens nothing but that file; it answers GET and HEAD of one address and changes
nothing. A file that cannot be read leaves the last one that could standing.
"""

import asyncio
import gzip
import os
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web

from appliance.errors import ApplianceError
from appliance.noticeboard.page import JST, page
from appliance.noticeboard.snapshot import Snapshot, Stamp, read_snapshot, stamp_of
from sync.servicemanager import Pulse, leaving, serving

_BEAT_S: Final = 1.0
_STOP_S: Final = 2.0
_IDLE_S: Final = 15.0
_BACKLOG: Final = 512
_LISTEN_FD: Final = 3  # sd_listen_fds(3): the first one that is handed over


class AddressTakenError(ApplianceError):
    """The page cannot be served at this address."""

    code = "APP-643"


@dataclass(frozen=True, slots=True)
class Answer:
    """The page ready to be sent: as it is and packed, with its tag."""

    plain: bytes
    packed: bytes
    tag: str


class Page(Protocol):
    """Something that has a page to show."""

    def answer(self) -> Answer:
        """Return the page of now; called for every request, so it is quick."""
        ...


def answer_of(plain: bytes) -> Answer:
    """Return a page ready to be sent."""
    return Answer(plain, gzip.compress(plain, 9, mtime=0), f'"{sha256(plain).hexdigest()[:24]}"')


@dataclass
class Board:
    """The page of one folder, made anew when the file or the day changed."""

    folder: Path
    today: Callable[[], date] = lambda: datetime.now(JST).date()
    _seen: tuple[Stamp | None, date] | None = None
    _last: Snapshot | None = None
    _answer: Answer | None = field(default=None)

    def answer(self) -> Answer:
        """Return the page of now."""
        seen = (stamp_of(self.folder), self.today())
        if self._answer is None or seen != self._seen:
            found = read_snapshot(self.folder)
            self._last = found or self._last
            self._answer = answer_of(page(self._last, seen[1]))
            self._seen = seen
        return self._answer


def application(pages: Mapping[str, Page], policy: str) -> web.Application:
    """Return the application that shows pages by their paths, under a Content-Security-Policy."""
    closed = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",  # a tablet keeps the page, and asks whether it is still the same
        "Vary": "Accept-Encoding",
        "Server": "kurabako",
    }

    async def show(request: web.Request) -> web.Response:
        answer = pages[request.path].answer()
        headers = {**closed, "ETag": answer.tag}
        if answer.tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = answer.packed if packed else answer.plain
        return web.Response(body=body, headers=headers, content_type="text/html", charset="utf-8")

    made = web.Application(client_max_size=1024)
    for path in pages:
        made.router.add_get(path, show)  # HEAD too

    async def hide_versions(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in closed.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = closed["Server"]

    made.on_response_prepare.append(hide_versions)
    return made


def listening(address: str) -> socket.socket:
    """Return a socket that listens at ADDRESS:PORT, or the one that the service manager handed over.

    Raises AddressTakenError.
    """
    if not address:
        if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
            return socket.socket(fileno=_LISTEN_FD)
        raise AddressTakenError(operation="serve noticeboard", subject="socket", address="socket")
    host, _, port = address.rpartition(":")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
    except (OSError, ValueError, OverflowError) as exc:  # ValueError: no port
        raise AddressTakenError(
            operation="serve noticeboard", subject=address, cause=exc, address=address
        ) from exc
    return made


async def serve(pages: Mapping[str, Page], policy: str, line: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop, pulse = asyncio.Event(), Pulse()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        application(pages, policy), access_log=None, keepalive_timeout=_IDLE_S, shutdown_timeout=_STOP_S
    )
    await runner.setup()
    try:
        await web.SockSite(runner, line, backlog=_BACKLOG).start()
        for one in pages.values():
            one.answer()  # the first who asks waits no longer than the others
        serving()
        while not stop.is_set():
            pulse.beat()
            try:
                await asyncio.wait_for(stop.wait(), _BEAT_S)
            except TimeoutError:
                continue
    finally:
        leaving()
        await runner.cleanup()
