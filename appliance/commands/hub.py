"""`kurabako board publish | run | import-orphans`: the hub of a school."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.board.folder import open_board
from appliance.commands.asking import passphrase_option
from appliance.commands.region import region_options
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit
from appliance.messages import language
from appliance.stopping import SIGNALS, stop_event

if TYPE_CHECKING:
    from appliance.board.folder import BoardFolder
    from appliance.office import Office
    from appliance.region.cluster import Where
    from appliance.views import Saved

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def publish() -> None:
    """Publish something to a school: it reaches the box with the next exchange of segments."""


@contextlib.contextmanager
def _office(folder: Path, school: str, from_stdin: bool) -> Iterator["Office"]:
    from appliance.board.hubs import board_office, open_hub

    opened = open_board(folder)
    hub = open_hub(opened, school)
    root = unlock_root(opened, from_stdin)
    with board_office(hub, root) as office:
        yield office


@publish.command()
@click.argument("school")
@click.argument("file", type=_FILE)
@passphrase_option
@click.pass_obj
def roster(folder: Path, school: str, file: Path, from_stdin: bool) -> int:
    """Publish the roster in a OneRoster FILE to SCHOOL; shows what it changes."""
    from appliance.oneroster.report import report_lines

    with _office(folder, school, from_stdin) as office:
        plan = office.roster.plan(file)
        for line in report_lines(plan, language()):
            click.echo(line)
        saved = office.roster.commit(plan)
    return _told(saved)


@publish.command()
@click.argument("school")
@click.argument("file", type=_FILE)
@passphrase_option
@click.pass_obj
def calendar(folder: Path, school: str, file: Path, from_stdin: bool) -> int:
    """Publish the 年度 in a TOML FILE (year, closures, vacations, days_off, extra_days) to SCHOOL."""
    from appliance.board.publishing import publish_calendar

    with _office(folder, school, from_stdin) as office:
        return _told(publish_calendar(office, file))


@publish.command()
@click.argument("school")
@click.argument("file", type=_FILE)
@passphrase_option
@click.pass_obj
def meeting(folder: Path, school: str, file: Path, from_stdin: bool) -> int:
    """Publish the meeting in a TOML FILE (title, starts, place, chair, recorder and [[item]]) to SCHOOL.

    Papers of an item lie beside FILE. `share meeting` gives it to several schools.
    """
    from appliance.board.sharing import meeting_of

    give = meeting_of(file)
    with _office(folder, school, from_stdin) as office:
        new = give(office)
    click.echo("公開しました。" if new else "変わるものはありません。")
    return Exit.OK


@publish.command()
@click.argument("school")
@click.option("--pupil", required=True, help="the name, or the beginning of its reading")
@click.option("--class", "school_class", default="", help="the class's title, where the name is not enough")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--code", required=True, help="the attendance code; empty takes the mark back")
@click.option("--reason", help="why, in words")
@passphrase_option
@click.pass_obj
def correction(
    folder: Path,
    school: str,
    pupil: str,
    school_class: str,
    on: datetime,
    code: str,
    reason: str | None,
    from_stdin: bool,
) -> int:
    """Correct one mark at SCHOOL; where it was changed there too meanwhile, people there settle the conflict."""
    from appliance.board.publishing import publish_correction

    with _office(folder, school, from_stdin) as office:
        return _told(publish_correction(office, pupil, on.date(), code, reason, school_class))


@publish.command()
@click.argument("school")
@click.argument("which")
@passphrase_option
@click.pass_obj
def policy(folder: Path, school: str, which: str, from_stdin: bool) -> int:
    """Publish the classification rules that SCHOOL goes by: WHICH is taku-2018, mext-2025 or a TOML file."""
    from appliance.board.hubs import board_store, open_hub
    from appliance.board.publishing import publish_policy
    from appliance.classification.rules import PROFILES, read_policy_file, shipped_policy

    text = shipped_policy(which) if which in PROFILES else read_policy_file(Path(which))
    opened = open_board(folder)
    hub = open_hub(opened, school)
    root = unlock_root(opened, from_stdin)
    with board_store(hub, root) as store:
        version = publish_policy(store, root, text.source)
    click.echo("変わるものはありません。" if version is None else f"公開しました（{text.title}、第{version}版）。")
    return Exit.OK


@publish.command()
@click.argument("school")
@click.argument("file", type=_FILE)
@passphrase_option
@click.pass_obj
def ledger(folder: Path, school: str, file: Path, from_stdin: bool) -> int:
    """Publish the board's own standard lines of the asset ledger ([[asset]] in a TOML FILE) to SCHOOL."""
    from appliance.board.hubs import board_store, open_hub
    from appliance.board.publishing import publish_ledger, read_text

    text = read_text(file)
    opened = open_board(folder)
    hub = open_hub(opened, school)
    root = unlock_root(opened, from_stdin)
    with board_store(hub, root) as store:
        count = publish_ledger(store, text)
    click.echo("変わるものはありません。" if count is None else f"公開しました（標準台帳 {count}項目）。")
    return Exit.OK


@click.command()
@click.argument("school")
@click.option("--days", type=click.IntRange(1, 36_600), help="how far back, else as the policy says")
@click.option("--refused", is_flag=True, help="only what was refused")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@passphrase_option
@click.pass_obj
def audit(folder: Path, school: str, days: int | None, refused: bool, as_json: bool, from_stdin: bool) -> int:
    """Show SCHOOL's audit record and its 非常時開示 at the hub, newest first. That it was read is an entry too."""
    from appliance.commands.audit import tell_board

    with _office(folder, school, from_stdin) as office:
        lines = office.audit.lines(days, refused_only=refused)
        tell_board(lines, office.emergency.disclosures(), as_json)
    return Exit.OK


@click.command()
@region_options
@click.pass_obj
def run(folder: Path, where: "Where | None") -> int:
    """Run the hubs of all schools until Ctrl-C or SIGTERM; schools enrolled meanwhile join in.

    With --workers or --scheduler many at once: each visit to a hub is a task, and its state is in object storage.
    """
    from appliance.board.running import run_hubs

    opened = open_board(folder)
    if where is not None:
        return _run_region(opened, where)

    async def serve() -> None:
        stop = asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run_hubs(opened, stop, lambda text: click.echo(f"kurabako: {text}", err=True))

    asyncio.run(serve())
    return 0


def _run_region(board: "BoardFolder", where: "Where") -> int:
    from appliance.region.cluster import cluster_at
    from appliance.region.running import Region

    stop = stop_event()
    with cluster_at(where) as cluster:
        Region(board, cluster, stop, lambda text: click.echo(f"kurabako: {text}", err=True)).run()
    return 0


@click.command("import-orphans")
@click.argument("school")
@click.argument("medium", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def import_orphans(folder: Path, school: str, medium: Path, as_json: bool) -> int:
    """Merge what a replaced box of SCHOOL could not send, from the MEDIUM it was exported to.

    Its documents go into the object store. Exit code 0 when everything on the medium was read, 3 when a segment
    before it is missing, or a document is not whole.
    """
    from appliance.board.orphans import import_orphans as bring_in
    from appliance.commands.segments import tell_imported

    return tell_imported(*bring_in(open_board(folder), school, medium), as_json)


def _told(saved: "Saved | None") -> int:
    click.echo("変わるものはありません。" if saved is None else f"公開しました（記録 {saved.last_seq}）。")
    return 0
