"""`kurabako board deposit | recover`: the board's folder in object storage, and on a bare machine again."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from appliance.board.folder import BoardFolder, open_board
from appliance.commands.asking import ask_passphrase, passphrase_option
from appliance.commands.unlocking import unlock_root
from appliance.exits import Exit
from appliance.messages import explain, language

if TYPE_CHECKING:
    from crypto.identity import Identity

_WORDS: Final = {
    "ja": {
        "made": "控えを保管先に置き、読み返しました（第{serial}号）。",
        "late": "注意  保管先の控えは前のままです: {sentence} [{code}]",
        "again": "      あとで kurabako board deposit を行ってください。",
        "board": "{name}  {fingerprint}",
        "from": "{at} の控えから、学校 {count}校の置き場所を取り戻しました。",
        "next": "すること  kurabako board --board {folder} restore --guided",
    },
    "en": {
        "made": "The deposit is in the store and was read back (number {serial}).",
        "late": "Note: the deposit in the store is still the former one: {sentence} [{code}]",
        "again": "      Run `kurabako board deposit` later.",
        "board": "{name}  {fingerprint}",
        "from": "From the deposit of {at}: the places of {count} schools are back.",
        "next": "To do: kurabako board --board {folder} restore --guided",
    },
}
_secret = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--endpoint", help="where the deposit goes, when it is named for the first time or anew")
@click.option("--bucket")
@click.option("--region", default="us-east-1", show_default=True)
@click.option("--access-key", help="the key pair that writes it")
@click.option("--secret-key-file", type=_secret)
@click.option("--read-access-key", help="the key pair that officers' media carry: one that only reads")
@click.option("--read-secret-key-file", type=_secret)
@passphrase_option
@click.pass_obj
def deposit(
    folder: Path,
    endpoint: str | None,
    bucket: str | None,
    region: str,
    access_key: str | None,
    secret_key_file: Path | None,
    read_access_key: str | None,
    read_secret_key_file: Path | None,
    from_stdin: bool,
) -> int:
    """Put into object storage, sealed, what a bare machine and two officers need to become the board again.

    Afterwards `enrol`, `replace` and every change of the officers renew it by themselves.
    """
    from appliance.board.depositing import deposit_place, keep_deposit_place, make_deposit
    from appliance.board.officerkey import DepositPlace

    board = open_board(folder)
    if endpoint or bucket or access_key or secret_key_file:
        if not (endpoint and bucket and access_key and secret_key_file):
            raise click.UsageError("--endpoint, --bucket, --access-key and --secret-key-file go together")
        reading = read_secret_key_file.read_text("utf-8").strip() if read_secret_key_file else ""
        if bool(reading) != bool(read_access_key):
            raise click.UsageError("--read-access-key and --read-secret-key-file go together")
        secret = secret_key_file.read_text("utf-8").strip()
        place = DepositPlace(endpoint, bucket, region, access_key, secret, read_access_key or "", reading)
        keep_deposit_place(board, place)
    deposit_place(board)
    made = make_deposit(board, unlock_root(board, from_stdin))
    click.echo(_WORDS[language()]["made"].format(serial=made.serial))
    return Exit.OK


@click.command()
@click.option(
    "--officer-key",
    "media",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="an officer's medium or the file on it; twice, one for each of two officers",
)
@passphrase_option
@click.pass_obj
def recover(folder: Path, media: tuple[Path, ...], from_stdin: bool) -> int:
    """Make the board's folder on a machine that has none, from object storage and two officers' media.

    Asks each officer's passphrase (from stdin: a line each). One officer alone opens nothing.
    """
    from appliance.board.officerkey import read_officer_key
    from appliance.board.recovery import recover_board
    from appliance.board.restorereport import shown_time

    if len(media) != 2:
        raise click.UsageError("--officer-key twice: two officers open this together")
    one, other = (read_officer_key(medium) for medium in media)

    def ask(name: str) -> str:
        return ask_passphrase(f"{name} の合言葉 / passphrase", from_stdin)

    made, words = recover_board(folder, one, other, ask), _WORDS[language()]
    click.echo(words["board"].format(name=made.board.name, fingerprint=made.board.root.fingerprint))
    click.echo(words["from"].format(at=shown_time(made.made_ms), count=len(made.board.schools)))
    click.echo(words["next"].format(folder=folder))
    return Exit.OK


@click.command("take-up")
@click.argument("school")
@passphrase_option
@click.pass_obj
def take_up(folder: Path, school: str, from_stdin: bool) -> int:
    """Bring the hub of SCHOOL back on a machine that became the board, out of object storage.

    Only when the board's former machine will never run again: one hub on two machines would contradict itself.
    """
    from appliance.board.restorereport import report_lines
    from appliance.board.takeup import take_up_hub
    from appliance.commands.progress import Progress
    from appliance.commands.restore import STAGES

    board = open_board(folder)
    root = unlock_root(board, from_stdin)
    with Progress(STAGES["fetch"]) as progress:

        def stage(name: str, done: int, total: int) -> None:
            progress.relabel(STAGES[name])
            progress(done, total)

        report = take_up_hub(board, root, school, stage)
    for line in report_lines(report, None):
        click.echo(line)
    return Exit.OK if report.complete else Exit.INCOMPLETE


def renew_deposit(board: BoardFolder, root: "Identity") -> None:
    """Renew the deposit after a change, where the board has one; what keeps it from that is told, not raised."""
    from appliance.board.depositing import PLACE_FILE, make_deposit
    from appliance.board.officers import OfficerCountError
    from sync.errors import StoreRefusedError, StoreUnreachableError

    if not (board.path / PLACE_FILE).exists():
        return
    try:
        make_deposit(board, root)
    except (OfficerCountError, StoreRefusedError, StoreUnreachableError) as error:
        told, words = explain(error), _WORDS[language()]
        click.echo(words["late"].format(sentence=told.sentence, code=told.code), err=True)
        click.echo(words["again"], err=True)
