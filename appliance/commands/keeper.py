"""`kurabako keeper`: run the one process that writes a site. systemd starts it; `serve` starts its like."""

from pathlib import Path

import click

from appliance.exits import Exit


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--ended", is_flag=True, help="only see to the replica after a keeper that was killed, and end")
def keeper(site: Path, ended: bool) -> int:
    """Run the keeper of the site at SITE until it is asked to stop.

    The processes of which users it serves is in the section `keeper` of the configuration.
    """
    if ended:  # whatever the configuration says by now
        from sync.keeperlock import note_end
        from sync.site import SitePaths

        note_end(SitePaths(site))
        return Exit.OK
    from appliance.site import open_site
    from sync.keeper import run_keeper

    folder = open_site(site)
    return run_keeper(folder.path, folder.admission())
