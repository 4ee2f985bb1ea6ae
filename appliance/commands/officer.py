"""`kurabako board officer | status`: who opens the board's root, any two together."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.board.folder import open_board
from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.commands.deposit import renew_deposit
from appliance.commands.unlocking import ask_officers, unlock_root
from appliance.exits import Exit
from appliance.messages import language

if TYPE_CHECKING:
    from appliance.board.status import BoardStatus

_WORDS: Final = {
    "ja": {
        "added": "{name} を担当者に加えました（{count}名。どの2人でも開けられます）。",
        "first": "{name} を担当者に加えました。もう1人加えると、2人で開けられます。",
        "removed": "{name} を外し、残る{count}名の鍵を作り直しました。",
        "copies": "外れた人の手元に、前の officers.recovery の写しが残らないようにしてください。",
        "alone": "注意  いまは1人でも、教育委員会の合言葉だけで全校の記録を開けられます。",
        "both": "1人では開けられません。担当者{count}名のうち2人がそろうと開きます。",
        "nobody": "担当者はいません。",
        "required": "これからは、担当者2人がそろわないと開きません。",
        "old": "前の root.sealed の写し（控え・媒体）をすべて消してください。写しが残る限り、合言葉で開きます。",
        "next": "すること  board officer add で2人以上を加え、board officer require-two を行ってください。",
        "only_require": "すること  board officer require-two を行ってください。",
        "schools": "学校  {count}校",
        "key": "{name} の鍵を {file} に書きました。本人が持ち、ほかの担当者の鍵と別の場所に置いてください。",
        "deposit_none": "注意  保管先に控えがありません。この計算機を失うと戻せません（board deposit）。",
        "deposit_old": "注意  {at} の控えのあとに変わったことがあります（board deposit で置き直します）。",
        "deposit_good": "控え  {at}（保管先にあり、その後は変わっていません）",
    },
    "en": {
        "added": "{name} is an officer now ({count}; any two of them open).",
        "first": "{name} is an officer now. With one more, two of them open together.",
        "removed": "{name} was taken out; the keys of the {count} who stay were made anew.",
        "copies": "See that no copy of the former officers.recovery stays with whoever left.",
        "alone": "Note: one person alone, with the board's passphrase, can still open every school's records.",
        "both": "Nobody opens alone. Of {count} officers any two together do.",
        "nobody": "There are no officers.",
        "required": "From now on it takes two officers.",
        "old": "Find and destroy every copy of the former root.sealed: it still opens under the passphrase.",
        "next": "To do: add two people or more with `board officer add`, then `board officer require-two`.",
        "only_require": "To do: `board officer require-two`.",
        "schools": "Schools: {count}",
        "key": "The key of {name} is in {file}. Its owner keeps it, away from the other officers' keys.",
        "deposit_none": "Note: no deposit is in the store: without this machine all is lost (`board deposit`).",
        "deposit_old": "Note: something changed after the deposit of {at} (`board deposit` renews it).",
        "deposit_good": "Deposit: {at} (in the store, and nothing changed since)",
    },
}


@click.group()
def officer() -> None:
    """The officers: any two of them together open what was restored, one alone does not."""


@officer.command("add")
@click.argument("name")
@click.option("--new-passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@passphrase_option
@click.pass_obj
def add(folder: Path, name: str, new_passphrase_file: Path | None, from_stdin: bool) -> int:
    """Add an officer under NAME, with a passphrase that only this person knows."""
    from appliance.board.officers import Officers

    board = open_board(folder)
    chosen, officers = _officer_name(name), Officers(board)
    root = unlock_root(board, from_stdin)
    if new_passphrase_file:
        words = new_passphrase_file.read_text("utf-8").strip()
    else:
        words = ask_passphrase(f"{chosen} の新しい合言葉 / new passphrase", False, new=True)
    officers.add(root, chosen, words)
    renew_deposit(board, root)
    count = len(officers.names)
    click.echo(_words()["added" if count > 1 else "first"].format(name=chosen, count=count))
    if count > 1 and board.one_opens:
        click.echo(_words()["alone"])
        click.echo(_words()["only_require"])
    return Exit.OK


@officer.command("list")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def list_(folder: Path, as_json: bool) -> int:
    """List the officers."""
    from appliance.board.officers import Officers

    names = Officers(open_board(folder)).names
    if as_json:
        click.echo(json.dumps({"officers": names}, ensure_ascii=False))
        return Exit.OK
    for line in names or [_words()["nobody"]]:
        click.echo(line)
    return Exit.OK


@officer.command("key")
@click.argument("name")
@click.option(
    "--to",
    "medium",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="the officer's own medium",
)
@click.pass_obj
def key(folder: Path, name: str, medium: Path) -> int:
    """Write the officer NAME's key to a medium of their own: with a second one it brings the board back.

    It opens under the officer's passphrase only. Write it anew after the place of the deposit was changed.
    """
    from appliance.board.depositing import deposit_place, read_state
    from appliance.board.officerkey import write_officer_key

    board = open_board(folder)
    file = write_officer_key(board, _officer_name(name), medium, deposit_place(board), read_state(board).serial)
    click.echo(_words()["key"].format(name=name, file=file))
    return Exit.OK


@officer.command()
@click.argument("name")
@passphrase_option
@click.pass_obj
def remove(folder: Path, name: str, from_stdin: bool) -> int:
    """Take the officer NAME out and make the keys of all others anew."""
    from appliance.board.officers import Officers

    board = open_board(folder)
    officers = Officers(board)
    root = unlock_root(board, from_stdin)
    officers.remove(root, _officer_name(name))
    renew_deposit(board, root)
    click.echo(_words()["removed"].format(name=name, count=len(officers.names)))
    click.echo(_words()["copies"])
    return Exit.OK


@officer.command("require-two")
@passphrase_option
@click.pass_obj
def require_two(folder: Path, from_stdin: bool) -> int:
    """Let only two officers open from now on: two prove that they can, then the board's passphrase ends."""
    from appliance.board.officers import Officers

    Officers(open_board(folder)).require_both(*ask_officers(from_stdin))
    click.echo(_words()["required"])
    click.echo(_words()["old"])
    return Exit.OK


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.pass_obj
def status(folder: Path, as_json: bool) -> int:
    """Say who can open the board's root, and which schools there are. Loads no key."""
    from appliance.board.restorereport import shown_time
    from appliance.board.status import board_status

    told, words = board_status(open_board(folder)), _words()
    if as_json:
        shape = {"board": told.name, "root": told.fingerprint, "schools": list(told.schools)}
        click.echo(json.dumps(shape | _opened(told), ensure_ascii=False))
        return Exit.OK
    click.echo(f"{told.name}  {told.fingerprint}")
    click.echo(words["schools"].format(count=len(told.schools)))
    count = len(told.officers)
    if told.one_opens:
        click.echo(words["alone"])
        click.echo(words["only_require" if count > 1 else "next"])
    else:
        click.echo(words["both"].format(count=count))
    at, kind = shown_time(told.deposit_ms), "good" if told.deposit_current else "old"
    click.echo(words[f"deposit_{kind if told.deposit_ms else 'none'}"].format(at=at))
    return Exit.OK


def _opened(told: "BoardStatus") -> dict[str, object]:
    from appliance.board.restorereport import iso_time

    deposited = {"made": iso_time(told.deposit_ms), "current": told.deposit_current} if told.deposit_ms else None
    return {"officers": list(told.officers), "one_opens": told.one_opens, "deposit": deposited}


def _officer_name(given: str) -> str:
    name = given.strip()
    if not 0 < len(name) <= 40 or not name.isprintable():
        raise click.BadParameter("1 to 40 letters", param_hint="NAME")
    return name


def _words() -> dict[str, str]:
    return _WORDS[language()]
