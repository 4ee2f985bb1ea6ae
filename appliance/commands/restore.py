"""`kurabako board restore`: bring a school back from object storage, with a report that one can act on."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import click

from appliance.board.folder import open_board
from appliance.board.restored import RestoreRequest, restore_school
from appliance.commands.progress import Progress
from appliance.exits import Exit
from appliance.messages import explain_code
from sync.restore import RestoreReport

JST = timezone(timedelta(hours=9), "JST")
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
@click.argument("school")
@click.option("--at", type=JapanTime(), help="to this second (Japan time), such as 2026-11-24T08:30:00")
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="an empty or new folder")
@click.option("--full", is_flag=True, help="check every signature, not only those after the newest checkpoint")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def restore(board: Path, school: str, at: datetime | None, target: Path, full: bool, as_json: bool) -> int:
    """Restore SCHOOL from object storage into a folder, verify it, and say what came back.

    Exit code 0 when it is all that is known to exist, 3 when something is missing (the report says what).
    """
    request = RestoreRequest(school, target, at, full)
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        report = restore_school(open_board(board), request, stage)
    if as_json:
        click.echo(json.dumps(report_json(report, at), ensure_ascii=False, indent=2))
    else:
        for line in report_lines(report, at):
            click.echo(line)
    return Exit.OK if report.complete else Exit.INCOMPLETE


def report_json(report: RestoreReport, at: datetime | None) -> dict[str, object]:
    """Return the documented JSON shape."""
    verified = report.verified
    return {
        "school": verified.origin.school,
        "epoch": verified.origin.epoch,
        "verified": True,
        "complete": report.complete,
        "changes": verified.seq,
        "newest_change": _iso(verified.newest_ms),
        "asked_for": at.isoformat() if at else None,
        "checkpoint": verified.checkpoint_seq,
        "signatures_checked": verified.signatures,
        "completed": report.completed,
        "missing": report.missing,
        "problem": report.problem or None,
        "fell_back_to": _iso(report.fell_back_to_ms),
        "seconds": round(report.seconds, 3),
        "store": str(report.path / "school.db"),
    }


def report_lines(report: RestoreReport, at: datetime | None) -> list[str]:
    """Return the report in words."""
    verified = report.verified
    out = [
        f"学校      {verified.origin.school}（{verified.origin.epoch}代目の箱）",
        f"戻した先  {report.path / 'school.db'}",
        f"検証      合格（記録 {verified.seq}件、署名 {verified.signatures}件）",
        f"最新の記録 {_local(verified.newest_ms)}",
        f"時点      {at.astimezone(JST):%Y-%m-%d %H:%M:%S} まで" if at else "時点      いま",
        f"かかった時間 {report.seconds:.1f}秒",
    ]
    if report.completed:
        out.append(f"補った記録 {report.completed}件（データベースの複製にはまだなく、束にありました）")
    if report.problem:
        told = explain_code(report.problem)
        out.append(f"注意      最新の状態は検証に通りませんでした: {told.sentence} [{report.problem}]")
        out.append(f"          検証に通った最も新しい時点 {_local(report.fell_back_to_ms)} まで戻しました。")
    if report.missing:
        out.append(f"足りない  以前に確かめた記録のうち {report.missing}件がありません。")
        out.append(
            "すること  学校の箱が無事なら、箱の線を戻して送り直してください。箱の記録を消さないでください。"
        )
    if report.complete:
        out.append("足りない  知られているものはありません。")
    return out


def _iso(at_ms: int | None) -> str | None:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(JST).isoformat() if at_ms else None


def _local(at_ms: int | None) -> str:
    return datetime.fromtimestamp(at_ms / 1000, JST).strftime("%Y-%m-%d %H:%M:%S") if at_ms else "—"
