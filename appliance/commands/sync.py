"""`kurabako sync`: what a site sends and proves, beside a keeper of its own process. systemd starts it."""

import signal
from pathlib import Path

import click

from appliance.exits import Exit
from appliance.site import open_site
from appliance.stopping import SIGNALS


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
def sync(site: Path) -> int:
    """Run Litestream and the sync of the site at SITE until Ctrl-C or SIGTERM; its keeper must run already.

    Refused USB devices are written down here too, and the box is watched from here. Whether there is a line does
    not matter.
    """
    from appliance.devices.collecting import collecting
    from appliance.health.watch import watching
    from sync.daemon import SiteDaemon

    folder = open_site(site)
    daemon = SiteDaemon(folder.paths, folder.daemon_settings(), None)
    for number in SIGNALS:
        signal.signal(number, lambda *_: daemon.stop())
    with collecting(folder), watching(folder):
        daemon.run()
    return Exit.OK
