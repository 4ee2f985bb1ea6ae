"""`kurabako site begin | take | request | head`: a box's side of its enrolment, called over SSH."""

import base64
import contextlib
import json
import sys
from pathlib import Path

import click

from appliance.exits import Exit

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
_VAULT = click.option(
    "--machine-vault",
    "vault",
    type=click.Path(path_type=Path),
    help="keep secrets there, encrypted by systemd-creds, instead of in the site's folder",
)


@click.group()
def site() -> None:
    """A box's side of its enrolment: its keys, its request, the board's grant."""


@site.command()
@_SITE
@click.option("--school", required=True, help="the 13-character 学校コード")
@click.option(
    "--epoch", type=click.IntRange(1), default=1, show_default=True, help="which box of the school this is"
)
@click.option("--root-key", required=True, help="the board's public root key, 64 hexadecimal digits")
@_VAULT
def begin(site: Path, school: str, epoch: int, root_key: str, vault: Path | None) -> int:
    """Make the keys of the box at SITE, here and nowhere else, and print its request to the board in base64."""
    from appliance.enrolment.boxside import begin_enrolment
    from appliance.enrolment.request import request_code
    from appliance.enrolment.vault import MachineVault
    from appliance.schoolcode import parse_school_code
    from crypto.signing import VerifyKey
    from sync.ids import Origin, Site

    origin = Origin(str(parse_school_code(school)), Site.BOX, epoch)
    try:
        root = VerifyKey.from_bytes(bytes.fromhex(root_key))
    except ValueError as exc:
        raise click.UsageError("--root-key is 64 hexadecimal digits") from exc
    blob = begin_enrolment(site.resolve(), origin, root, MachineVault(vault) if vault else None)
    click.echo(base64.b64encode(blob).decode())
    click.echo(request_code(blob), err=True)
    return Exit.OK


@site.command()
@_SITE
@_VAULT
@click.option(
    "--local", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="what kurabako.toml gets besides"
)
def take(site: Path, vault: Path | None, local: Path | None) -> int:
    """Become the box that the board's grant on stdin speaks of; checks everything in it first."""
    from appliance.enrolment.boxside import take_grant
    from appliance.enrolment.vault import MachineVault

    blob, more = sys.stdin.buffer.read(), local.read_text("utf-8") if local else ""
    taken = take_grant(site.resolve(), blob, MachineVault(vault) if vault else None, more)
    click.echo(f"{taken.origin.prefix}: {taken.verified.changes}")
    return Exit.OK


@site.command()
@_SITE
@click.option("--local", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
def settle(site: Path, local: Path) -> int:
    """Put the sections of a file into kurabako.toml in place of those there: what is this machine's own."""
    from appliance.config import FILE_NAME, load_config, render_config, with_sections
    from sync.atomic import atomic_write

    text = with_sections(render_config(load_config(site)), local.read_text("utf-8"))
    atomic_write(site / FILE_NAME, text.encode(), mode=0o644)
    return Exit.OK


@site.command()
@_SITE
def request(site: Path) -> int:
    """Show the code of the request of the box at SITE, which is read to the board's officer over a telephone."""
    from appliance.enrolment.boxside import read_request
    from appliance.enrolment.errors import NotRequestedError
    from appliance.enrolment.request import request_code

    blob = read_request(site.resolve())
    if blob is None:
        raise NotRequestedError(operation="show request", subject=site.name)
    click.echo(request_code(blob))
    return Exit.OK


@site.command()
@_SITE
@click.option("--seq", type=click.IntRange(1), help="of an earlier entry (default: the newest)")
def head(site: Path, seq: int | None) -> int:
    """Print how far the box's log goes and the code of its chain there, as JSON; at a hub, of what it holds.

    Box and board give the same code for the same entry, or their logs differ.
    """
    from appliance.enrolment.chaincode import chain_code
    from appliance.site import open_site
    from sync.reader import Reader

    folder = open_site(site)
    with contextlib.closing(Reader(folder.paths.store)) as reader:
        told = chain_code(reader, folder.root, seq)
    click.echo(json.dumps(told, ensure_ascii=False))
    return Exit.OK if told["code"] else Exit.FAILED
