"""`kurabako update`: a box takes the board's signed releases. `update repo` is the board's side of it."""

import subprocess
from pathlib import Path
from typing import Any

import click

from appliance.commands.updaterepo import repo
from appliance.exits import Exit

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
_MEDIUM = click.option(
    "--from",
    "medium",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="a medium that holds updates/ [default: what was fetched]",
)


@click.group()
def update() -> None:
    """New versions of Kurabako, signed by the board's officers."""


update.add_command(repo)


def _box(site: Path) -> Any:
    from appliance.updates.box import UpdateBox

    return UpdateBox(site)


@update.command()
@_SITE
@_MEDIUM
def check(site: Path, medium: Path | None) -> int:
    """Say which version is signed for the box at SITE. Exit code 3 when it is not the one that runs."""
    box = _box(site)
    release = box.look(medium)
    running = box.slots.release(box.slots.current() or "a")
    click.echo(f"{running.version if running else '-'} → {release.manifest.version} {release.digest}")
    return Exit.OK if running == release.manifest else Exit.INCOMPLETE


@update.command()
@_SITE
def fetch(site: Path) -> int:
    """Bring the newest signed version from the store of the site at SITE; installs nothing."""
    from appliance.site import open_site

    release = _box(site).fetch(open_site(site))
    click.echo(f"{release.manifest.version} {release.digest}")
    return Exit.OK


@update.command()
@_SITE
@_MEDIUM
@click.option("--permit", default="", help="the number of the permit under which the medium is used")
def apply(site: Path, medium: Path | None, permit: str) -> int:
    """Install a signed version beside the one that runs, switch, and go back by itself if it is not healthy."""
    box = _box(site)
    try:
        done = box.apply(medium, permit)
    finally:
        _tell(box, site)
    click.echo("applied" if done else "unchanged")
    return Exit.OK


@update.command()
@_SITE
def rollback(site: Path) -> int:
    """Go back to the version before, if it can read the store."""
    box = _box(site)
    state = box.switch.rollback()
    _tell(box, site)
    click.echo(f"{state.former} → {state.version}")
    return Exit.OK


@update.command()
@_SITE
@click.option("--booting", is_flag=True, help="nothing runs yet; the machine's start goes on by itself")
def resume(site: Path, booting: bool) -> int:
    """Put right what a power cut left of an update. Started by the service manager."""
    click.echo(_box(site).switch.resume(booting=booting).stage)
    return Exit.OK


@update.command()
@_SITE
def status(site: Path) -> int:
    """Show which version runs, which one is beside it, and how the last update went."""
    box = _box(site)
    state, current = box.state.read(), box.slots.current()
    for slot in ("a", "b"):
        release = box.slots.release(slot)
        click.echo(f"{'*' if slot == current else ' '} {slot} {release.version if release else '-'}")
    click.echo(" ".join(part for part in (state.stage, state.version, state.problem, state.permit) if part))
    return Exit.OK


@update.command()
@_SITE
def tell(site: Path) -> int:
    """Write the last update into the audit record of the running site at SITE, if it is not there."""
    from appliance.site import open_site
    from appliance.updates.telling import tell as tell_it

    click.echo("told" if tell_it(open_site(site), _box(site).state) else "nothing to tell")
    return Exit.OK


def _tell(box: Any, site: Path) -> None:
    """Let the version that runs now tell; one that cannot is asked again at the next turn of the timer."""
    command = box.slots.path("current") / "bin" / "kurabako"
    if command.exists():
        subprocess.run([command, "update", "tell", site], stdin=subprocess.DEVNULL, check=False)
