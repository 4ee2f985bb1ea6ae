"""`kurabako board drill`: prove for every school that it can be brought back, and say loudly when one cannot."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.board.folder import BoardFolder, open_board
from appliance.board.restorereport import iso_time, shown_time
from appliance.commands.progress import Progress
from appliance.commands.region import region_options
from appliance.exits import Exit
from appliance.messages import explain, explain_code, language

if TYPE_CHECKING:
    from appliance.alarms.section import AlarmsSection
    from appliance.board.drills import Drill, Standing
    from appliance.region.cluster import Where

_WORDS: Final = {
    "ja": {
        "passed": "{school}  合格  記録 {changes}件  最新 {newest}  {seconds:.1f}秒",
        "failed": "通報  {school}  復元訓練に失敗しました: {sentence} [{code}]",
        "missing": "通報  {school}  復元訓練に失敗しました: 記録 {missing}件が足りません。",
        "never": "{school}  訓練なし",
        "good": "{school}  合格 {at}",
        "bad": "{school}  失敗 {at} [{code}]  最後の合格 {good}",
        "old": "{school}  古い（最後の合格 {good}）",
        "sum": "{good}校が合格、{bad}校が不合格・未実施",
    },
    "en": {
        "passed": "{school}  passed  {changes} changes  newest {newest}  {seconds:.1f} s",
        "failed": "ALARM  {school}  the restore drill failed: {sentence} [{code}]",
        "missing": "ALARM  {school}  the restore drill failed: {missing} changes are missing.",
        "never": "{school}  never drilled",
        "good": "{school}  passed {at}",
        "bad": "{school}  failed {at} [{code}]  last good {good}",
        "old": "{school}  too old (last good {good})",
        "sum": "{good} schools good, {bad} failed or not drilled",
    },
}


@click.command()
@click.argument("schools", nargs=-1)
@click.option("--all", "every", is_flag=True, help="every enrolled school")
@click.option("--full", is_flag=True, help="check every signature, not only those after the newest checkpoint")
@click.option("--work", type=click.Path(path_type=Path), help="where to restore meanwhile (default: BOARD/drill)")
@click.option("--status", "only_status", is_flag=True, help="drill nothing; say how every school stands")
@click.option("--within", "days", type=click.IntRange(1), default=35, show_default=True, help="days that count")
@region_options
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def drill(
    folder: Path,
    schools: tuple[str, ...],
    every: bool,
    full: bool,
    work: Path | None,
    only_status: bool,
    days: int,
    where: "Where | None",
    as_json: bool,
) -> int:
    """Restore SCHOOLS into a folder of the moment, verify, measure, remove, and keep a record. Needs no key.

    With --workers or --scheduler many at once, each school a task. Exit code 0 when all passed, 3 with an alarm
    line on stderr for each that did not; BOARD/alarms.toml says who gets a letter or a POST too.
    """
    from appliance.board.drillalarms import read_alarms

    board = open_board(folder)
    if only_status:
        return _tell_status(board, days, as_json)
    if bool(schools) == every:
        raise click.UsageError("name schools, or say --all")
    for school in schools:
        board.place(school)
    alarms = read_alarms(board)
    wanted = board.schools if every else list(schools)
    done = (
        _drill_all(board, wanted, work, full, as_json)
        if where is None
        else _drill_region(board, wanted, where, full, as_json)
    )
    if as_json:
        click.echo(json.dumps({"drills": [_drill_json(drill) for drill in done]}, ensure_ascii=False, indent=2))
    return _alarm(board, alarms, [drill for drill in done if not drill.passed])


def _alarm(board: BoardFolder, alarms: "AlarmsSection", failed: list["Drill"]) -> int:
    """Tell those who are to hear of what failed; return the exit code."""
    from appliance.board.drillalarms import tell_failures

    for problem in tell_failures(board, alarms, failed, [_drill_line(drill) for drill in failed]):
        told = explain(problem)
        click.echo(f"{told.sentence} [{told.code}]", err=True)
    return Exit.INCOMPLETE if failed else Exit.OK


def _drill_all(
    board: BoardFolder, schools: list[str], work: Path | None, full: bool, as_json: bool
) -> list["Drill"]:
    from appliance.board.drills import drill_folder, drill_school

    done = []
    with drill_folder(board, work) as target:
        for school in schools:
            with Progress(school) as progress:

                def stage(name: str, made: int, total: int, bar: Progress = progress, of: str = school) -> None:
                    bar.relabel(f"{of} {name}")
                    bar(made, total)

                drill = drill_school(board, school, target, full=full, stage=stage)
            done.append(drill)
            _tell(drill, as_json)
    return done


def _drill_region(
    board: BoardFolder, schools: list[str], where: "Where", full: bool, as_json: bool
) -> list["Drill"]:
    from appliance.board.drills import drill_folder
    from appliance.region.cluster import cluster_at
    from appliance.region.drilling import drill_region

    done = []
    with drill_folder(board), cluster_at(where) as cluster:
        for drill in drill_region(board, schools, cluster, full=full):
            done.append(drill)
            _tell(drill, as_json)
    return done


def _tell(drill: "Drill", as_json: bool) -> None:
    if not drill.passed or not as_json:
        click.echo(_drill_line(drill), err=not drill.passed)


def _tell_status(board: BoardFolder, days: int, as_json: bool) -> int:
    from appliance.board.drills import standings
    from sync.clock import wall_ms

    now, found = wall_ms(), standings(board)
    good = [standing.good(now, days) for standing in found]
    if as_json:
        rows = [_standing_json(standing, fine) for standing, fine in zip(found, good, strict=True)]
        click.echo(json.dumps({"all_good": all(good), "schools": rows}, ensure_ascii=False, indent=2))
    else:
        for standing, fine in zip(found, good, strict=True):
            click.echo(_standing_line(standing, fine))
        click.echo(_WORDS[language()]["sum"].format(good=sum(good), bad=len(good) - sum(good)))
    return Exit.OK if all(good) else Exit.INCOMPLETE


def _drill_line(drill: "Drill") -> str:
    words = _WORDS[language()]
    if drill.passed:
        return words["passed"].format(
            school=drill.school, changes=drill.changes, newest=shown_time(drill.newest_ms), seconds=drill.seconds
        )
    if drill.code:
        told = explain_code(drill.code)
        return words["failed"].format(school=drill.school, sentence=told.sentence, code=drill.code)
    return words["missing"].format(school=drill.school, missing=drill.missing)


def _standing_line(standing: "Standing", fine: bool) -> str:
    words, last = _WORDS[language()], standing.last
    if last is None:
        return words["never"].format(school=standing.school)
    good = shown_time(standing.last_good.at_ms if standing.last_good else None)
    name = "good" if fine else "old" if last.passed else "bad"
    return words[name].format(school=standing.school, at=shown_time(last.at_ms), code=last.code or "-", good=good)


def _drill_json(drill: "Drill") -> dict[str, object]:
    return {
        "school": drill.school,
        "at": iso_time(drill.at_ms),
        "passed": drill.passed,
        "problem": drill.code or None,
        "changes": drill.changes,
        "newest_change": iso_time(drill.newest_ms),
        "missing": drill.missing,
        "store_bytes": drill.store_bytes,
        "seconds": drill.seconds,
    }


def _standing_json(standing: "Standing", fine: bool) -> dict[str, object]:
    last, good = standing.last, standing.last_good
    return {
        "school": standing.school,
        "good": fine,
        "last": _drill_json(last) if last else None,
        "last_good": iso_time(good.at_ms if good else None),
    }
