"""`kurabako export`: what may leave a site, through the one gate, to where the screens put it too.

Invariant: what decides, makes and writes is what the screens use; nothing is written beside it.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.office import Office
    from appliance.permits.gate import Lock, Released

_FORM = click.option("--form", type=click.Choice(["csv", "xlsx", "pdf"]), default="csv", show_default=True)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every export is told."""
    folder = click.Path(path_type=Path, file_okay=False, exists=True)
    for option in (
        passphrase_option,
        click.option("--encrypt", is_flag=True, help="encrypt under a passphrase, which is asked for"),
        click.option("--recipient", "recipients", multiple=True, help="encrypt to this age public key"),
        click.option("--permit", default="", help="the principal's permit number"),
        click.option("--to", "folder", type=folder, help="the folder to write the file into, else the site's"),
        click.option("--login", "name", required=True, help="who takes it out"),
        click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE"),
    ):
        command = option(command)
    return command


@click.group()
def export() -> None:
    """Take something out 持ち出し: policy and permit are asked for, and the record of it is kept first."""


@export.command()
@_FORM
@_common
def ledger(form: str, **told: Any) -> int:
    """Write the asset ledger."""
    from appliance.permits.releases import Form

    return _export(lambda office, lock: office.releases.ledger(Form(form), lock), **told)


@export.command()
@_FORM
@click.option("--days", type=click.IntRange(1, 36_600), help="how far back, else as the policy says")
@_common
def audit(form: str, days: int | None, permit: str, **told: Any) -> int:
    """Write the audit record (importance II: needs a permit and encryption)."""
    from appliance.permits.releases import Form

    return _export(lambda office, lock: office.releases.audit(Form(form), days, permit, lock), **told)


@export.command()
@_FORM
@click.option("--class", "title", required=True, help="the class as the screen names it, such as 2年1組")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True)
@_common
def day(form: str, title: str, on: datetime, permit: str, **told: Any) -> int:
    """Write the marks of a class on a day, without their reasons."""
    from appliance.permits.releases import Form

    def make(office: "Office", lock: "Lock") -> "Released":
        return office.releases.day(_class_of(office, title, on), on.date(), Form(form), permit, lock)

    return _export(make, **told)


@export.command()
@_FORM
@click.option("--class", "title", required=True, help="the class as the screen names it, such as 2年1組")
@click.option("--month", type=click.DateTime(["%Y-%m"]), required=True)
@click.option("--paper", type=click.Choice(["a4", "a3"]), default="a4", show_default=True, help="of a PDF")
@_common
def month(form: str, title: str, month: datetime, paper: str, permit: str, **told: Any) -> int:
    """Write a class's month, day by day with the totals, without reasons."""
    from appliance.permits.releases import Form
    from appliance.release.typeset import Paper

    def make(office: "Office", lock: "Lock") -> "Released":
        size = Paper.A3_LANDSCAPE if paper == "a3" else Paper.A4_LANDSCAPE
        class_id = _class_of(office, title, month)
        return office.releases.month(class_id, month.date(), Form(form), permit, lock, size)

    return _export(make, **told)


@export.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="the first day")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="the last day")
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML file of columns and codes, else the usual")
@_common
def attendance(since: datetime, until: datetime, mapping: Path | None, permit: str, **told: Any) -> int:
    """Write what was entered as CSV for the school system to import, without reasons."""
    from appliance.attendance.schoolsystem import read_mapping

    known = read_mapping(mapping)
    if until < since:
        raise click.UsageError("--until is before --since / 終わりの日が始まりの日より前です")
    return _export(lambda o, lock: o.releases.for_system(known, since.date(), until.date(), lock), **told)


@export.command()
@_FORM
@click.option("--year", type=click.IntRange(2000, 2999), required=True, help="the school year 年度")
@_common
def hours(form: str, year: int, permit: str, **told: Any) -> int:
    """Write the report of the working hours: means by course, nobody's own figures."""
    from appliance.permits.releases import Form

    return _export(lambda office, lock: office.releases.hours(year, Form(form), lock), **told)


@export.command()
@click.option("--form", type=click.Choice(["pdf", "html", "xlsx", "csv"]), default="pdf", show_default=True)
@click.option("--title", required=True, help="the questionnaire's title, or its beginning")
@_common
def survey(form: str, title: str, permit: str, **told: Any) -> int:
    """Write what came out of a closed questionnaire: bars (pdf, html) or a table, nobody's own answers."""
    from appliance.commands.survey import survey_of
    from appliance.permits.releases import Form

    return _export(lambda office, lock: office.releases.survey(survey_of(office, title), Form(form), lock), **told)


@export.command()
@click.option("--form", type=click.Choice(["md", "pdf", "xlsx", "csv"]), default="md", show_default=True)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="the meeting's day")
@click.option("--title", default="", help="the meeting's title, where there are several on that day")
@_common
def minutes(form: str, on: datetime, title: str, permit: str, **told: Any) -> int:
    """Write the minutes 会議録 of a meeting (importance II when one of its items is)."""
    from appliance.permits.releases import Form

    def make(office: "Office", lock: "Lock") -> "Released":
        found = [
            view.meeting_id
            for view in office.meetings.all()
            if view.starts.date() == on.date() and title in ("", view.title)
        ]
        if len(found) != 1:
            raise click.UsageError(f"{len(found)} such meetings / その会議は {len(found)} 件です")
        return office.releases.minutes(found[0], Form(form), permit, lock)

    return _export(make, **told)


@export.command()
@_common
def meetings(permit: str, **told: Any) -> int:
    """Write all meetings as an iCalendar file (.ics), nothing above importance III in it."""
    return _export(lambda office, lock: office.releases.calendar(lock), **told)


@export.command()
@click.option("--outside", is_flag=True, help="it is sent to somebody outside 外部送信")
@_common
@click.argument("document")
def document(document: str, outside: bool, permit: str, **told: Any) -> int:
    """Write a document by its title or id: a PDF with label and watermark, anything else only encrypted."""

    def make(office: "Office", lock: "Lock") -> "Released":
        named = [view.document_id for view in office.documents.find(document).views if view.title == document]
        chosen = named[0] if len(named) == 1 else document
        return office.releases.document(chosen, permit, lock, outside=outside)

    return _export(make, **told)


def _class_of(office: "Office", title: str, on: datetime) -> str:
    found = [view.class_id for view in office.attendance.classes(on.date()) if view.title == title]
    if not found:
        raise click.UsageError(f"no class {title} / 学級がありません: {title}")
    return found[0]


def _export(
    make: "Callable[[Office, Lock], Released]",
    *,
    site: Path,
    name: str,
    folder: Path | None,
    recipients: tuple[str, ...],
    encrypt: bool,
    from_stdin: bool,
    permit: str = "",
) -> int:
    """Log in, make the file, write it."""
    from appliance.login import login
    from appliance.permits.gate import Lock
    from appliance.permits.handing import hand_out

    passphrase = ask_passphrase("合言葉 / passphrase", from_stdin)
    other = ask_passphrase("暗号化の合言葉 / passphrase of the file", from_stdin, new=True) if encrypt else ""
    office = login(site, name, passphrase)
    try:
        lock = Lock(recipients, other)
        handed = (
            hand_out(folder, lambda: make(office, lock)) if folder else office.hand_out(lambda: make(office, lock))
        )
    finally:
        office.logout()
    click.echo(str(handed.path))
    return Exit.OK
