"""`kurabako board timeline`: what happened when at a school, so that an officer can choose the second."""

import json
from datetime import date, datetime
from pathlib import Path

import click

from appliance.board.folder import open_board
from appliance.board.restorereport import JST
from appliance.commands.progress import Progress
from appliance.exits import Exit

RECENT_DAYS = 14


@click.command()
@click.argument("school")
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="one day, by quarters of an hour (else the last 14 days)"
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def timeline(folder: Path, school: str, on: datetime | None, as_json: bool) -> int:
    """Show what happened when at SCHOOL: counts and places, nothing of what was entered. Needs no key."""
    from appliance.board.timelines import day_json, day_lines, recent_days, school_day

    board = open_board(folder)
    if on is None:
        days = recent_days(board, school, today(), RECENT_DAYS)
        if as_json:
            rows = [{"on": day.isoformat(), "changes": changes} for day, changes in days]
            click.echo(json.dumps({"school": school, "days": rows}))
        else:
            for line in days_lines(days):
                click.echo(line)
        return Exit.OK
    with Progress("束を読む / reading segments") as progress:
        day = school_day(board, school, on.date(), lambda done: progress(done, done + 1))
    if as_json:
        click.echo(json.dumps(day_json(day), ensure_ascii=False, indent=2))
    else:
        for line in day_lines(day):
            click.echo(line)
    return Exit.OK


def days_lines(days: list[tuple[date, int]]) -> list[str]:
    """Return a line for every day, newest first."""
    names = "月火水木金土日"
    return [f"{day:%Y-%m-%d}（{names[day.weekday()]}）  {changes:>7,}件" for day, changes in days]


def today() -> date:
    """Return today's date in Japan."""
    return datetime.now(JST).date()
