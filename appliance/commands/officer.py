"""`kurabako board officer | status`: who opens the board's root, any two together."""

import json
from pathlib import Path
from typing import Final

import click

from appliance.board.folder import open_board
from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.commands.unlocking import ask_officers, unlock_root
from appliance.exits import Exit
from appliance.messages import language

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


@officer.command()
@click.argument("name")
@passphrase_option
@click.pass_obj
def remove(folder: Path, name: str, from_stdin: bool) -> int:
    """Take the officer NAME out and make the keys of all others anew."""
    from appliance.board.officers import Officers

    board = open_board(folder)
    officers = Officers(board)
    officers.remove(unlock_root(board, from_stdin), _officer_name(name))
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
    from appliance.board.status import board_status

    told, words = board_status(open_board(folder)), _words()
    if as_json:
        shape = {"board": told.name, "root": told.fingerprint, "schools": list(told.schools)}
        click.echo(
            json.dumps(shape | {"officers": list(told.officers), "one_opens": told.one_opens}, ensure_ascii=False)
        )
        return Exit.OK
    click.echo(f"{told.name}  {told.fingerprint}")
    click.echo(words["schools"].format(count=len(told.schools)))
    count = len(told.officers)
    if told.one_opens:
        click.echo(words["alone"])
        click.echo(words["only_require" if count > 1 else "next"])
    else:
        click.echo(words["both"].format(count=count))
    return Exit.OK


def _officer_name(given: str) -> str:
    name = given.strip()
    if not 0 < len(name) <= 40 or not name.isprintable():
        raise click.BadParameter("1 to 40 letters", param_hint="NAME")
    return name


def _words() -> dict[str, str]:
    return _WORDS[language()]
