"""`kurabako punch`: the terminal at the entrance. The screen is found by name, so no arrow points up."""

import importlib
from pathlib import Path

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.config import load_config


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--login", "name", required=True, help="a login of the role timeclock, which the board admits")
@passphrase_option
def punch(site: Path, name: str, from_stdin: bool) -> int:
    """Take punches at the entrance of the site at SITE, by card or short code, until F10.

    Cards and codes are those of `kurabako hours shifts`. The board admits the terminal like a person:
    `kurabako board admit … --role timeclock`. It can read no punch, and nothing above importance IV.
    """
    load_config(site)
    passphrase = ask_passphrase("合言葉 / passphrase", from_stdin)
    return int(importlib.import_module("tui.punching").run(site, name, passphrase))
