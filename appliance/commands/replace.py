"""`kurabako board replace | renew`: another box for a school, another passphrase for a person."""

from pathlib import Path

import click

from appliance.board.folder import open_board
from appliance.board.restorereport import report_lines
from appliance.commands.asking import (
    ON_ITS_WAY,
    ask_passphrase,
    box_key,
    box_key_options,
    passphrase_option,
    site_here,
)
from appliance.commands.deposit import renew_deposit
from appliance.commands.granting import answer_replacement, read_request_file, request_options
from appliance.commands.progress import Progress
from appliance.commands.restore import STAGES
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit


@click.command()
@click.argument("school")
@click.option("--site", type=click.Path(path_type=Path), help="the new box's folder, where it is this machine")
@request_options
@click.option(
    "--slips", type=click.Path(path_type=Path), help="file for the first passphrases (default: SITE.slips)"
)
@box_key_options
@passphrase_option
@click.pass_obj
def replace(
    folder: Path,
    school: str,
    site: Path | None,
    request: Path | None,
    code: str | None,
    out: Path | None,
    slips: Path | None,
    box_access_key: str | None,
    box_secret_key_file: Path | None,
    from_stdin: bool,
) -> int:
    """Make the next box of SCHOOL: grant, restore, proof, new keys for everybody who works there.

    The first passphrases are written to a file of mode 0600, to be cut up and handed out, then removed. Withdraw
    the old box's key pair at the object store. With --request the box is elsewhere and made its own keys: a grant
    file for it is written instead of a site. Exit code 3 when something is known to be missing.
    """
    from appliance.board.replacement import Replacement, replace_box
    from appliance.board.stafffile import write_slips

    if (site is None) == (request is None):
        raise click.UsageError("--site or --request")
    opened, key = open_board(folder), box_key(box_access_key, box_secret_key_file)
    root = unlock_root(opened, from_stdin)
    if site is None:
        done = answer_replacement(opened, root, school, key, read_request_file(request, code), out, slips)
        renew_deposit(opened, root)
        return done
    wanted = Replacement(school, site, key)
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        made = replace_box(opened, root, wanted, stage)
    paper = slips or site.with_name(f"{site.name}.slips")
    write_slips(paper, made.passphrases)
    renew_deposit(opened, root)
    for line in report_lines(made.restored, None):
        click.echo(line)
    click.echo(
        f"新しい箱  {made.paths.root}（{made.origin.epoch}代目、検証 合格、記録 {made.verified.changes}件）"
    )
    click.echo(f"合言葉    {len(made.passphrases)}人分を {paper} に書きました。配り終えたら消してください。")
    click.echo("すること  古い箱の鍵（オブジェクト保管先）を無効にしてください。")
    click.echo(
        "          古い箱が見つかったら、kurabako segments export の結果を board import-orphans で取り込みます。"
    )
    return Exit.OK if made.restored.complete else Exit.INCOMPLETE


@click.command()
@click.argument("where", metavar="SCHOOL|SITE")
@click.option("--login", "name", required=True)
@click.option("--new-passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@passphrase_option
@click.pass_obj
def renew(folder: Path, where: str, name: str, new_passphrase_file: Path | None, from_stdin: bool) -> int:
    """Give a person new keys under a new passphrase, for one that was lost.

    At SCHOOL, wherever its box is, or at a SITE on this machine.
    """
    from appliance.board.enrolment import renew_staff
    from appliance.board.posting import renew_through_hub
    from crypto.secret import Secret

    opened, site = open_board(folder), site_here(where)
    root = unlock_root(opened, from_stdin)
    if new_passphrase_file:
        words = new_passphrase_file.read_text("utf-8").strip()
    else:
        words = ask_passphrase(f"{name} の新しい合言葉 / new passphrase", False, new=True)
    if site is not None:
        done = renew_staff(root, site, lambda _: Secret(words.encode()), logins=[name])
    else:
        done = renew_through_hub(opened, root, where, lambda _: Secret(words.encode()), [name])
    click.echo(f"{name}: 新しい合言葉で入れます。" if done else f"{name}: この利用者はいません。")
    if done and site is None:
        click.echo(ON_ITS_WAY)
    return Exit.OK if done else Exit.USAGE
