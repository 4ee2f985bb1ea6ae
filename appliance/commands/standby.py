"""`kurabako board standby` and `kurabako standby`: a school's office from elsewhere, in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.board.folder import open_board
from appliance.board.restorereport import report_lines
from appliance.commands.asking import box_key, box_key_options, passphrase_option
from appliance.commands.deposit import renew_deposit
from appliance.commands.progress import Progress
from appliance.commands.restore import STAGES
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.board.replacement import Replaced
    from appliance.board.standby import Standby

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OPTIONS = (
    click.option(
        "--site", "site", required=True, type=click.Path(path_type=Path), help="the standby's new folder"
    ),
    click.option("--host", required=True, help="the name under which browsers find it"),
    click.option("--port", type=click.IntRange(1, 65535), default=443, show_default=True),
    click.option("--certificate", required=True, type=_FILE, help="its TLS certificate with the chain, PEM"),
    click.option("--tls-key-file", required=True, type=_FILE, help="the key of that certificate"),
    click.option("--issuer", required=True, help="the OpenID provider that knows the board's people"),
    click.option("--client-id", required=True, help="what the provider calls this standby"),
    click.option("--client-secret-file", required=True, type=_FILE),
    click.option("--claim", default="preferred_username", show_default=True, help="what of it is the login here"),
    click.option("--domain", default="", help="the claim ends in @DOMAIN, which is taken off"),
    click.option("--device-ca", type=_FILE, help="only devices with a certificate of this authority get in"),
    click.option("--device-crl", type=_FILE, help="certificates of it that were revoked"),
    click.option("--slips", type=click.Path(path_type=Path), help="file for first passphrases (SITE.slips)"),
)


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("standby")
@click.argument("school")
@_with_options
@box_key_options
@passphrase_option
@click.pass_obj
def board_standby(folder: Path, /, school: str, **given: Any) -> int:
    """Bring SCHOOL up at the board, as its next box, for people at home or in a shelter.

    Like `replace`: grant, restore, proof, new keys for everybody who works there, first passphrases to hand out.
    Then `kurabako standby SITE` serves it. Exit code 3 when something is known to be missing.
    """
    from appliance.board.stafffile import write_slips
    from appliance.board.standby import make_standby

    board, wanted = open_board(folder), _wanted(school, given)
    root = unlock_root(board, given["from_stdin"])
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        made = make_standby(board, root, wanted, stage)
    paper = given["slips"] or wanted.site_dir.with_name(f"{wanted.site_dir.name}.slips")
    write_slips(paper, made.passphrases)
    renew_deposit(board, root)
    for line in [*report_lines(made.restored, None), *_next_lines(made, paper, wanted.section.url)]:
        click.echo(line)
    return Exit.OK if made.restored.complete else Exit.INCOMPLETE


def _wanted(school: str, given: dict[str, Any]) -> "Standby":
    """Read every file that was named, before anything is changed; raises UsageError."""
    from appliance.board.standby import Standby
    from appliance.standby.section import StandbySection
    from crypto.secret import Secret

    names = ("host", "port", "issuer", "client_id", "claim", "domain")
    try:
        section = StandbySection(**{name: given[name] for name in names}, devices=given["device_ca"] is not None)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
    return Standby(
        school,
        given["site"],
        section,
        given["certificate"].read_bytes(),
        Secret(given["tls_key_file"].read_bytes()),
        Secret(given["client_secret_file"].read_text("utf-8").strip().encode()),
        given["device_ca"].read_bytes() if given["device_ca"] else b"",
        given["device_crl"].read_bytes() if given["device_crl"] else b"",
        box_key(given["box_access_key"], given["box_secret_key_file"]),
    )


def _next_lines(made: "Replaced", paper: Path, url: str) -> list[str]:
    count = len(made.passphrases)
    return [
        f"代わりの職員室  {made.paths.root}（{made.origin.epoch}代目、検証 合格）",
        f"合言葉    {count}人分を {paper} に書きました。配り終えたら消してください。",
        f"すること  kurabako standby {made.paths.root}  → {url}",
        "          学校の箱が戻ったら、送れていない記録を board import-orphans で取り込みます。",
    ]


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
def standby(site: Path) -> int:
    """Run the standby at SITE until Ctrl-C or SIGTERM: the site, its office, and the proxy before it."""
    from appliance.commands.serve import run_site
    from appliance.site import open_site
    from appliance.standby.serving import serving_office

    folder = open_site(site)
    with serving_office(folder) as url:
        click.echo(url)
        run_site(folder)
    return Exit.OK
