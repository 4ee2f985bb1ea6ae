"""`kurabako hours`: the time recorder's file, the table of shifts, the report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit
from appliance.messages import language

if TYPE_CHECKING:
    from appliance.hours.report import HoursReport
    from appliance.office import Office

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
_FILE = click.argument("file", type=click.Path(path_type=Path))
_YES = click.option("--yes", is_flag=True, help="keep it without asking")
_JSON = click.option("--json", "as_json", is_flag=True, help="print one JSON object")
_CLERK = click.option("--login", "name", required=True, help="who does it: a clerk or a manager")
_ASK = "この内容で保存しますか / keep this?"


@click.group()
def hours() -> None:
    """Working hours 勤務管理: the time recorder's file, who works when, the report."""


@hours.command("import")
@_SITE
@_FILE
@_CLERK
@click.option("--mapping", type=click.Path(path_type=Path), help="CSV of card numbers and names")
@_YES
@_JSON
@passphrase_option
def import_(
    site: Path, file: Path, name: str, mapping: Path | None, yes: bool, as_json: bool, from_stdin: bool
) -> int:
    """Import FILE of the time recorder into the running site at SITE, after showing what stays out and why."""
    from appliance.hours.importwords import plan_json, plan_lines

    office = _login(site, name, from_stdin)
    try:
        plan = office.hours.plan_import(file, mapping)
        told = json.dumps(plan_json(plan), ensure_ascii=False)
        click.echo(told if as_json else "\n".join(plan_lines(plan, language())))
        if plan.new:
            _confirm(yes)
        saved = office.hours.commit_import(plan)
        if not as_json:
            click.echo(
                f"保存済: {saved.first_seq}–{saved.last_seq}"
                if saved
                else "変更はありません。 / nothing to change"
            )
    finally:
        office.logout()
    return Exit.INCOMPLETE if plan.refused or not plan.count_fits else Exit.OK


@hours.command()
@_SITE
@_FILE
@_CLERK
@_YES
@passphrase_option
def shifts(site: Path, file: Path, name: str, yes: bool, from_stdin: bool) -> int:
    """Keep who works when from FILE: CSV of 氏名, いつから, パターン, 職種, 課程, カード番号."""
    from appliance.hours.forms import read_whole
    from appliance.hours.shiftfile import read_shifts

    office = _login(site, name, from_stdin)
    try:
        names = {entry.person: entry.name for entry in office.hours.staff()}
        found = read_shifts(read_whole(file), names, office.hours.patterns())
        for shift in found:
            click.echo(f"{names[shift.person]}  {shift.since}  {shift.name}  {shift.staff}  {shift.course or '—'}")
        if found:
            _confirm(yes)
        saved = office.hours.set_shifts(found)
        click.echo(
            f"保存済: {saved.first_seq}–{saved.last_seq}" if saved else "変更はありません。 / nothing to change"
        )
    finally:
        office.logout()
    return Exit.OK


@hours.command()
@_SITE
@click.option("--login", "name", required=True, help="who looks: a clerk or a manager")
@click.option("--year", type=click.IntRange(2000, 2999), help="the school year 年度, else this one")
@click.option("--csv", "as_csv", is_flag=True, help="print CSV for a spreadsheet: an export by the policy")
@_JSON
@passphrase_option
def report(site: Path, name: str, year: int | None, as_csv: bool, as_json: bool, from_stdin: bool) -> int:
    """Print the mean monthly overtime by course of a year beside the one before, with the difference ▲."""
    from appliance.permits.releases import Form
    from appliance.schooldays import school_year_of

    if as_csv and as_json:
        raise click.UsageError("--csv or --json, not both")
    office = _login(site, name, from_stdin)
    try:
        wanted = year or school_year_of(office.today())
        if as_csv:
            click.echo(office.releases.hours(wanted, Form.CSV).data, nl=False)
        else:
            _tell(office.hours.report(wanted), as_json)
    finally:
        office.logout()
    return Exit.OK


def _tell(made: "HoursReport", as_json: bool) -> None:
    """Print the report as a table or as JSON."""
    from appliance.hours.report import COURSES, difference_text, line_text, sheet_of
    from appliance.release.cells import width_of

    if as_json:
        lines = [
            {**msgspec.to_builtins(line), "difference": difference_text(line.difference)} for line in made.lines
        ]
        told = {"year": made.year, "goal": made.goal, "first": made.first, "last": made.last, "lines": lines}
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    sheet = sheet_of(made)
    widths = sheet.widths()
    click.echo(sheet.title)
    for row in (sheet.headings, *sheet.rows):
        cells = (str(cell) for cell in row)
        padded = (text + " " * (width - width_of(text)) for text, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
    for text in (*(f"{COURSES[line.course]}: {line_text(line)}" for line in made.lines), *sheet.notes):
        click.echo(text)


def _login(site: Path, name: str, from_stdin: bool) -> "Office":
    from appliance.login import login

    return login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))


def _confirm(yes: bool) -> None:
    if not yes and not click.confirm(_ASK, default=False, err=True):
        raise click.Abort
