"""`kurabako replica`: look after a site's replica in object storage."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.board.restorereport import report_json, report_lines
from appliance.commands.progress import Progress
from appliance.commands.restore import STAGES
from appliance.exits import Exit
from appliance.site import SiteFolder, open_site

if TYPE_CHECKING:
    from sync.comparison import Difference
    from sync.restore import RestoreReport, Wanted

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
_JSON = click.option("--json", "as_json", is_flag=True, help="print one JSON object")
_HEAL_S = 600.0
_LOOK_S = 0.5


@click.group()
def replica() -> None:
    """Verify, heal or rebuild what object storage holds of a site."""


@replica.command()
@_SITE
@_JSON
def verify(site: Path, as_json: bool) -> int:
    """Restore SITE's replica into a folder of its own, prove it, and remove it again.

    Exit code 0 when it holds everything that was proven to be sent, 3 when not, 13 when nothing of it passes.
    """
    folder = open_site(site)
    report = _restored(folder, _wanted(folder))
    if as_json:
        click.echo(json.dumps(report_json(report, None), ensure_ascii=False, indent=2))
    else:
        for line in report_lines(report, None):
            click.echo(line)
    return Exit.OK if report.complete else Exit.INCOMPLETE


@replica.command()
@_SITE
def heal(site: Path) -> int:
    """Have the running site replace its replica by a whole new one, and wait until that is proven.

    Exit code 0 when it is, 3 when the line or the store did not allow it within ten minutes.
    """
    from sync.healing import ask_for_healing, newest_healing

    folder = open_site(site)
    before = newest_healing(folder.paths)
    ask_for_healing(folder.paths, "operator")
    click.echo("複製を作り直します …", err=True)
    deadline = time.monotonic() + _HEAL_S
    while time.monotonic() < deadline:
        entry = newest_healing(folder.paths)
        if entry is not None and entry != before:
            click.echo(f"複製を作り直し、検証しました（{entry.seconds:.1f}秒、記録 {entry.seq}件）。")
            return Exit.OK
        time.sleep(_LOOK_S)
    click.echo("まだ終わっていません。線が戻れば、続きは自動で行われます。記録はこの箱にあります。", err=True)
    return Exit.INCOMPLETE


@replica.command()
@_SITE
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="a new or empty folder")
@_JSON
def rebuild(site: Path, target: Path, as_json: bool) -> int:
    """Build SITE's store from the segments in object storage alone, and prove it equal to the one here.

    Exit code 0 when both hold the same changes and heads, 3 when one lacks the newest of the other, 13 when they
    contradict each other.
    """
    from appliance.policy import writing_rules
    from sync.comparison import compare
    from sync.complete import rebuild as build
    from sync.errors import RestoreTargetError
    from sync.openstore import open_store
    from sync.reader import Reader
    from sync.verify import verify_store

    folder = open_site(site)
    if target.exists() and any(target.iterdir()):
        raise RestoreTargetError(operation="rebuild", subject=str(target), folder=str(target))
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.closing(Reader(folder.paths.store)) as reader:
        origin, total = reader.origin, reader.changes()
    made, rules = target / "school.db", writing_rules()
    settings = folder.daemon_settings()
    store = open_store(settings.segments or settings.store)
    with Progress("束を読む / reading segments") as progress:
        done = build(made, origin, store, folder.root, rules, lambda n: progress(n, total))
    verified = verify_store(made, folder.root, origin.school, rules=rules, full=True)
    difference = compare(made, folder.paths.store)
    if as_json:
        told = {"changes": done.changes, "verified": True, "equal": difference.none, "store": str(made)}
        click.echo(json.dumps(told | {"unsent": difference.first_lacks, "unheard": difference.second_lacks}))
    else:
        click.echo(f"束から作りました: 記録 {verified.changes}件、検証 合格（署名 {verified.signatures}件）")
        for line in _words(difference):
            click.echo(line)
    return Exit.OK if difference.none else Exit.INCOMPLETE


def _words(difference: "Difference") -> Iterator[str]:
    if difference.none:
        yield "ここの記録と同じです。"
    if difference.first_lacks:
        yield f"ここの新しい記録 {difference.first_lacks}件は、まだ束になっていません。送れば揃います。"
    if difference.second_lacks:
        yield f"束の新しい記録 {difference.second_lacks}件は、まだここに届いていません。次の交換で届きます。"


def _restored(folder: SiteFolder, wanted: "Wanted") -> "RestoreReport":
    """Restore the replica into a folder of its own, prove it, and remove it again."""
    import shutil

    from sync.restore import Restorer

    target = folder.paths.run / "verify"
    shutil.rmtree(target, ignore_errors=True)
    try:
        with Progress(STAGES["fetch"]) as progress:

            def stage(name: str, done: int, total: int) -> None:
                progress.relabel(STAGES[name])
                progress(done, total)

            return Restorer(folder.daemon_settings().store, wanted, target, stage).run()
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _wanted(folder: SiteFolder) -> "Wanted":
    from appliance.board.keeping import SiteKeeper
    from appliance.policy import writing_rules
    from sync.countersigns import kept_confirmed
    from sync.reader import Reader
    from sync.restore import Wanted
    from sync.status import read_status

    with contextlib.closing(Reader(folder.paths.store)) as reader, SiteKeeper(folder.paths) as client:
        known, told = kept_confirmed(client), read_status(folder.paths)
        seq, chain = known.seq, known.chain
        if told is not None and 0 < told.replicated < seq:  # confirmed by its segments, which go first
            seq, chain = told.replicated, reader.chain_at(reader.origin, told.replicated) or b""
        return Wanted(
            reader.origin,
            folder.root,
            known_seq=seq,
            known_chain=chain,
            rules=writing_rules(),
            segments=False,
        )
