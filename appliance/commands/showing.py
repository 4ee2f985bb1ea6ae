"""Opening what was restored and showing a day of it, for `board show` and the guided restore."""

from datetime import date
from pathlib import Path

import click

from appliance.board.folder import BoardFolder
from appliance.commands.unlocking import unlock_root


def show_restored(board: BoardFolder, restored: Path, day: date, from_stdin: bool) -> None:
    """Ask for what opens the root and print a day's attendance; raises what unlocking raises."""
    from appliance.board.attendance import attendance_lines
    from appliance.board.restored import open_restored

    root = unlock_root(board, from_stdin)
    store = open_restored(restored, root)
    try:
        for line in attendance_lines(store, root.sign.verify_key, day):
            click.echo(line)
    finally:
        store.close()
