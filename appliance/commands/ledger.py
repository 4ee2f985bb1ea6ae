"""`kurabako ledger`: the asset ledger of a site."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.ledger.lines import LedgerLine
    from crypto.importance import Importance


@click.group()
def ledger() -> None:
    """The asset ledger 情報資産台帳: importance, place, handlers, take-out and retention of each asset."""


@ledger.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--login", "name", required=True, help="who looks")
@click.option("--csv", "as_csv", is_flag=True, help="print CSV for a spreadsheet: an export by the policy")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@passphrase_option
def show(site: Path, name: str, as_csv: bool, as_json: bool, from_stdin: bool) -> int:
    """Show the asset ledger of the running site at SITE: the standard one with the school's own lines over it."""
    from appliance.login import login
    from appliance.permits.releases import Form

    if as_csv and as_json:
        raise click.UsageError("--csv or --json, not both")
    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        if as_csv:
            click.echo(office.releases.ledger(Form.CSV).data, nl=False)
        else:
            tell_ledger(office.ledger.all(), office.ledger.store_class(), as_json)
    finally:
        office.logout()
    return Exit.OK


@ledger.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--login", "name", required=True, help="the principal, a vice principal or the board")
@passphrase_option
def keep(site: Path, file: Path, name: str, from_stdin: bool) -> int:
    """Keep the lines of FILE (TOML, `[[asset]]`) as the school's own, all of them or none."""
    from appliance.ledger.ledger import read_ledger
    from appliance.login import login

    lines = read_ledger(file.read_text("utf-8"))
    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        office.ledger.keep(*lines)
    finally:
        office.logout()
    click.echo(f"保存済: {len(lines)}件 / kept {len(lines)}")
    return Exit.OK


def tell_ledger(lines: Sequence["LedgerLine"], store: "Importance", as_json: bool) -> None:
    """Print the ledger and the class of this box's store."""
    from appliance.ledger.lines import ledger_of

    if as_json:
        told = {"store_class": store.name, "assets": msgspec.to_builtins(lines)}
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for line in lines:
        to_set = f"〔学校で定める: {line.to_set}〕" if line.to_set else ""
        parts = (
            line.importance,
            line.name,
            line.place,
            line.handlers,
            line.takeout,
            line.retention,
            ledger_of(line),
        )
        click.echo("  ".join((*parts, to_set)).rstrip())
    click.echo(f"この装置の保管庫の分類: {store.label}（入っているもののうち最も重いもの）")
