"""Opening the board's root identity in a command: the board's passphrase, or two officers.

Invariant: which of the two it takes is told by the board's folder alone; a command cannot choose the weaker way.
"""

import sys

import click

from appliance.board.folder import BoardFolder
from appliance.commands.asking import ask_passphrase
from crypto.identity import Identity

BOARD_PROMPT = "教育委員会の合言葉 / passphrase"


def unlock_root(board: BoardFolder, from_stdin: bool) -> Identity:
    """Ask and open. From stdin, where two officers open: name, passphrase, name, passphrase, a line each.

    Raises WrongPassphraseError, and what `Officers.open` raises.
    """
    if board.one_opens:
        return board.unlock(ask_passphrase(BOARD_PROMPT, from_stdin))
    from appliance.board.officers import Officers

    one, other = ask_officers(from_stdin)
    return Officers(board).open(one, other)


def ask_officers(from_stdin: bool) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return name and passphrase of two officers."""
    return _claim("1人目", "first", from_stdin), _claim("2人目", "second", from_stdin)


def _claim(place: str, english: str, from_stdin: bool) -> tuple[str, str]:
    if from_stdin:
        return sys.stdin.readline().strip(), ask_passphrase("", True)
    name = str(click.prompt(f"{place}の担当者の名前 / {english} officer", err=True)).strip()
    return name, ask_passphrase(f"{name} の合言葉 / passphrase", False)
