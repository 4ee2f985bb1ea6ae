"""`kurabako board`: the education board's own commands."""

from datetime import datetime
from pathlib import Path

import click

from appliance.board.folder import ReplicaPlace, init_board, open_board
from appliance.commands.asking import (
    ON_ITS_WAY,
    ask_passphrase,
    box_key,
    box_key_options,
    passphrase_option,
    site_here,
)
from appliance.commands.deposit import deposit, recover, renew_deposit, take_up
from appliance.commands.drill import drill
from appliance.commands.granting import read_request_file, request_options
from appliance.commands.hub import audit, import_orphans, publish, run
from appliance.commands.lease import lease
from appliance.commands.officer import officer, status
from appliance.commands.page import page
from appliance.commands.replace import renew, replace
from appliance.commands.report import report
from appliance.commands.restore import restore
from appliance.commands.share import share
from appliance.commands.standby import board_standby
from appliance.commands.timeline import timeline
from appliance.commands.unlocking import BOARD_PROMPT, unlock_root
from appliance.people import ROLE_NAMES, StaffMember
from crypto.secret import Secret


@click.group()
@click.option(
    "--board",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("board"),
    envvar="KURABAKO_BOARD",
    show_default=True,
    help="the board's folder",
)
@click.pass_context
def board(ctx: click.Context, folder: Path) -> None:
    """The education board: schools, people, restore."""
    ctx.obj = folder


_COMMANDS: tuple[click.Command, ...] = (
    restore,
    timeline,
    drill,
    publish,
    share,
    run,
    replace,
    renew,
    lease,
    audit,
    import_orphans,
    officer,
    status,
)
_COMMANDS += (deposit, recover, take_up, board_standby, report, page)
for _command in _COMMANDS:
    board.add_command(_command)


@board.command()
@click.option("--name", required=True, help="the board's name, such as 多良川市教育委員会")
@passphrase_option
@click.pass_obj
def init(folder: Path, name: str, from_stdin: bool) -> int:
    """Make the board's root key, sealed under a passphrase."""
    made = init_board(folder, name, ask_passphrase(BOARD_PROMPT, from_stdin, new=True))
    click.echo(f"{made.name}: {made.root.fingerprint}")
    return 0


@board.command()
@click.argument("school")
@click.option("--name", required=True, help="the school's name")
@click.option("--site", type=click.Path(path_type=Path), help="the new site's folder, on this machine")
@request_options
@click.option("--staff", type=click.Path(path_type=Path, exists=True), help="people, with --request")
@click.option("--endpoint", required=True, help="object store, such as https://s3.example.jp")
@click.option("--bucket", default="kurabako", show_default=True)
@click.option("--region", default="us-east-1", show_default=True)
@click.option("--access-key", required=True, help="the board's key pair: reads the school, writes its hub")
@click.option("--secret-key-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@box_key_options
@passphrase_option
@click.pass_obj
def enrol(
    folder: Path,
    school: str,
    name: str,
    site: Path | None,
    request: Path | None,
    code: str | None,
    out: Path | None,
    staff: Path | None,
    endpoint: str,
    bucket: str,
    region: str,
    access_key: str,
    secret_key_file: Path,
    box_access_key: str | None,
    box_secret_key_file: Path | None,
    from_stdin: bool,
) -> int:
    """Enrol SCHOOL: make its box, its hub and the signed roster of people. Add staff with `board admit`.

    With --request the box is elsewhere and made its own keys: a grant file for it is written instead of a site.
    Give the box a key pair of its own (docs/object-store.md says what it may do); without one it gets the board's.
    """
    from appliance.board.enrolment import NewSchool, enrol_school
    from appliance.commands.granting import answer_enrolment
    from appliance.config import StoreSection

    if (site is None) == (request is None):
        raise click.UsageError("--site or --request")
    opened = open_board(folder)
    root = unlock_root(opened, from_stdin)
    secret = secret_key_file.read_text("utf-8").strip()
    place = ReplicaPlace(school, name, endpoint, bucket, region, access_key, secret)
    store = StoreSection(endpoint, bucket, region)
    new = NewSchool(school, name, place, store, key=box_key(box_access_key, box_secret_key_file))
    if site is None:
        done = answer_enrolment(opened, root, new, read_request_file(request, code), staff, out)
        renew_deposit(opened, root)
        return done
    paths = enrol_school(opened, root, new, [], site)
    renew_deposit(opened, root)
    click.echo(f"{name}（{school}）: {paths.root}")
    return 0


@board.command()
@click.argument("where", metavar="SCHOOL|SITE")
@click.option("--login", "name", required=True)
@click.option("--display-name", required=True, help="the name that screens show")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(sorted(ROLE_NAMES)))
@click.option("--new-passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@passphrase_option
@click.pass_obj
def admit(
    folder: Path,
    where: str,
    name: str,
    display_name: str,
    roles: tuple[str, ...],
    new_passphrase_file: Path | None,
    from_stdin: bool,
) -> int:
    """Let a person in at SCHOOL, wherever its box is, or at a SITE on this machine, with a first passphrase."""
    from appliance.board.enrolment import admit_staff
    from appliance.board.posting import admit_through_hub

    opened = open_board(folder)
    root = unlock_root(opened, from_stdin)
    if new_passphrase_file:
        first = new_passphrase_file.read_text("utf-8").strip()
    else:
        first = ask_passphrase(f"{display_name} の最初の合言葉 / first passphrase", False, new=True)
    person, site = StaffMember(name, display_name, roles, Secret(first.encode())), site_here(where)
    if site is not None:
        admit_staff(root, site, [person])
    else:
        admit_through_hub(opened, root, where, [person])
    click.echo(f"{display_name}（{name}）: {', '.join(ROLE_NAMES[role] for role in roles)}")
    if site is None:
        click.echo(ON_ITS_WAY)
    return 0


@board.command()
@click.argument("restored", type=click.Path(path_type=Path))
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="the day to show (default: today in Japan)")
@passphrase_option
@click.pass_obj
def show(folder: Path, restored: Path, on: datetime | None, from_stdin: bool) -> int:
    """Show a day's attendance in a RESTORED folder: every entry with who made it when."""
    from appliance.commands.showing import show_restored
    from appliance.session import JST

    day = on.date() if on else datetime.now(JST).date()  # the school's day, whatever this machine's zone
    show_restored(open_board(folder), restored, day, from_stdin)
    return 0
