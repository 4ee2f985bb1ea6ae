"""Running a standby: the site itself, the office behind a Unix socket, and the proxy before it.

Invariant: the office listens on no port; its socket lies in a folder of the moment that nobody but the proxy's
user (and root) enters; all of it ends with this process.
"""

import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.site import SiteFolder
from appliance.standby.proxy import Proxy, find_proxy, write_proxy
from sync.keeperchild import MindedChild

_STOP_S: Final = 5.0


class NoStandbyError(ApplianceError):
    """The site is no standby: its configuration names no host. Params: `site`."""

    code = "APP-602"


@contextmanager
def serving_office(site: SiteFolder) -> Iterator[str]:
    """Serve a standby's office while the block runs; gives its URL.

    Raises NoStandbyError, ProgramMissingError, ProxyMissingError, StandbyFileError, CredentialMissingError.
    """
    if not site.config.standby.host:
        raise NoStandbyError(operation="serve standby", subject=site.path.name, site=str(site.path))
    with _folder() as folder:
        proxy = find_proxy(folder)
        write_proxy(site, proxy)
        if proxy.user:
            who = pwd.getpwnam(proxy.user)
            os.chown(folder, who.pw_uid, who.pw_gid)
        children = [MindedChild(_office(site, proxy), "office"), MindedChild(proxy.command, "proxy")]
        try:
            for child in children:
                child.start()
            yield site.config.standby.url
        finally:
            for child in reversed(children):
                child.stop(_STOP_S)


def _office(site: SiteFolder, proxy: Proxy) -> list[str]:
    words = ["web", str(site.path), "--socket", str(proxy.socket)]
    return [sys.executable, "-P", "-m", "appliance.cli", *words, *(["--peer", proxy.user] if proxy.user else [])]


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder of the moment; a unit's own (`RuntimeDirectory=`) where there is one."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    folder = Path(tempfile.mkdtemp(prefix="kurabako-standby-", dir=given or None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
