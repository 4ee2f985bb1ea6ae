"""`kurabako emergency`: the emergency cards of a school (importance I)."""

from pathlib import Path

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit


@click.group()
def emergency() -> None:
    """Emergency contacts, allergies and health notes 緊急連絡 (importance I)."""


@emergency.command("import")
@click.argument("site", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--login", "name", required=True, help="who imports: a manager or a clerk")
@click.option("--yes", is_flag=True, help="keep them without asking")
@passphrase_option
def import_(site: Path, file: Path, name: str, yes: bool, from_stdin: bool) -> int:
    """Import the cards in a CSV FILE into the running site at SITE; a card that stands there is replaced.

    Columns: 学級, 番号, 氏名; 連絡先1, 続柄1, 電話1 (up to 3); アレルギー, 健康上の注意, 服薬, 備考. Rows that
    fit no pupil are named and left out: exit code 3.
    """
    from appliance.login import login

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        plan = office.emergency.plan(file, office.today())
        click.echo(f"カード {len(plan.cards)}件、取り込まない行 {len(plan.aside)}件")
        for line, why in plan.aside:
            click.echo(f"  {line}行目: {why}")
        if not yes and not click.confirm("取り込みますか / import these?", default=False, err=True):
            raise click.Abort
        saved = office.emergency.keep(plan.cards)
        if saved is not None:
            click.echo(f"保存済: {saved.first_seq}–{saved.last_seq}")
    finally:
        office.logout()
    return Exit.INCOMPLETE if plan.aside else Exit.OK
