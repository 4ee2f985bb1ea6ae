"""`kurabako survey`: questionnaires to the staff from the command line."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.office import Office

_WIDEST = 100
_STAGES = {"open": "受付中", "mixing": "混ぜている", "too_few": "回答が足りない", "done": "結果あり"}


@click.group()
def survey() -> None:
    """Questionnaires アンケート: print a template, make one, list them, show what came out."""


@survey.command()
def template() -> int:
    """Print a questionnaire as it is written, to be changed and kept by `survey add`."""
    from datetime import timedelta

    from appliance.session import local_time
    from appliance.surveys.surveytext import survey_template
    from sync.clock import wall_ms

    click.echo(survey_template(local_time(wall_ms()).date() + timedelta(weeks=1)), nl=False)
    return Exit.OK


@survey.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--login", "name", required=True, help="who asks")
@passphrase_option
def add(site: Path, file: Path, name: str, from_stdin: bool) -> int:
    """Keep the questionnaire of FILE, a text as `survey template` prints it, and open it."""
    from appliance.login import login
    from appliance.meetings.agendatext import decoded

    text = decoded(file.read_bytes())
    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        _, saved = office.surveys.make(text)
    finally:
        office.logout()
    click.echo(f"保存済: {saved.first_seq}–{saved.last_seq}")
    return Exit.OK


@survey.command("list")
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--login", "name", required=True, help="who looks")
@passphrase_option
def list_all(site: Path, name: str, from_stdin: bool) -> int:
    """List the questionnaires: state, by name or without, last day, answers, title."""
    from appliance.login import login

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        views = office.surveys.listed()
    finally:
        office.logout()
    for view in views:
        way = "記名" if view.form.named else "無記名"
        count = f"{view.answers}/{view.asked}"
        click.echo(f"{_STAGES[view.stage]}\t{way}\t{view.form.until}\t{count}\t{view.form.title}")
    return Exit.OK


@survey.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.argument("title")
@click.option("--login", "name", required=True, help="who looks")
@passphrase_option
def show(site: Path, title: str, name: str, from_stdin: bool) -> int:
    """Show what came out of the closed questionnaire whose title is or begins with TITLE, as bars."""
    from appliance.login import login
    from appliance.surveys.results import bar_lines

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        results = office.surveys.results(survey_of(office, title))
    finally:
        office.logout()
    click.echo(results.title)
    for line in bar_lines(results, min(_WIDEST, shutil.get_terminal_size().columns)):
        click.echo(line)
    return Exit.OK


def survey_of(office: "Office", title: str) -> str:
    """Return the questionnaire that is meant; raises UsageError where none or several are."""
    views = office.surveys.listed()
    found = [view for view in views if view.form.title == title] or [
        view for view in views if view.form.title.startswith(title)
    ]
    if len(found) != 1:
        raise click.UsageError(f"{len(found)} questionnaires are called so / {len(found)} 件あります")
    return found[0].survey
