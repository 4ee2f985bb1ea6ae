"""A standby's office for the proxy before it: on a Unix socket, each page as the person whom the sign-on names.

Invariant: only the proxy's user, as the kernel vouches for it, is answered at all; a page belongs to one login and
nobody else can log in on it; it ends when the longest time of a session is over, whatever it shows.
"""

import asyncio
import contextlib
import os
import pwd
import shlex
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from aiohttp import web

from appliance.site import SiteFolder, open_site
from appliance.standby.visitors import Visitor, note_visit, read_visitor
from sync.programs import find_program
from tui.webserver import PAGE, OfficeServer

_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid
_GRACE_S = 15.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_who: ContextVar[Visitor | None] = ContextVar("_who", default=None)


class StandbyServer(OfficeServer):
    """Serves a standby's office to the proxy."""

    def __init__(self, site: SiteFolder, uids: frozenset[int], longest_s: float | None = None) -> None:
        self._site = site
        self._uids = uids
        section = site.config.standby
        self._longest_s = section.longest_s if longest_s is None else longest_s
        super().__init__(
            "", "localhost", section.port, site.config.site.name, public_url=section.url, templates_path=PAGE
        )

    @property
    def command(self) -> str:
        """Return what draws the page of the visitor whose request this is."""
        visitor = _who.get()
        if visitor is None:
            return "false"
        words = ["office", str(self._site.path), "--only", visitor.login, "--came-from", visitor.source]
        # The sign-on's own session ends, but an open page asks for nothing by which that would be noticed.
        limit = [find_program("timeout"), "--kill-after=10", f"{self._longest_s}s"]
        return shlex.join([*limit, sys.executable, "-P", "-m", "appliance.cli", *words])

    @command.setter
    def command(self, value: str) -> None:
        """Take no notice of what the base class begins with."""

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Connect a page; on record before anything is drawn."""
        visitor = self._visitor(request)
        _who.set(visitor)
        await asyncio.to_thread(note_visit, self._site.path, "opened", visitor)
        try:
            async with asyncio.timeout(self._longest_s + _GRACE_S):  # a page whose office never drew is open too
                return await super().handle_websocket(request)
        except TimeoutError:
            return web.WebSocketResponse()  # it is closed: nobody is there to be answered
        finally:
            with contextlib.suppress(OSError):
                note_visit(self._site.path, "closed", visitor)

    async def make_app(self) -> web.Application:
        """Return the application with the guard before everything, static files too."""
        app = await self._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._visitor(request)
        return await handler(request)

    def _visitor(self, request: web.Request) -> Visitor:
        """Return who asks; raises HTTPForbidden for anybody but the proxy, and for nobody."""
        visitor = read_visitor(request.headers)
        if _peer_uid(request) not in self._uids or visitor is None:
            raise web.HTTPForbidden(text="no session")
        return visitor


def _peer_uid(request: web.Request) -> int | None:
    connection = request.transport.get_extra_info("socket") if request.transport is not None else None
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def run(site_dir: Path, path: Path, peer: str) -> int:
    """Serve until SIGTERM; `peer` is the user whom the proxy runs as, where it is another one."""
    site = open_site(site_dir)
    who = pwd.getpwnam(peer) if peer else None
    server = StandbyServer(site, frozenset({who.pw_uid if who else os.geteuid()}))
    server.initialize_logging()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
        os.chmod(path, 0o600)
        if who is not None:
            os.chown(path, who.pw_uid, who.pw_gid)
        web.run_app(server.make_app(), sock=listening, print=lambda *_: None, access_log=None)
    return 0
