"""`kurabako meeting`: meetings from a text or a calendar file, and what such a text looks like."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.office import Office

_TEMPLATES = ("staff", "planning", "grade", "training")


@click.group()
def meeting() -> None:
    """Staff meetings 職員会議: keep one from a text or a calendar file, print a template."""


@meeting.command()
@click.argument("name", type=click.Choice(_TEMPLATES))
def template(name: str) -> int:
    """Print a meeting as it is written, to be changed and kept by `meeting add`."""
    from appliance.meetings.writing import template_text
    from appliance.session import local_time
    from sync.clock import wall_ms

    click.echo(template_text(name, local_time(wall_ms()).date()), nl=False)
    return Exit.OK


@meeting.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--login", "name", required=True, help="who adds it")
@passphrase_option
def add(site: Path, file: Path, name: str, from_stdin: bool) -> int:
    """Keep the meetings of FILE: an iCalendar file (.ics), or a text as `meeting template` prints it."""
    from appliance.login import login

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        click.echo(_kept(office, file))
    finally:
        office.logout()
    return Exit.OK


def _kept(office: "Office", file: Path) -> str:
    from appliance.meetings.agendatext import decoded

    data = file.read_bytes()
    if file.suffix.lower() == ".ics":
        new, known, left = office.meetings.take_ics(data)
        told = f"新しい会議 {new}、既にある会議 {known}、会議でないもの {left}"
        return f"保存済: {told} / kept {new}, known {known}, no meetings {left}"
    saved = office.meetings.write(decoded(data))
    return f"保存済: {saved.first_seq}–{saved.last_seq}"
