"""`kurabako inbox`: look after the drop folder of a site. `serve` starts it beside the keeper."""

import signal
from pathlib import Path

import click

from appliance.exits import Exit
from appliance.site import open_site
from appliance.stopping import stop_event


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
def inbox(site: Path) -> int:
    """Seal and record what lies in the drop folder of SITE, until Ctrl-C or SIGTERM. Nobody need be logged in."""
    from appliance.inbox.running import run_inbox

    signal.signal(
        signal.SIGIO, signal.SIG_IGN
    )  # the kernel says so when somebody wants a file that is being proven
    run_inbox(open_site(site), stop_event())
    return Exit.OK
