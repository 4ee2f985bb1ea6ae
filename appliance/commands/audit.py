"""`kurabako audit`: the audit record of a site."""

import contextlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.auditdesk import AuditLine
    from appliance.emergency.desk import DisclosureLine

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
_JSON = click.option("--json", "as_json", is_flag=True, help="print one JSON object")


@click.group()
def audit() -> None:
    """The audit record 監査記録: who opened, released or was refused what, when, from where."""


@audit.command()
@_SITE
@_JSON
def verify(site: Path, as_json: bool) -> int:
    """Prove that nothing in SITE's audit record was changed or taken out. Needs no key and opens nothing.

    Checks the chain and every signature of the whole log. Exit code 0 when it is whole, 13 when somebody put
    something over an entry, or an entry of somebody who may write none is held back.
    """
    from appliance.auditdesk import every_entry, held_entries, rewritten
    from appliance.commands.progress import Progress
    from appliance.policy import writing_rules
    from appliance.site import open_site
    from sync.reader import Reader
    from sync.verify import verify_store

    folder = open_site(site)
    with Progress("検証 / verifying"):
        school = folder.config.site.school
        proven = verify_store(folder.paths.store, folder.root, school, rules=writing_rules(), full=True)
    with contextlib.closing(Reader(folder.paths.store)) as reader:
        rows = every_entry(reader)
        later, held = len(rewritten(rows)), held_entries(reader)
    if as_json:
        told = {"entries": len(rows) - later, "rewritten": later, "held": held, "changes": proven.changes}
        click.echo(json.dumps({**told, "verified": True}))
    else:
        click.echo(f"監査記録 {len(rows) - later}件。記録全体 {proven.changes}件のつながりと署名を確かめました。")
        if later:
            click.echo(f"上から書かれた記録が {later}件あります。元の記録は残っています。", err=True)
        if held:
            click.echo(f"書く役割のない人の記録が {held}件、保留されています。", err=True)
    return Exit.UNSOUND if later or held else Exit.OK


@audit.command()
@_SITE
@click.option("--login", "name", required=True, help="the principal or a vice principal")
@click.option("--days", type=click.IntRange(1, 36_600), help="how far back, else as the policy says")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="only this day")
@click.option("--refused", is_flag=True, help="only what was refused")
@click.option("--text", default="", help="only lines with these words in them")
@_JSON
@passphrase_option
def show(
    site: Path,
    name: str,
    days: int | None,
    on: datetime | None,
    refused: bool,
    text: str,
    as_json: bool,
    from_stdin: bool,
) -> int:
    """Show the audit record of the running site at SITE, newest first. That it was read is an entry too."""
    from appliance.login import login

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        day = on.date() if on else None
        tell_audit(office.audit.lines(days, refused_only=refused, text=text, on=day), as_json)
    finally:
        office.logout()
    return Exit.OK


def tell_audit(lines: Sequence["AuditLine"], as_json: bool) -> None:
    """Print audit lines."""
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(lines), ensure_ascii=False, indent=1))
        return
    for line in lines:
        click.echo(_words(line))
    if not lines:
        click.echo("ありません。")


def tell_board(lines: Sequence["AuditLine"], disclosures: Sequence["DisclosureLine"], as_json: bool) -> None:
    """Print what a board officer reads of a school: its 非常時開示, then its audit lines."""
    if as_json:
        told = {"disclosures": msgspec.to_builtins(disclosures), "audit": msgspec.to_builtins(lines)}
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for one in disclosures:
        when = f"{one.opened:%Y-%m-%d %H:%M}〜{one.until:%m-%d %H:%M}"
        click.echo(f"非常時開示  {when}  {'・'.join(one.by)}  目的:{one.purpose}")
    tell_audit(lines, as_json=False)


def _words(line: "AuditLine") -> str:
    parts = [
        f"{line.at:%Y-%m-%d %H:%M:%S}",
        f"{line.role} {line.who}".strip(),
        f"{line.what}（{line.importance}）",
        line.whose,
        f"【{line.verdict}】" if line.verdict else "",
        f"目的:{line.purpose}" if line.purpose else "",
        f"許可:{line.permit}" if line.permit else "",
        f"規則{line.rule or '—'}",
        f"{line.place} {line.source}",
    ]
    return "  ".join(part for part in parts if part)
