"""`kurabako segments`: carry a site's changes on a medium, sealed and signed as they travel on the line."""

import contextlib
import json
from pathlib import Path

import click

from appliance.exits import Exit
from appliance.site import open_site
from sync.carry import Imported

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")


@click.group()
def segments() -> None:
    """Carry changes on a medium when there is no line at all."""


@segments.command("export")
@_SITE
@click.option("--to", "medium", type=click.Path(path_type=Path), required=True, help="a folder on the medium")
@click.option("--sent", is_flag=True, help="also what is in the object store: for a site that has no line to it")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def export(site: Path, medium: Path, sent: bool, as_json: bool) -> int:
    """Put what SITE has not yet proven to be in the object store into a folder. May be done again at any time.

    With --sent also what stands there and nobody at the other site has confirmed.
    """
    from appliance.board.keeping import SiteKeeper
    from sync.carry import Exported, copy_unconfirmed, export_segments
    from sync.folderstore import FolderConfig, FolderStore
    from sync.openstore import open_store
    from sync.reader import Reader

    folder = open_site(site)
    medium.mkdir(mode=0o700, parents=True, exist_ok=True)
    with SiteKeeper(folder.paths) as client, contextlib.closing(Reader(folder.paths.store)) as reader:
        settings, there = folder.daemon_settings(), FolderStore(FolderConfig(medium))
        before = Exported()
        if sent:
            before = copy_unconfirmed(
                reader, settings.root, open_store(settings.segments or settings.store), there
            )
        done = before.and_then(export_segments(reader, client, settings.key, there))
    if as_json:
        click.echo(json.dumps({"segments": done.segments, "first": done.first, "last": done.last}))
    elif done.segments:
        click.echo(f"束 {done.segments}個（記録 {done.first} から {done.last} まで）を {medium} に書きました。")
        click.echo("中身は封と署名がされています。教育委員会に渡してください。この箱の記録はそのまま残ります。")
    else:
        click.echo("送り残しはありません。何も書きませんでした。")
    return Exit.OK


@segments.command("import")
@_SITE
@click.option("--from", "medium", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def import_(site: Path, medium: Path, as_json: bool) -> int:
    """Merge what other sites put into a folder on a medium.

    Exit code 0 when everything there was read, 3 when a segment before it is missing.
    """
    from appliance.board.keeping import SiteKeeper
    from sync.carry import import_segments
    from sync.folderstore import FolderConfig, FolderStore
    from sync.reader import Reader

    folder = open_site(site)
    with SiteKeeper(folder.paths) as client, contextlib.closing(Reader(folder.paths.store)) as reader:
        found = import_segments(reader, client, folder.daemon_settings(), FolderStore(FolderConfig(medium)))
    tell_imported(found, as_json)
    return Exit.INCOMPLETE if found.gaps else Exit.OK


def tell_imported(found: Imported, as_json: bool) -> None:
    """Print what came in."""
    if as_json:
        new = {origin.prefix: count for origin, count in found.new.items()}
        click.echo(json.dumps({"changes": found.changes, "new": new, "missing": found.gaps}))
        return
    if not found.new:
        click.echo("新しい記録はありません。")
    for origin, count in found.new.items():
        click.echo(f"{origin.prefix}  新しい記録 {count}件を取り込みました。")
    for name in found.gaps:
        click.echo(f"足りない束 {name}: この先の束は、これが届いてから取り込みます。", err=True)
