"""Asking for a passphrase, the same way in every command.

Invariant: a passphrase is never an argument (it would stand in the process list) and is never echoed.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from appliance.config import FILE_NAME
from appliance.credentials import StoreKey
from crypto.secret import Secret

ON_ITS_WAY: Final = (
    "次の交換で箱に届きます（board run が動いていること）。 / "
    "It reaches the box with the next exchange (board run)."
)


def ask_passphrase(prompt: str, from_stdin: bool, *, new: bool = False) -> str:
    """Return a passphrase: one line of stdin with `--passphrase-stdin`, else asked on the terminal."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True))


passphrase_option = click.option(
    "--passphrase-stdin", "from_stdin", is_flag=True, help="read the passphrase from the first line of stdin"
)


def box_key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a box's own key pair of the object store."""
    secret = click.Path(path_type=Path, exists=True, dir_okay=False)
    command = click.option("--box-secret-key-file", type=secret, help="its secret half")(command)
    return click.option("--box-access-key", help="the box's own key pair of the object store")(command)


def box_key(access_key: str | None, secret_key_file: Path | None) -> StoreKey | None:
    """Return the key pair that the options name, None without; raises UsageError for half of one."""
    if (access_key is None) != (secret_key_file is None):
        raise click.UsageError("--box-access-key and --box-secret-key-file go together")
    if access_key is None or secret_key_file is None:
        return None
    return StoreKey(access_key, Secret(secret_key_file.read_text("utf-8").strip().encode()))


def site_here(where: str) -> Path | None:
    """Return the site's folder that is meant, None for a school whose box is elsewhere."""
    folder = Path(where)
    return folder if (folder / FILE_NAME).exists() or not where.isalnum() else None
