"""What the drop folder has to tell: how many files were taken, which ones were not and why.

Invariant: `run/inbox/told.json` names no file. A name there would be a title in clear; so it holds importance,
bytes, time, reason and an opaque number. The name itself stays only where it is: with the file in the drop folder.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from crypto.importance import Importance
from sync.atomic import atomic_write
from sync.clock import wall_ms
from sync.site import SitePaths

FOLDER: Final = "inbox"  # below `run`: on a box this process may write nowhere else beside what it seals
FILE: Final = "told.json"
MOST: Final = 200  # of what was not taken; the counts are of all


class NotTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was not taken. `folder` is I, II, III, IV, or empty for no label; `code` says why not."""

    id: str
    folder: str
    size: int
    since_ms: int
    code: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is told now.

    Counted since the first start of the worker: `taken`, `again` (changed after it was recorded, so it becomes two
    documents), `removed` (small files of file managers). Counted now: `waiting` for its end, `left` with the name
    of a program at work. `polling`: the kernel gives no events here.
    `counts` are all files not taken, by code. `problem` is a code that keeps everything waiting, or empty.
    """

    at_ms: int = 0
    taken: int = 0
    again: int = 0
    removed: int = 0
    waiting: int = 0
    left: int = 0
    problem: str = ""
    polling: bool = False
    counts: dict[str, int] = {}
    not_taken: tuple[NotTaken, ...] = ()


def folder_of(paths: SitePaths) -> Path:
    """Return the folder of this process's own files."""
    return paths.run / FOLDER


def read_told(paths: SitePaths) -> Told:
    """Return what was last told; nothing at all when there is no such file, or an unreadable one."""
    try:
        return msgspec.json.decode((folder_of(paths) / FILE).read_bytes(), type=Told)
    except (OSError, msgspec.DecodeError):
        return Told()


def write_told(paths: SitePaths, told: Told) -> None:
    """Write it down whole or not at all; offices show it, which on a box are other users."""
    own = folder_of(paths)
    own.mkdir(mode=0o700, exist_ok=True)
    atomic_write(own / FILE, msgspec.json.encode(told), mode=0o644, durable=False)


def opaque(stat: os.stat_result) -> str:
    """Return a short number of a file that tells nothing of it and stays the same while it stands there."""
    shape = f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"
    return hashlib.sha256(b"kurabako/inbox/v1" + shape.encode()).hexdigest()[:10]


class Ledger:
    """Gathers what one turn found, and remembers what was told of before."""

    def __init__(self, paths: SitePaths) -> None:
        self._paths = paths
        self._told = read_told(paths)
        self._since = {(entry.id, entry.code): entry.since_ms for entry in self._told.not_taken}
        self._found: dict[tuple[str, str], NotTaken] = {}

    @property
    def told(self) -> Told:
        """Return what was last told."""
        return self._told

    def refuse(self, stat: os.stat_result, importance: Importance, labelled: bool, code: str) -> bool:
        """Note a file that was not taken in this turn; return whether that is new."""
        key = (opaque(stat), code)
        new = key not in self._since
        since = self._since.setdefault(key, wall_ms())
        folder = importance.name if labelled else ""
        self._found[key] = NotTaken(id=key[0], folder=folder, size=stat.st_size, since_ms=since, code=code)
        return new

    def tell(self, *, polling: bool, problem: str, waiting: int, left: int, **more: int) -> None:
        """Write down what this turn found; `more` are added to the counts. Forgets what is no longer there."""
        found = sorted(self._found.values(), key=lambda entry: -entry.since_ms)
        told = Told(
            at_ms=wall_ms(),
            waiting=waiting,
            left=left,
            problem=problem,
            polling=polling,
            counts=_counted(entry.code for entry in found),
            not_taken=tuple(found[:MOST]),
            **{name: getattr(self._told, name) + more.get(name, 0) for name in ("taken", "again", "removed")},
        )
        if not problem:  # while nothing goes, a turn ends early: what it did not reach is not gone
            self._since = {key: self._since[key] for key in self._found}
        self._found = {}
        self._told = told
        with contextlib.suppress(OSError):  # a full disk: told again with the next turn
            write_told(self._paths, told)


def _counted(codes: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for code in codes:
        counts[code] = counts.get(code, 0) + 1
    return dict(sorted(counts.items()))
