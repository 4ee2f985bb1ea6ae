"""`kurabako roster`: look at a OneRoster file, and import it."""

import json
from pathlib import Path

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.commands.progress import Progress
from appliance.exits import Exit
from appliance.messages import language


@click.group()
def roster() -> None:
    """Look at and import OneRoster files."""


@roster.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--school", required=True, help="13-character school code 学校コード")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def show(file: Path, school: str, as_json: bool) -> int:
    """Say what FILE (a ZIP or a folder) would bring to the school, without any site."""
    from appliance.oneroster.plan import plan_import
    from appliance.oneroster.report import report_json, report_lines
    from appliance.schoolcode import parse_school_code

    plan = plan_import(file, str(parse_school_code(school)))
    if as_json:
        click.echo(json.dumps(report_json(plan), ensure_ascii=False, indent=2))
    else:
        for line in report_lines(plan, language()):
            click.echo(line)
    return Exit.INCOMPLETE if plan.quarantined else Exit.OK


@roster.command("import")
@click.argument("site", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--login", "name", required=True, help="who imports: a clerk or the principal")
@click.option("--yes", is_flag=True, help="keep it without asking")
@passphrase_option
def import_(site: Path, file: Path, name: str, yes: bool, from_stdin: bool) -> int:
    """Import FILE into the running site at SITE, after showing the counts per class."""
    from appliance.login import login
    from appliance.oneroster.report import report_lines

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        with Progress("読み込み / reading") as show_progress:
            plan = office.roster.plan(file, show_progress)
        for line in report_lines(plan, language()):
            click.echo(line)
        if not yes and not click.confirm("この内容で取り込みますか / import this?", default=False, err=True):
            raise click.Abort
        saved = office.roster.commit(plan)
        if saved is None:
            click.echo("変更はありません。 / nothing to change")
        else:
            click.echo(f"保存済: {saved.first_seq}–{saved.last_seq}")
    finally:
        office.logout()
    return Exit.INCOMPLETE if plan.quarantined else Exit.OK
