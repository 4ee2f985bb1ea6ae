"""Where what was released is put: the one folder of the site, or one that was named.

Invariant: a file that stands there already is not touched, and what is written is what the gate handed over. The
folder is looked at before the gate is asked, so that nothing is written down as taken out that has no place to go.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.permits.gate import Released
from appliance.site import SiteFolder
from crypto.importance import Importance
from sync.atomic import atomic_write

_FOLDER: Final = "released"
SHARED: Final = 0o640
"""How a file in the site's own folder is readable: on a box also for those who fetch it for the office."""


class NoPlaceError(ApplianceError):
    """The folder for what is released is not there, cannot be written to, or is full; parameter `folder`."""

    code = "APP-273"


@dataclass(frozen=True, slots=True)
class HandedOut:
    """Where a released file lies, and in which class it is."""

    path: Path
    importance: Importance
    encrypted: bool


def place_of(site: SiteFolder) -> Path:
    """Return the folder into which this site releases, whether it is there or not."""
    return site.path / (site.config.office.released or _FOLDER)


def subfolder(folder: Path, name: str) -> Path:
    """Return a folder below the one for what is released, made with its rights; raises NoPlaceError."""
    _prepare(folder)
    below = folder / name
    try:
        if not below.is_dir():
            below.mkdir(mode=0o700, exist_ok=True)
            with contextlib.suppress(PermissionError):  # a unit may forbid setgid: there tmpfiles made it before
                below.chmod(folder.stat().st_mode & 0o7777)  # whoever fetches from the one fetches from the other
    except OSError as error:
        raise NoPlaceError(operation="release", subject=str(below), cause=error, folder=str(below)) from error
    return below


def hand_out(folder: Path, make: Callable[[], Released], mode: int = 0o600) -> HandedOut:
    """Make a file for release and put it into a folder, under a number of its own where the name is taken.

    Raises NoPlaceError, and what `make` raises.
    """
    _prepare(folder)
    released = make()
    try:
        path = _free(folder, released.name)
        try:
            atomic_write(path, released.data, mode=mode)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NoPlaceError(operation="release", subject=str(folder), cause=error, folder=str(folder)) from error
    return HandedOut(path, released.importance, released.encrypted)


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise NoPlaceError(operation="release", subject=str(folder), cause=error, folder=str(folder)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise NoPlaceError(operation="release", subject=str(folder), folder=str(folder))


def _free(folder: Path, name: str) -> Path:
    """Claim a name that nothing has yet: two who release at once get two files."""
    stem, dot, ending = name.partition(".")
    for number in count(1):
        path = folder / (name if number == 1 else f"{stem}-{number}{dot}{ending}")
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers never end")
