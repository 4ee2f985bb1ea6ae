"""`kurabako provision`: bare Debian boxes become working schools over SSH."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit
from appliance.messages import explain, language

if TYPE_CHECKING:
    from appliance.provision.applying import Granter
    from appliance.provision.inventory import Box, Inventory
    from appliance.provision.running import Job, Result

_FILE = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("inventory", type=click.Path(path_type=Path))
@click.option("--school", "schools", multiple=True, help="only this school's box (may be given again)")
@click.option("--bundle", type=_FILE, required=True, help="the bundle that `make bundle` made")
@click.option("--check", is_flag=True, help="look and show the plan; change nothing; exit code 3 if there is one")
@click.option("--yes", is_flag=True, help="apply without asking")
@click.option("--grant", "grants", type=_FILE, multiple=True, help="the board's grant file, or a folder of them")
@click.option("--board", type=_FILE, help="the board's folder: the officer provisions, and grants in one go")
@click.option("--store-keys", type=_FILE, help="with --board: key pairs of the object store, by school")
@click.option("--staff", type=_FILE, help="with --board: a folder with the people of each school, SCHOOL.toml")
@click.option("--secrets", type=_FILE, help="passwords of the mail server, the webhook and SFTP (mode 0600)")
@click.option("--replace", "replaced", help="this school's next box: everything is restored into it")
@click.option("--epoch", type=click.IntRange(2), help="with --replace and without --board: which box it will be")
@click.option("--ask-sudo", is_flag=True, help="ask for the password with which the user becomes root")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build"), show_default=True)
@passphrase_option
def provision(
    inventory: Path,
    schools: tuple[str, ...],
    bundle: Path,
    check: bool,
    yes: bool,
    grants: tuple[Path, ...],
    board: Path | None,
    store_keys: Path | None,
    staff: Path | None,
    secrets: Path | None,
    replaced: str | None,
    epoch: int | None,
    ask_sudo: bool,
    out: Path,
    from_stdin: bool,
) -> int:
    """Bring the boxes of INVENTORY from bare Debian to working schools: look, show, ask, apply, look again.

    It goes on where it was cut, and does nothing to a box that stands as it shall. Exit code 0 when all do, 3 when
    something is to be done or waits for the board, 1 when a box failed (the others went on).
    """
    from appliance.provision.applying import Tools
    from appliance.provision.boxsecrets import BoxSecrets
    from appliance.provision.bundlesource import BundleSource
    from appliance.provision.inventory import read_inventory
    from appliance.provision.progress import Lines
    from appliance.provision.running import State, apply_all, look_at_all

    listed = read_inventory(inventory)
    boxes = listed.chosen([replaced] if replaced else schools)
    source = BundleSource(bundle)
    granter, number = _granter(listed, boxes, grants, board, store_keys, staff, replaced, epoch, out, from_stdin)
    tools = Tools(source, granter, number, BoxSecrets(secrets))
    jobs = _jobs(listed, boxes, tools, ask_sudo)
    with Lines(boxes, language()) as lines:
        found = look_at_all(jobs, lines)
    _show(found)
    todo = [result for result in found if result.state is State.PLANNED]
    if check or not todo:
        return _exit(found)
    if not yes and not click.confirm(f"{len(todo)}台に行いますか / apply", err=True):
        return Exit.INCOMPLETE
    with Lines([result.job.box for result in todo], language()) as lines:
        results = apply_all(found, lines)
    _hand_over(results, listed, out)
    _tell(results)
    return _exit(results)


def _jobs(listed: "Inventory", boxes: Sequence["Box"], tools: object, ask_sudo: bool) -> list["Job"]:
    from appliance.provision.applying import Tools
    from appliance.provision.running import Job
    from crypto.secret import Secret

    assert isinstance(tools, Tools)  # noqa: S101 - given by the one caller above
    password = Secret(ask_passphrase("sudo のパスワード / password", False).encode()) if ask_sudo else None
    root_key, update_root = listed.board.root_key, listed.update_root()
    return [Job(box, listed.target(box, password), tools, root_key, update_root) for box in boxes]


def _granter(
    listed: "Inventory",
    boxes: Sequence["Box"],
    grants: Sequence[Path],
    board: Path | None,
    store_keys: Path | None,
    staff: Path | None,
    replaced: str | None,
    epoch: int | None,
    out: Path,
    from_stdin: bool,
) -> tuple["Granter", int]:
    """Return where grants come from, and which box of its school a new one is."""
    from appliance.provision.granters import BoardGrants, FileGrants
    from crypto.signing import VerifyKey

    root = VerifyKey.from_bytes(bytes.fromhex(listed.board.root_key))
    if board is None:
        if replaced and epoch is None:
            raise click.UsageError("--replace needs --board, or --epoch: which box of the school it will be")
        return FileGrants(grants, root, out, _announce), epoch or 1
    from appliance.board.folder import open_board
    from appliance.provision.storekeys import StorePairs

    opened = open_board(board)
    if opened.root != root:
        raise click.UsageError("--board is another board than [board] root_key of the inventory")
    if store_keys is None:
        raise click.UsageError("--board needs --store-keys")
    pairs = StorePairs(store_keys)
    identity = unlock_root(opened, from_stdin)
    number = opened.place(boxes[0].school).epoch + 1 if replaced else 1
    return BoardGrants(opened, identity, pairs, staff, out), number


def _announce(box: "Box", request: bytes, paper: Path) -> None:
    from appliance.enrolment.request import request_code

    click.echo(f"{box.name}（{box.school}） 教育委員会への申請 / request: {paper}", err=True)
    click.echo(f"    照合番号 / code: {request_code(request)}", err=True)


def _show(results: Sequence["Result"]) -> None:
    from appliance.provision.running import State
    from appliance.provision.words import need_line, step_line

    lang = language()
    same = {"ja": "変えることはありません", "en": "nothing to change"}[lang]
    for result in results:
        box = result.job.box
        click.echo(f"{box.name}（{box.school}） {box.host}")
        if result.error is not None:
            _say_error(result.error)
        for need in result.needs:
            click.echo(f"  ✗ {need_line(need, lang)}")
        if result.state is State.UNCHANGED:
            click.echo(f"  {same}")
        if not result.needs:
            for number, step in enumerate(result.steps, 1):
                click.echo(step_line(number, step, lang))


def _tell(results: Sequence["Result"]) -> None:
    from appliance.provision.running import State

    words = {
        State.UNCHANGED: ("変更なし", "unchanged"),
        State.PLANNED: ("予定のみ", "planned"),
        State.DONE: ("済み", "done"),
        State.WAITING: ("教育委員会の許可待ち", "waits for the board"),
        State.NOT_READY: ("準備不足", "not ready"),
        State.FAILED: ("失敗", "failed"),
    }
    at = 0 if language() == "ja" else 1
    for result in results:
        box = result.job.box
        click.echo(f"{box.school} {words[result.state][at]}  {box.name}")
        if result.error is not None:
            _say_error(result.error)


def _say_error(error: BaseException) -> None:
    told = explain(error, language())
    click.echo(f"  ✗ {told.sentence} [{told.code}]")
    click.echo(f"    {told.hint}")


def _hand_over(results: Sequence["Result"], listed: "Inventory", out: Path) -> None:
    from appliance.provision.handover import handover_pdf
    from appliance.provision.running import State

    for result in results:
        if result.state is State.DONE and result.facts is not None and result.head is not None:
            paper = out / f"handover-{result.job.box.school}.pdf"
            paper.parent.mkdir(parents=True, exist_ok=True)
            paper.write_bytes(handover_pdf(result.job.box, listed, result.facts, result.head))
            click.echo(str(paper))


def _exit(results: Sequence["Result"]) -> int:
    from appliance.provision.running import State

    states = {result.state for result in results}
    if states & {State.FAILED, State.NOT_READY}:
        return Exit.FAILED
    return Exit.INCOMPLETE if states & {State.PLANNED, State.WAITING} else Exit.OK
