"""`kurabako web`: the office screen in a browser on this machine. The screens are found by name."""

import importlib
from pathlib import Path

import click

from appliance.config import load_config


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--port", type=click.IntRange(1024, 65535), default=8700, show_default=True)
@click.option("--socket", "path", type=click.Path(path_type=Path), hidden=True, help="a standby: for its proxy")
@click.option("--peer", default="", hidden=True, help="the user whom the proxy runs as")
def web(site: Path, port: int, path: Path | None, peer: str) -> int:
    """Serve the office screen of the site at SITE to a browser on this machine, until Ctrl-C.

    From an office PC: ssh -L 8700:127.0.0.1:8700 office@box, then http://127.0.0.1:8700. Bigger letters:
    http://127.0.0.1:8700/?fontsize=24.
    """
    load_config(site)
    if path is not None:
        return int(importlib.import_module("tui.standbyserver").run(site, path, peer))
    return int(importlib.import_module("tui.webserver").run(site, port))
