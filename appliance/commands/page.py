"""`kurabako board page`: how every school stands, as a page for a browser, from a process that needs no key."""

import asyncio
from pathlib import Path

import click

from appliance.board.folder import open_board
from appliance.exits import Exit


@click.command()
@click.option("--address", default="127.0.0.1:8090", show_default=True, help="ADDRESS:PORT")
@click.option(
    "--fleet",
    "inventory",
    type=click.Path(path_type=Path),
    help="also show the alarms that `kurabako fleet` saw last at the boxes of this inventory",
)
@click.pass_obj
def page(folder: Path, address: str, inventory: Path | None) -> int:
    """Show hubs, lag, drills, conflicts and alarms of all schools as a read-only page, until Ctrl-C or SIGTERM."""
    from appliance.fleet.remembered import file_of, remembered
    from appliance.noticeboard.server import listening, serve
    from appliance.statuspage.gathering import Gatherer
    from appliance.statuspage.page import policy
    from appliance.statuspage.watching import Watch

    opened = open_board(folder)
    watch = Watch(Gatherer(opened, remembered(file_of(inventory)) if inventory else None))
    line = listening(address)
    host, port = line.getsockname()[:2]
    click.echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    watch.start()
    try:
        asyncio.run(serve(watch.pages, policy(), line))
    finally:
        watch.stop()
    return Exit.OK
