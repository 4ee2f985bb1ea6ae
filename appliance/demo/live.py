"""The demo school to work with: the office screen over a site with everything embedded.

Invariant: `kurabako demo line cut` in another terminal really cuts the line of this demo, and nothing else.
"""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import click

from appliance.demo.city import BOARD_PASSPHRASE, PASSPHRASE, STAFF, DemoCity
from appliance.errors import ApplianceError
from appliance.people import ROLE_NAMES

_LINE: Final = "line"


class NoDemoError(ApplianceError):
    """No demo runs in this folder."""

    code = "APP-015"


def run_office(folder: Path) -> int:
    """Start everything, open the screen, stop everything."""
    city = DemoCity(folder)
    ended = threading.Event()
    try:
        click.echo("デモの学校を始めます / starting the demo school …", err=True)
        city.start()
        if not city.made:
            city.make(lambda text: click.echo(f"  {text}", err=True))
        else:
            city.open_today()
        _follow(city, ended)
        for line in welcome(folder):
            click.echo(line, err=True)
        click.pause("Enter で画面を開きます / press Enter to open the screen")
        screen = [sys.executable, "-P", "-m", "appliance.cli", "office", str(city.site)]
        return subprocess.run(screen, check=False).returncode  # of its own: a lock replaces the process
    finally:
        ended.set()
        (city.folder / _LINE).unlink(missing_ok=True)
        city.stop()


def welcome(folder: Path) -> list[str]:
    """Return what somebody needs to begin."""
    people = "  ".join(f"{login}={ROLE_NAMES[role]} {shown}" for login, shown, role in STAFF)
    return [
        "",
        f"利用者 / logins: {people}",
        f"合言葉 / passphrase: {PASSPHRASE}",
        "線を切る / cut the line (another terminal):  .venv/bin/kurabako demo line cut",
        "線を戻す / mend it:                          .venv/bin/kurabako demo line mend",
        f"教育委員会 / board: --board {folder}/board, passphrase {BOARD_PASSPHRASE}",
        "",
    ]


def set_line(folder: Path, state: str) -> None:
    """Ask the running demo to cut or mend its line; raises NoDemoError."""
    if not (folder / _LINE).exists():
        raise NoDemoError(operation="change line", subject=str(folder), folder=str(folder))
    (folder / _LINE).write_text(state)


def _follow(city: DemoCity, ended: threading.Event) -> None:
    file = city.folder / _LINE
    file.write_text("mend")

    def follow() -> None:
        shown = "mend"
        while not ended.wait(0.2):
            try:
                wanted = file.read_text()
            except FileNotFoundError:
                continue
            if wanted != shown and city.line is not None:
                shown = wanted
                city.line.cut() if wanted == "cut" else city.line.mend()

    threading.Thread(target=follow, name="line-control", daemon=True).start()
