"""`kurabako support-bundle`: one file with a box's figures and logs, for whoever helps from afar."""

from pathlib import Path

import click

from appliance.exits import Exit


@click.command("support-bundle")
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="where to put it; - for standard output",
)
def support_bundle(site: Path, out: Path) -> int:
    """Put what support needs of the site at SITE into one file: figures, logs of known words, versions, units.

    No personal data, no key and no credential is in it: every part is written anew from closed lists.
    """
    from appliance.health.bundle import bundle
    from appliance.health.look import look_at
    from sync.atomic import atomic_write

    packed = bundle(look_at(site))
    if str(out) == "-":
        click.echo(packed, nl=False)
    else:
        atomic_write(out, packed)
        click.echo(f"{out} ({len(packed)} bytes)", err=True)
    return Exit.OK
