"""`kurabako board restore`: bring a school back from object storage, with a report that one can act on."""

import json
from datetime import datetime
from pathlib import Path

import click

from appliance.board.folder import BoardFolder, open_board
from appliance.board.restored import RestoreRequest, restore_school
from appliance.board.restorereport import JST, keep_report, report_json, report_lines
from appliance.commands.progress import Progress
from appliance.exits import Exit
from sync.restore import RestoreReport

STAGES = {"fetch": "取り出し / fetching", "verify": "検証 / verifying"}


class JapanTime(click.ParamType[datetime]):
    """A time such as 2026-11-24T08:30:00, in Japan unless it names an offset."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return an aware time."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-11-24T08:30:00", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=JST)


@click.command()
@click.argument("school", required=False)
@click.option("--at", type=JapanTime(), help="to this second (Japan time), such as 2026-11-24T08:30:00")
@click.option("--to", "target", type=click.Path(path_type=Path), help="an empty or new folder")
@click.option("--guided", is_flag=True, help="ask for school, day and second, showing what happened when")
@click.option("--full", is_flag=True, help="check every signature, not only those after the newest checkpoint")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def restore(
    folder: Path,
    school: str | None,
    at: datetime | None,
    target: Path | None,
    guided: bool,
    full: bool,
    as_json: bool,
) -> int:
    """Restore SCHOOL from object storage into a folder, verify it, and say what came back.

    The report is kept beside the folder too (DIR.report.txt and .json). Exit code 0 when it is all that is known
    to exist, 3 when something is missing (the report says what).
    """
    board = open_board(folder)
    if guided:
        from appliance.commands.guided import ask_request, offer_to_show

        if at is not None or as_json:
            raise click.UsageError("--guided asks for the second, and answers in words")
        request = ask_request(board, school, target, full)
        report = _restore_and_tell(board, request, as_json=False)
        offer_to_show(board, request)
    else:
        if school is None or target is None:
            raise click.UsageError("name SCHOOL and --to, or use --guided")
        report = _restore_and_tell(board, RestoreRequest(school, target, at, full), as_json)
    return Exit.OK if report.complete else Exit.INCOMPLETE


def _restore_and_tell(board: BoardFolder, request: RestoreRequest, as_json: bool) -> RestoreReport:
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        report = restore_school(board, request, stage)
    kept, _ = keep_report(report, request.at)
    if as_json:
        click.echo(json.dumps(report_json(report, request.at), ensure_ascii=False, indent=2))
    else:
        for line in report_lines(report, request.at):
            click.echo(line)
        click.echo(f"報告書    {kept}")
    return report
