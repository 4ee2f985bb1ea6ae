"""`kurabako serve`: run a whole site in the foreground and take every child down with it."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.site import SiteFolder, open_site
from appliance.stopping import SIGNALS

if TYPE_CHECKING:
    from sync.keeperchild import MindedChild
    from sync.site import SitePaths

_INBOX_STOP_S: Final = 10.0


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
def serve(site: Path) -> int:
    """Run keeper, Litestream and sync of the site at SITE until Ctrl-C or SIGTERM."""
    folder = open_site(site)
    run_site(folder)
    return 0


def _keeper_of(folder: SiteFolder) -> "Callable[[SitePaths], MindedChild]":
    """Return what makes the site's keeper: the small program, unless the configuration names its peers."""
    from sync.keeperchild import KeeperChild, MindedChild

    if not folder.admission().others:
        return KeeperChild
    command = [sys.executable, "-m", "appliance.cli", "keeper", str(folder.path)]
    return lambda paths: MindedChild(command, "keeper")


def _noticeboard(folder: SiteFolder) -> "MindedChild | None":
    """Return what shows the noticeboard, where the configuration wants it: it is told one folder only."""
    from appliance.noticeboard.place import noticeboard_folder
    from sync.keeperchild import MindedChild

    address = folder.config.noticeboard.address
    if not address:
        return None
    command = [sys.executable, "-m", "appliance.cli", "notice", str(noticeboard_folder(folder))]
    return MindedChild([*command, "--address", address], "noticeboard")


def run_site(folder: SiteFolder) -> None:
    """Run the site; with `embedded` in its configuration its own object store too."""
    from appliance.credentials import read_store_key
    from appliance.devices.collecting import collecting
    from appliance.health.watch import watching
    from sync.daemon import SiteDaemon
    from sync.embedded import EmbeddedStore, port_of
    from sync.keeperchild import MindedChild

    section, embedded = folder.config.store, None
    if section.embedded:
        key = read_store_key(folder.path)
        port = port_of(section.endpoint)
        embedded = EmbeddedStore(
            folder.path / "cloud" / "store", key.access_key, key.secret_key, section.bucket, port
        )
    # A process of its own: it reads files from anywhere, and its death must not touch the keeper's.
    box = MindedChild([sys.executable, "-m", "appliance.cli", "inbox", str(folder.path)], "inbox")
    board = _noticeboard(folder)
    daemon = SiteDaemon(folder.paths, folder.daemon_settings(), _keeper_of(folder))
    for number in SIGNALS:
        signal.signal(number, lambda *_: daemon.stop())
    try:
        if embedded is not None:
            embedded.start()
        click.echo(f"kurabako: {folder.config.site.name}（{folder.config.site.school}）", err=True)
        box.start()
        if board is not None:
            board.start()
        with collecting(folder), watching(folder):
            daemon.run()
    finally:
        box.stop(_INBOX_STOP_S)
        if board is not None:
            board.stop(_INBOX_STOP_S)
        if embedded is not None:
            embedded.stop()
