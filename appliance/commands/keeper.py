"""`kurabako keeper`: run the one process that writes a site. `serve` and systemd start it."""

from pathlib import Path

import click


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
def keeper(site: Path) -> int:
    """Run the keeper of the site at SITE until it is asked to stop."""
    from sync.keeper import run_keeper

    return run_keeper(site)
