"""A keeper for the moment: what the board does to a site goes through its one writer, like everything else.

Invariant: where a keeper runs already that one is used; one started here ends with the block. A hub that is with
the region is brought up to date before, and sent after.
"""

import contextlib
import os
import subprocess
import sys

from appliance.board.regional import borrowed, carry_documents, in_region
from appliance.site import open_site
from sync.client import KeeperClient
from sync.errors import SecondKeeperError
from sync.keeperlock import take_lock
from sync.programs import start_child, stop_child
from sync.site import SitePaths

_STOP_S = 10.0


class SiteKeeper:
    """A context with a client of the site's keeper."""

    def __init__(self, paths: SitePaths) -> None:
        self._paths = paths
        self._client = KeeperClient(paths.socket)
        self._child: subprocess.Popen[bytes] | None = None
        self._around = contextlib.ExitStack()

    def __enter__(self) -> KeeperClient:
        self._around.enter_context(borrowed(self._paths))
        try:
            return self._begin()
        except BaseException:
            self.__exit__()
            raise

    def _begin(self) -> KeeperClient:
        # The lock tells, not the socket: a keeper that was killed leaves its socket behind.
        with contextlib.suppress(SecondKeeperError):
            os.close(take_lock(self._paths))
            self._child = start_child([sys.executable, "-m", "sync.keeper", str(self._paths.root)])
        self._client.hello()
        return self._client

    def __exit__(self, *_: object) -> None:
        try:
            if in_region(self._paths) and self._child is not None:
                carry_documents(open_site(self._paths.root))
        finally:
            self._client.close()
            stop_child(self._child, _STOP_S)
            self._child = None
            self._around.close()
