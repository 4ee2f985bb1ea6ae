"""`kurabako board enrol --request | replace --request`: the officer answers a box that made its own keys.

Invariant: the officer is shown the request's code before anything is signed, and compares it with what is read out
at the box; a code that was told and does not fit stops everything.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.board.restorereport import report_lines
from appliance.commands.progress import Progress
from appliance.commands.restore import STAGES
from appliance.exits import Exit
from sync.atomic import atomic_write

if TYPE_CHECKING:
    from appliance.board.enrolment import NewSchool
    from appliance.board.folder import BoardFolder
    from appliance.credentials import StoreKey
    from crypto.identity import Identity


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of an answer to a request."""
    file = click.Path(path_type=Path, exists=True, dir_okay=False)
    grant = click.option("--out", type=click.Path(path_type=Path), help="the grant file, with --request")
    code = click.option("--code", help="the request's code as it was read out at the box (else it is asked)")
    request = click.option("--request", type=file, help="of a box elsewhere, which made its own keys")
    return request(code(grant(command)))


def read_request_file(file: Path | None, told: str | None) -> bytes:
    """Return a request whose code the officer compared; raises RequestCodeError, what `open_request` raises."""
    from appliance.enrolment.errors import RequestCodeError
    from appliance.enrolment.request import open_request, request_code

    assert file is not None  # noqa: S101 - the commands ask for it first
    blob = file.read_bytes()
    asked, code = open_request(blob), request_code(blob)
    click.echo(f"{asked.school} {asked.epoch}代目の箱の申請 / request of box {asked.epoch}", err=True)
    click.echo(f"照合番号 / code: {code}", err=True)
    if told is None and not click.confirm("箱で読み上げた番号と同じですか / the same as at the box", err=True):
        raise RequestCodeError(operation="answer request", subject=asked.school)
    if told is not None and _letters(told) != _letters(code):
        raise RequestCodeError(operation="answer request", subject=asked.school)
    return blob


def answer_enrolment(
    board: "BoardFolder", root: "Identity", new: "NewSchool", blob: bytes, staff: Path | None, out: Path | None
) -> int:
    """Write the grant file of a school's first box, and its people's first passphrases."""
    from appliance.board.granting import grant_enrolment
    from appliance.board.stafffile import read_staff, write_slips

    people, paper = read_staff(staff) if staff else [], _paper(new.code, 1, out)
    slips = paper.with_suffix(".slips")
    grant = grant_enrolment(
        board, root, blob, new, people, hand_out=lambda passphrases: write_slips(slips, passphrases)
    )
    _written(paper, grant)
    if people:
        click.echo(f"合言葉 {len(people)}人分: {slips}（配り終えたら消してください）")
    return Exit.OK


def answer_replacement(
    board: "BoardFolder",
    root: "Identity",
    school: str,
    key: "StoreKey | None",
    blob: bytes,
    out: Path | None,
    slips: Path | None,
) -> int:
    """Write the grant file of a school's next box, with everything restored into it."""
    from appliance.board.granting import Next, grant_replacement
    from appliance.board.stafffile import write_slips
    from appliance.enrolment.request import open_request
    from crypto.errors import ContextMismatchError

    asked = open_request(blob)
    if asked.school != school:
        raise ContextMismatchError(operation="answer request", subject="school")
    paper = _paper(school, asked.epoch, out)
    on_paper = slips or paper.with_suffix(".slips")
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        grant, report = grant_replacement(
            board, root, blob, Next(key=key), lambda passphrases: write_slips(on_paper, passphrases), stage
        )
    _written(paper, grant)
    for line in report_lines(report, None) if report else []:
        click.echo(line)
    click.echo(f"合言葉    {on_paper}（配り終えたら消してください）")
    click.echo("すること  古い箱の鍵（オブジェクト保管先）を無効にしてください。")
    return Exit.OK if report is None or report.complete else Exit.INCOMPLETE


def _paper(school: str, epoch: int, out: Path | None) -> Path:
    return out or Path(f"{school}-{epoch}.grant")


def _written(paper: Path, grant: bytes) -> None:
    paper.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(paper, grant)
    click.echo(f"許可      {paper}（{len(grant):,} バイト）")


def _letters(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
