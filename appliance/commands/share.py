"""`kurabako board share document | meeting | notice`: the same thing for all schools, or for some."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.board.folder import open_board
from appliance.commands.asking import passphrase_option
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit
from appliance.messages import explain, language

if TYPE_CHECKING:
    from appliance.board.sharing import Give

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _to(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add which schools."""
    command = passphrase_option(command)
    command = click.option("--all", "everybody", is_flag=True, help="to every school of the board")(command)
    return click.option("--school", "schools", multiple=True, help="学校コード; once for each school")(command)


@click.group()
def share() -> None:
    """Give something to all or some schools; each keeps its own copy, sealed to its own keys."""


@share.command()
@click.argument("file", type=_FILE)
@click.option("--importance", type=click.Choice(["II", "III", "IV"]), default="III", show_default=True)
@click.option("--title", default="", help="else the file's name")
@_to
@click.pass_obj
def document(folder: Path, /, file: Path, importance: str, title: str, **to: Any) -> int:
    """Give a document out. A FILE of the same name again is its next version; the very same changes nothing."""
    from appliance.board.sharing import document_of
    from crypto.importance import Importance

    return _give(folder, document_of(file, Importance[importance], title), **to)


@share.command()
@click.argument("file", type=_FILE)
@_to
@click.pass_obj
def meeting(folder: Path, /, file: Path, **to: Any) -> int:
    """Give a meeting out with its papers: FILE is TOML as for `publish meeting`, `papers` lie beside it."""
    from appliance.board.sharing import meeting_of

    return _give(folder, meeting_of(file), **to)


@share.command()
@click.argument("file", type=_FILE)
@_to
@click.pass_obj
def notice(folder: Path, /, file: Path, **to: Any) -> int:
    """Give a notice out (TOML: title, body, first, until, section, audience); each school releases it itself."""
    from appliance.board.sharing import notice_of

    return _give(folder, notice_of(file), **to)


def _give(folder: Path, give: "Give", schools: tuple[str, ...], everybody: bool, from_stdin: bool) -> int:
    from appliance.board.sharing import share as share_all

    if bool(schools) is everybody:
        raise click.UsageError("--all or --school / 全校（--all）か学校（--school）を選んでください")
    opened = open_board(folder)
    root = unlock_root(opened, from_stdin)
    failed = 0
    for one in share_all(opened, root, schools, give):
        told = "配りました" if one.new else "変わりません"
        if one.error is not None:
            failed += 1
            worded = explain(one.error, language())
            told = f"配れませんでした: {worded.sentence} [{worded.code}]"
        click.echo(f"{one.school}\t{one.name}\t{told}")
    return Exit.INCOMPLETE if failed else Exit.OK
