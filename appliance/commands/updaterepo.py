"""`kurabako update repo`: the board's folder of updates. Each officer signs with a key of their own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_KEY = click.option("--key", "file", type=click.Path(path_type=Path, dir_okay=False), required=True)


@click.group()
def repo() -> None:
    """The board's folder of updates: keys, releases, signatures."""


def _open(folder: Path) -> Any:
    from appliance.updates.repository import Repository

    return Repository(folder)


def _now() -> datetime:
    return datetime.now(UTC)


def _show(drafts: Any) -> None:
    for draft in drafts:
        release = f" {draft.release}" if draft.release else ""
        click.echo(f"{draft.role} {draft.version}{release}: {len(draft.signed)}/{draft.threshold}")


@repo.command()
@_FOLDER
@passphrase_option
def init(folder: Path, from_stdin: bool) -> int:
    """Begin a folder of updates; asks for the passphrase of the key that vouches for freshness."""
    secret = ask_passphrase("更新の鍵の合言葉 / passphrase of the online key", from_stdin, new=not from_stdin)
    repository = _open(folder)
    repository.init(secret, _now())
    _show(repository.drafts())
    return Exit.OK


@repo.command()
@_KEY
@passphrase_option
def make_key(file: Path, from_stdin: bool) -> int:
    """Make an officer's key on the officer's own medium; FILE.pub beside it is what `add-key` takes."""
    from appliance.updates.keys import make_key as make

    make(file, ask_passphrase("署名の鍵の合言葉 / passphrase of your key", from_stdin, new=not from_stdin))
    click.echo(f"{file}.pub")
    return Exit.OK


@repo.command()
@_FOLDER
@click.option("--public", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
def add_key(folder: Path, public: Path) -> int:
    """Let an officer's signature count (FILE.pub), once two officers have signed that."""
    from appliance.updates.keys import read_public

    _show([_open(folder).add_key(read_public(public), _now())])
    return Exit.OK


@repo.command()
@_FOLDER
@click.option("--public", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
def remove_key(folder: Path, public: Path) -> int:
    """Let an officer's signature no longer count, once two officers have signed that."""
    from appliance.updates.keys import read_public

    _show([_open(folder).remove_key(read_public(public), _now())])
    return Exit.OK


@repo.command()
@_FOLDER
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
def stage(folder: Path, bundle: Path) -> int:
    """Lay a release in (the tar of `make bundle`) and draft what the officers have to sign."""
    from appliance.provision.bundle import Bundle

    _show([_open(folder).stage(Bundle.open(bundle), _now())])
    return Exit.OK


@repo.command()
@_FOLDER
@_KEY
@passphrase_option
def sign(folder: Path, file: Path, from_stdin: bool) -> int:
    """Sign what waits. Compare the hash that is shown first with what `bundle verify` says on your machine."""
    from appliance.updates.keys import open_key

    repository = _open(folder)
    _show(repository.drafts())
    signer = open_key(file, ask_passphrase("署名の鍵の合言葉 / passphrase of your key", from_stdin))
    _show(repository.sign(signer))
    return Exit.OK


@repo.command()
@_FOLDER
@click.option("--to", "medium", type=click.Path(path_type=Path, exists=True, file_okay=False), help="a medium")
@click.option("--board", type=click.Path(path_type=Path), help="the board's folder, to send to its store …")
@click.option(
    "--school", "schools", multiple=True, help="… by the board's key pair for this school; may be repeated"
)
@passphrase_option
def publish(
    folder: Path, medium: Path | None, board: Path | None, schools: tuple[str, ...], from_stdin: bool
) -> int:
    """Make what was signed count, vouch for it anew for 30 days, and send it. Do so at least every two weeks."""
    from appliance.updates.keys import open_key
    from appliance.updates.publishing import send

    if (board is None) == bool(schools):
        raise click.UsageError("--board and --school go together")
    repository = _open(folder)
    secret = ask_passphrase("更新の鍵の合言葉 / passphrase of the online key", from_stdin)
    click.echo(f"timestamp {repository.publish(open_key(repository.online_key, secret), _now())}")
    for store in _stores(medium, board, schools):
        click.echo(f"{send(repository, store):,} bytes")
    return Exit.OK


@repo.command()
@_FOLDER
@click.option("--to", "file", type=click.Path(path_type=Path, dir_okay=False), required=True)
def root(folder: Path, file: Path) -> int:
    """Write the root that a new box is given as /etc/kurabako/update-root.json."""
    file.write_bytes(_open(folder).root())
    return Exit.OK


def _stores(medium: Path | None, board: Path | None, schools: tuple[str, ...]) -> Any:
    from appliance.board.folder import open_board
    from crypto.secret import Secret
    from sync.folderstore import FolderConfig, FolderStore
    from sync.objectstore import ObjectStore, StoreConfig

    if medium is not None:
        yield FolderStore(FolderConfig(medium))
    opened = open_board(board) if board is not None else None
    for place in [opened.place(school) for school in schools] if opened is not None else ():
        secret = Secret(place.secret_key.encode())
        yield ObjectStore(StoreConfig(place.endpoint, place.bucket, place.region, place.access_key, secret))
