"""`kurabako office`: open the office screen. The screens are found by name, so no arrow points up."""

import importlib
from pathlib import Path

import click

from appliance.config import load_config


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
def office(site: Path) -> int:
    """Open the office screen of the site at SITE."""
    load_config(site)
    return int(importlib.import_module("tui.launch").run(site))
