"""`kurabako board report make | look`: what all schools add up to, for analysts and for looking."""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.board.folder import open_board
from appliance.commands.asking import passphrase_option
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit
from appliance.messages import explain

if TYPE_CHECKING:
    from crypto.errors import KurabakoError

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def report() -> None:
    """Reports over all schools: counts without names, small ones hidden."""


@report.command()
@click.option("--first", type=_DAY, required=True, help="the first day")
@click.option("--last", type=_DAY, required=True, help="the last day, counted too")
@click.option("--purpose", required=True, help="what for; stands in every school's audit record")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="a folder that is not there yet")
@passphrase_option
@click.pass_obj
def make(folder: Path, first: datetime, last: datetime, purpose: str, out: Path, from_stdin: bool) -> int:
    """Count absences by day and disease, closures, overtime and sync health of all schools; write the files.

    Needs the board's passphrase, or two officers. Each school's audit record says that it was counted, and why.
    """
    from appliance.region.reports import ReportRequest, make_reports

    if last < first:
        raise click.UsageError("--last is before --first")
    if not purpose.strip():
        raise click.UsageError("--purpose is empty")
    opened = open_board(folder)
    root = unlock_root(opened, from_stdin)
    wanted = ReportRequest(first.date(), last.date(), out, purpose.strip())
    for table in make_reports(opened, root, wanted, _say):
        click.echo(f"{table.name}\t{len(table.rows)}")
    return Exit.OK


@report.command()
@click.argument("report", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--port", type=click.IntRange(1024, 65535), default=8001, show_default=True)
def look(report: Path, port: int) -> None:
    """Show a REPORT in the browser of this machine (Datasette on loopback), until Ctrl-C."""
    from appliance.region.looking import looking_command

    command = looking_command(report, port)
    click.echo(f"http://127.0.0.1:{port}/")
    os.execv(command[0], command)  # noqa: S606 - our own Python, without a shell


def _say(school: str, error: "KurabakoError | None") -> None:
    if error is not None:
        click.echo(f"{school}: {explain(error).sentence} [{error.code}]", err=True)
