"""`kurabako exchange`: what comes from and goes to the school system 統合型校務支援システム."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit
from appliance.messages import explain, language
from appliance.text import printable

if TYPE_CHECKING:
    from appliance.exchange.incoming import Agreement, Examined
    from appliance.exchange.views import ReceiptView
    from appliance.office import Office

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
_LOGIN = click.option(
    "--login", "name", required=True, help="who does it: a clerk, the principal or vice-principal"
)
_TO = click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="the folder to write into, else the site's",
)
_WHAT: Final = ("attendance", "months", "meetings", "hours", "roster")
_USUAL: Final = ("attendance", "months", "meetings")
_WORDS: Final = {"zip": "ZIP", "text": "CSV", "other": "?"}


@click.group()
def exchange() -> None:
    """Take in what the school system exported, and write what it imports, each with a receipt."""


@exchange.command()
@_SITE
@_LOGIN
@passphrase_option
def waiting(site: Path, name: str, from_stdin: bool) -> int:
    """List the files that came into 取込 and wait for somebody: id, time, bytes, form, SHA-256, name."""
    with _office(site, name, from_stdin) as office:
        for one in office.exchange.waiting():
            line = f"{one.document_id[:8]}\t{one.at:%Y-%m-%d %H:%M}\t{one.size}\t{_WORDS[one.form]}\t{one.sha256}"
            click.echo(f"{line}\t{printable(one.name)}")
    return Exit.OK


@exchange.command()
@_SITE
@_LOGIN
@passphrase_option
def receipts(site: Path, name: str, from_stdin: bool) -> int:
    """List what became of the files that came, the newest first."""
    from appliance.exchange.receipt import OUTCOMES

    with _office(site, name, from_stdin) as office:
        for one in office.exchange.receipts():
            told = OUTCOMES[language()].get(one.receipt.outcome, one.receipt.outcome)
            line = f"{one.receipt_id[:8]}\t{one.at:%Y-%m-%d %H:%M}\t{one.by}\t{told}\t{one.receipt.code}"
            click.echo(f"{line}\t{one.receipt.sha256.hex()}\t{printable(one.name)}")
    return Exit.OK


@exchange.command()
@_SITE
@click.argument("what")
@_LOGIN
@_TO
@click.option("--yes", is_flag=True, help="apply it without asking")
@click.option("--leaving", type=click.IntRange(0), default=0, help="yes to exactly so many people leaving")
@click.option("--old", is_flag=True, help="yes to a file that was applied before, or is older than what was")
@click.option("--refuse", is_flag=True, help="do not take it; write the receipt that says so")
@passphrase_option
def take(
    site: Path,
    what: str,
    name: str,
    folder: Path | None,
    yes: bool,
    leaving: int,
    old: bool,
    refuse: bool,
    from_stdin: bool,
) -> int:
    """Look at WHAT (the id of a waiting file, or a file here), apply it, and write its receipt.

    A file that cannot be used changes nothing and gets a receipt that says what to do.
    """
    from appliance.exchange.incoming import Agreement
    from appliance.exchange.receipt import examined_lines

    with _office(site, name, from_stdin) as office:
        seen = _examined(office, what)
        for line in examined_lines(seen, language()):
            click.echo(line)
        if seen.refusal is not None:
            told = explain(seen.refusal, language())
            click.echo(f"error: {told.sentence} [{told.code}]\nhint: {told.hint}", err=True)
        elif refuse:
            return _receipt(office, office.exchange.turn_away(seen), seen, folder)
        elif not yes and seen.changes:
            click.confirm("この内容で取り込みますか / import this?", abort=True, err=True)
        view = office.exchange.settle(seen, _agreed(seen, Agreement(leaving, old), yes))
        return _receipt(office, view, seen, folder)


@exchange.command()
@_SITE
@click.argument("receipt")
@_LOGIN
@_TO
@passphrase_option
def receipt(site: Path, receipt: str, name: str, folder: Path | None, from_stdin: bool) -> int:
    """Write the receipt with this id (or its beginning) once more."""
    with _office(site, name, from_stdin) as office:
        found = [one for one in office.exchange.receipts() if one.receipt_id.startswith(receipt)]
        if len(found) != 1:
            raise click.UsageError(f"{len(found)} such receipts / その受領書は {len(found)} 件です")
        document = found[0].document_id
        shown = office.documents.facts(document).name if document else ""
        click.echo(str(office.give_receipt(found[0].receipt_id, shown, folder).path))
    return Exit.OK


@exchange.command()
@_SITE
@_LOGIN
@_TO
@click.option(
    "--what", "what", type=click.Choice(_WHAT), multiple=True, help="what goes out, more than once if wanted"
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="the first day")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="the last day")
@click.option("--again", is_flag=True, help="also what is the same as what went out last")
@click.option("--permit", default="", help="the principal's permit number (for hours)")
@click.option("--recipient", "recipients", multiple=True, help="encrypt to this age public key")
@click.option("--encrypt", is_flag=True, help="encrypt under a passphrase, which is asked for")
@passphrase_option
def out(
    site: Path,
    name: str,
    folder: Path | None,
    what: tuple[str, ...],
    since: datetime,
    until: datetime,
    again: bool,
    permit: str,
    recipients: tuple[str, ...],
    encrypt: bool,
    from_stdin: bool,
) -> int:
    """Write what the school system imports, and a list of it; what went out unchanged before is left out.

    Without --what: attendance by day and month, and meetings. Working hours (importance II) need a permit and
    encryption.
    """
    from appliance.exchange.errors import NothingNewError
    from appliance.exchange.outgoing import Asked, What
    from appliance.permits.gate import Lock

    first, last = since.date(), until.date()
    if last < first:
        raise click.UsageError("--until is before --since / 終わりの日が始まりの日より前です")
    with _office(site, name, from_stdin) as office:
        other = ask_passphrase("暗号化の合言葉 / passphrase of the file", from_stdin, new=True) if encrypt else ""
        lock, new = Lock(recipients, other), 0
        for one in what or _USUAL:
            asked = Asked(What(one), first, last, again, permit)
            try:
                click.echo(str(office.send_out(asked, lock, folder).path))
                new += 1
            except NothingNewError as error:
                click.echo(f"{one}: {explain(error, language()).sentence}", err=True)
        if new:
            click.echo(str(office.list_sent(first, last, folder).path))
    return Exit.OK


@exchange.command()
@_SITE
@_LOGIN
@passphrase_option
def sent(site: Path, name: str, from_stdin: bool) -> int:
    """List what went out: what, from, to, file, rows, SHA-256, and what the school system said of it."""
    with _office(site, name, from_stdin) as office:
        for one in office.exchange.sent():
            answer = (
                "-" if one.answer is None else f"{'ok' if one.answer.taken else 'NG'} {one.answer.told}".strip()
            )
            line = f"{one.what}\t{one.first}\t{one.last}\t{one.name}\t{one.rows}\t{one.sha256}"
            click.echo(f"{line}\t{answer}")
    return Exit.OK


@contextmanager
def _office(site: Path, name: str, from_stdin: bool) -> "Iterator[Office]":
    from appliance.login import login

    office = login(site, name, ask_passphrase("合言葉 / passphrase", from_stdin))
    try:
        yield office
    finally:
        office.logout()


def _examined(office: "Office", what: str) -> "Examined":
    """Look at a waiting file by its id, else at a file of this machine."""
    named = [one.document_id for one in office.exchange.waiting() if one.document_id.startswith(what)]
    if len(named) == 1:
        return office.exchange.examine(named[0])
    return office.exchange.examine_file(Path(what))


def _agreed(seen: "Examined", agreement: "Agreement", yes: bool) -> "Agreement":
    """Ask for what a plain yes does not cover; with --yes nothing is asked, and what was not agreed to fails."""
    from appliance.exchange.incoming import Caution, lacking

    left = () if yes else lacking(seen, agreement)
    if Caution.PEOPLE in left and seen.plan is not None:
        count = seen.plan.leavers
        words = f"{count}人が名簿から外れます。よければその人数を入れてください / people leave; type how many"
        agreement = type(agreement)(click.prompt(words, type=int, err=True), agreement.old)
    if {Caution.AGAIN, Caution.OLDER} & {*left}:
        words = "前に取り込んだ、または前より古いファイルです。取り込みますか / an old file; import it?"
        agreement = type(agreement)(agreement.people, click.confirm(words, default=False, err=True))
    return agreement


def _receipt(office: "Office", view: "ReceiptView", seen: "Examined", folder: Path | None) -> int:
    """Say what became of it, write the receipt, and say where it lies."""
    from appliance.exchange.receipt import receipt_lines

    click.echo("")
    for line in receipt_lines(view, language()):
        click.echo(line)
    click.echo(str(office.give_receipt(view.receipt_id, seen.name, folder).path))
    if view.receipt.outcome == "refused":
        return Exit.FAILED
    return Exit.INCOMPLETE if view.receipt.quarantined else Exit.OK
