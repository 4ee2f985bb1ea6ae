"""Opening the office screen on a site.

Invariant: this module owns the terminal while the screen runs, and the exit code afterwards; when the seat is
left, the screen goes on in this process's place with a memory that never held a key.
"""

import os
import sys
import termios
from pathlib import Path

from appliance.audit import CAME_FROM
from appliance.errors import ApplianceError
from appliance.site import open_site
from tui import pauses
from tui.app import RENEWED, OfficeApp


class NoTerminalError(ApplianceError):
    """There is no terminal to draw on: a pipe, or SSH without -t."""

    code = "APP-441"


def require_terminal() -> None:
    """Raise NoTerminalError where nothing could be drawn, instead of waiting for ever; a browser draws itself."""
    if not os.environ.get("TEXTUAL_DRIVER") and not sys.stdin.isatty():
        raise NoTerminalError(operation="open screen")


def run(site_dir: Path, locked: str = "", only: str = "", came_from: str = "") -> int:
    """Run the screen until somebody leaves; return the exit code. `locked` is the login of who left the seat.

    With `only` nobody but that login gets in; `came_from` is told in the audit record.

    Raises NoTerminalError.
    """
    require_terminal()
    site = open_site(site_dir)
    if came_from:
        os.environ[CAME_FROM] = came_from
    pictures, name = site.config.office.pictures, site.config.site.name
    app = OfficeApp(site.path, name, locked, renews=True, pictures=pictures, only=only)
    pauses.keep_out_of_the_way()
    try:
        code = app.run()
    finally:
        app.door.close()
    if code == RENEWED and os.environ.get("TEXTUAL_DRIVER"):
        return 0  # in a browser: the page says that it ended, and a new one is a new process
    if code == RENEWED:
        _echo(False)  # what is typed before the new screen is there is most likely a passphrase
        command = ["-P", "-m", "appliance.cli", "office", str(site_dir), "--locked", app.login_name]
        os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - ourselves, with fixed words
    if locked:
        _echo(True)
    return code if code is not None else app.return_code or 0


def _echo(on: bool) -> None:
    """Let the terminal show what is typed, or not."""
    try:
        told = termios.tcgetattr(0)
        told[3] = told[3] | termios.ECHO if on else told[3] & ~termios.ECHO
        termios.tcsetattr(0, termios.TCSADRAIN, told)
    except termios.error:
        return  # no terminal: nothing is shown there
