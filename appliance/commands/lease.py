"""`kurabako board lease`: for how long a school's box may open importance I and II."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.board.folder import open_board
from appliance.exits import Exit
from appliance.messages import language

if TYPE_CHECKING:
    from appliance.board.folder import BoardFolder
    from appliance.board.leasing import LeaseTold

_WORDS: Final = {
    "ja": {
        "live": "有効",
        "over": "期限切れ",
        "revoked": "取り消し済み",
        "line": "{school} の箱（{epoch}代目）: {state}、第{serial}号",
        "until": "期限  {at}",
        "asked": "箱は新しい鍵で次の許可を待っています。",
        "sent": "次の交換で箱に届きます（board run が動いていること）。",
    },
    "en": {
        "live": "live",
        "over": "over",
        "revoked": "revoked",
        "line": "box {epoch} of {school}: {state}, lease {serial}",
        "until": "until {at}",
        "asked": "The box waits for a lease for a new key.",
        "sent": "It reaches the box with the next exchange (`board run` must be running).",
    },
}


@click.group()
def lease() -> None:
    """For how long a school's box may open importance I and II."""


@lease.command()
@click.argument("school")
@click.pass_obj
def show(folder: Path, school: str) -> int:
    """Show the lease of SCHOOL's box."""
    from appliance.board.leasing import show_lease

    return _do(folder, school, show_lease, changed=False)


@lease.command()
@click.argument("school")
@click.pass_obj
def renew(folder: Path, school: str) -> int:
    """Issue a new lease for SCHOOL's box now; `board run` does it by itself in time."""
    from appliance.board.leasing import renew_lease

    return _do(folder, school, renew_lease, changed=True)


@lease.command()
@click.argument("school")
@click.pass_obj
def revoke(folder: Path, school: str) -> int:
    """Take importance I and II away from SCHOOL's box: for one that was stolen or is not trusted."""
    from appliance.board.leasing import revoke_lease

    return _do(folder, school, revoke_lease, changed=True)


@lease.command()
@click.argument("school")
@click.pass_obj
def allow(folder: Path, school: str) -> int:
    """Let SCHOOL's box open importance I and II again after `revoke`."""
    from appliance.board.leasing import allow_lease

    return _do(folder, school, allow_lease, changed=True)


def _do(folder: Path, school: str, act: "Callable[[BoardFolder, str], LeaseTold]", *, changed: bool) -> int:
    words = _WORDS[language()]
    for line in _lines(act(open_board(folder), school), words):
        click.echo(line)
    if changed:
        click.echo(words["sent"])
    return Exit.OK


def _lines(told: "LeaseTold", words: dict[str, str]) -> list[str]:
    from appliance.session import local_time
    from sync.clock import wall_ms

    state, box = words[told.word(wall_ms())], told.box
    lines = [words["line"].format(school=box.school, epoch=box.epoch, state=state, serial=told.lease.serial)]
    if not told.lease.revoked:
        lines.append(words["until"].format(at=local_time(told.lease.until_ms).strftime("%Y-%m-%d %H:%M")))
    if told.asked:
        lines.append(words["asked"])
    return lines
