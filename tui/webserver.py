"""The office in a browser, through textual-serve: one process of `kurabako office` for each page.

Invariant: listens on the box itself only, since a passphrase travels here; a page of another origin gets no
connection; what is typed is never logged; nothing is fetched from anywhere else.
"""

import logging
import shlex
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from appliance.site import open_site

HOST: Final = "127.0.0.1"
PAGE: Final = Path(__file__).with_name("page")


class OfficeServer(Server):
    """Serves one site's office screen."""

    def initialize_logging(self) -> None:
        """Write warnings only, without the values of variables: among those are the keys that were pressed."""
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Connect a page, if it is one of our own."""
        origin = urlsplit(request.headers.get("Origin", ""))
        if origin.netloc != request.host:
            raise web.HTTPForbidden(text="another origin")
        return await super().handle_websocket(request)

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing yet: nobody can connect."""

    def serve(self, debug: bool = False) -> None:
        """Serve until SIGINT or SIGTERM, and say where the page is once it is there."""
        self.initialize_logging()

        def announce(*told: object) -> None:
            sys.stdout.write(f"{self.public_url}\n")
            sys.stdout.flush()

        web.run_app(self._make_app(), host=self.host, port=self.port, print=announce, access_log=None)


def run(site_dir: Path, port: int) -> int:
    """Serve the office until Ctrl-C or SIGTERM; return the exit code."""
    site = open_site(site_dir)
    command = shlex.join([sys.executable, "-P", "-m", "appliance.cli", "office", str(site.path)])
    OfficeServer(command, HOST, port, site.config.site.name, templates_path=PAGE).serve()
    return 0
