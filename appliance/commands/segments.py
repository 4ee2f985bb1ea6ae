"""`kurabako segments`: carry a site's changes and documents on a medium, sealed as they travel on the line."""

import contextlib
import json
from pathlib import Path

import click

from appliance.exits import Exit
from appliance.messages import explain_code
from appliance.site import open_site
from sync.carry import Exported, Imported
from sync.carrydocuments import Carried

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

    With --sent also what stands there and nobody at the other site has confirmed. Documents that are not in the
    object store go along; exit code 3 when one of them is not whole here.
    """
    from appliance.board.keeping import SiteKeeper
    from sync.blobs import Blobs
    from sync.carry import copy_unconfirmed, export_segments
    from sync.carrydocuments import export_documents
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
        papers = export_documents(Blobs(folder.paths.blobs), client, reader.origin, there)
    return _tell_exported(done, papers, medium, as_json)


@segments.command("import")
@_SITE
@click.option("--from", "medium", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def import_(site: Path, medium: Path, as_json: bool) -> int:
    """Merge what other sites put into a folder on a medium, and keep their documents.

    Exit code 0 when everything there was read, 3 when a segment before it is missing, or a document is not whole.
    """
    from appliance.board.keeping import SiteKeeper
    from sync.blobs import Blobs
    from sync.carry import import_segments
    from sync.carrydocuments import import_documents
    from sync.folderstore import FolderConfig, FolderStore
    from sync.reader import Reader

    folder = open_site(site)
    there = FolderStore(FolderConfig(medium))
    with SiteKeeper(folder.paths) as client, contextlib.closing(Reader(folder.paths.store)) as reader:
        found = import_segments(reader, client, folder.daemon_settings(), there)
    return tell_imported(found, import_documents(Blobs(folder.paths.blobs), found.peers, there), as_json)


def _tell_exported(done: Exported, papers: Carried, medium: Path, as_json: bool) -> int:
    """Print what was written; return the exit code."""
    if as_json:
        told = {"segments": done.segments, "first": done.first, "last": done.last}
        click.echo(json.dumps(told | {"documents": papers.count, "damaged": papers.faults}))
        return _exit(papers)
    if done.segments:
        click.echo(f"束 {done.segments}個（記録 {done.first} から {done.last} まで）を {medium} に書きました。")
    if papers.count:
        click.echo(f"文書 {papers.count}件を {medium} に書きました。")
    if done.segments or papers.count:
        click.echo("中身は封と署名がされています。教育委員会に渡してください。この箱の記録はそのまま残ります。")
    else:
        click.echo("送り残しはありません。何も書きませんでした。")
    _tell_faults(papers)
    return _exit(papers)


def tell_imported(found: Imported, papers: Carried, as_json: bool) -> int:
    """Print what came in; return the exit code."""
    code = Exit.INCOMPLETE if found.gaps else _exit(papers)
    if as_json:
        new = {origin.prefix: count for origin, count in found.new.items()}
        told = {"changes": found.changes, "new": new, "missing": found.gaps}
        click.echo(json.dumps(told | {"documents": papers.count, "damaged": papers.faults}))
        return code
    if not found.new:
        click.echo("新しい記録はありません。")
    for origin, count in found.new.items():
        click.echo(f"{origin.prefix}  新しい記録 {count}件を取り込みました。")
    if papers.count:
        click.echo(f"文書 {papers.count}件を取り込みました。")
    for name in found.gaps:
        click.echo(f"足りない束 {name}: この先の束は、これが届いてから取り込みます。", err=True)
    _tell_faults(papers)
    return code


def _tell_faults(papers: Carried) -> None:
    for digest, code in papers.faults.items():
        told = explain_code(code, blob=digest[:12])
        click.echo(f"文書 {digest[:12]}: {told.sentence} [{code}]", err=True)


def _exit(papers: Carried) -> Exit:
    return Exit.INCOMPLETE if papers.faults else Exit.OK
