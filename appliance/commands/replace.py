"""`kurabako board replace | renew`: another box for a school, another passphrase for a person."""

import os
from pathlib import Path

import click

from appliance.board.folder import open_board
from appliance.board.restorereport import report_lines
from appliance.commands.asking import ask_passphrase, box_key, box_key_options, passphrase_option
from appliance.commands.progress import Progress
from appliance.commands.restore import STAGES
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit


@click.command()
@click.argument("school")
@click.option("--site", type=click.Path(path_type=Path), required=True, help="the new box's folder")
@click.option(
    "--slips", type=click.Path(path_type=Path), help="file for the first passphrases (default: SITE.slips)"
)
@box_key_options
@passphrase_option
@click.pass_obj
def replace(
    folder: Path,
    school: str,
    site: Path,
    slips: Path | None,
    box_access_key: str | None,
    box_secret_key_file: Path | None,
    from_stdin: bool,
) -> int:
    """Make the next box of SCHOOL: grant, restore, proof, new keys for everybody who works there.

    The first passphrases are written to a file of mode 0600, to be cut up and handed out, then removed. Withdraw
    the old box's key pair at the object store. Exit code 3 when something is known to be missing.
    """
    from appliance.board.replacement import Replacement, replace_box

    opened = open_board(folder)
    root = unlock_root(opened, from_stdin)
    wanted = Replacement(school, site, box_key(box_access_key, box_secret_key_file))
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        made = replace_box(opened, root, wanted, stage)
    paper = slips or site.with_name(f"{site.name}.slips")
    with os.fdopen(os.open(paper, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{login}\t{words}\n" for login, words in sorted(made.passphrases.items()))
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
@click.argument("site", type=click.Path(path_type=Path))
@click.option("--login", "name", required=True)
@click.option("--new-passphrase-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@passphrase_option
@click.pass_obj
def renew(folder: Path, site: Path, name: str, new_passphrase_file: Path | None, from_stdin: bool) -> int:
    """Give a person at SITE new keys under a new first passphrase: for one that was lost."""
    from appliance.board.enrolment import renew_staff
    from crypto.secret import Secret

    root = unlock_root(open_board(folder), from_stdin)
    if new_passphrase_file:
        words = new_passphrase_file.read_text("utf-8").strip()
    else:
        words = ask_passphrase(f"{name} の新しい合言葉 / new passphrase", False, new=True)
    done = renew_staff(root, site, lambda _: Secret(words.encode()), logins=[name])
    click.echo(f"{name}: 新しい合言葉で入れます。" if done else f"{name}: この利用者はいません。")
    return Exit.OK if done else Exit.USAGE
