"""`kurabako notice`: the noticeboard for learners, from a process that holds no key."""

import asyncio
from pathlib import Path

import click

from appliance.exits import Exit


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), envvar="KURABAKO_NOTICE")
@click.option("--address", default="", help="ADDRESS:PORT; without it the socket that systemd hands over")
def notice(folder: Path, address: str) -> int:
    """Show what was released into FOLDER as a read-only page, until Ctrl-C or SIGTERM. It opens nothing else."""
    from appliance.noticeboard.page import policy
    from appliance.noticeboard.server import Board, listening, serve

    line = listening(address)
    if address:
        host, port = line.getsockname()[:2]
        click.echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    asyncio.run(serve({"/": Board(folder)}, policy(), line))
    return Exit.OK
