"""Asking for a passphrase, the same way in every command.

Invariant: a passphrase is never an argument (it would stand in the process list) and is never echoed.
"""

import sys

import click


def ask_passphrase(prompt: str, from_stdin: bool, *, new: bool = False) -> str:
    """Return a passphrase: one line of stdin with `--passphrase-stdin`, else asked on the terminal."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True))


passphrase_option = click.option(
    "--passphrase-stdin", "from_stdin", is_flag=True, help="read the passphrase from the first line of stdin"
)
