"""`kurabako office`: open the office screen. The screens are found by name, so no arrow points up."""

import importlib
from pathlib import Path

import click

from appliance.config import load_config


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--locked", default="", hidden=True, help="who left the seat: the screen asks for their passphrase")
@click.option("--only", default="", hidden=True, help="nobody else may log in: whom single sign-on vouched for")
@click.option("--came-from", default="", hidden=True, help="where that person is, for the audit record")
def office(site: Path, locked: str, only: str, came_from: str) -> int:
    """Open the office screen of the site at SITE."""
    load_config(site)
    return int(importlib.import_module("tui.launch").run(site, locked, only, came_from))
