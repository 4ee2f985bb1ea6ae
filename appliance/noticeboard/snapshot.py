"""What was released to the noticeboard: one file in a folder, all that its keyless process ever reads.

Invariant: the file holds notices of importance IV and nothing else; it appears whole or not at all, and what does
not read as such a file is as if there were none. Reading follows no link and takes at most `LARGEST` bytes.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

import msgspec

from sync.atomic import atomic_write

FILE: Final = "released.json"
LOCK: Final = ".lock"
LARGEST: Final = 1 << 20
VERSION: Final = 1


class PostedNotice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notice as it was released. `notice` is its record, `change` the very change (both hexadecimal)."""

    notice: str
    change: str
    title: str
    body: str
    first: date
    until: date
    section: str
    audience: str
    urgent: bool
    importance: Literal["IV"] = "IV"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that was released; `at_ms` is when (ms since 1970)."""

    school: str
    at_ms: int
    notices: tuple[PostedNotice, ...]
    version: Literal[1] = VERSION


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one file of a folder from the next one."""

    inode: int
    modified_ns: int
    size: int


def stamp_of(folder: Path) -> Stamp | None:
    """Return the stamp of a folder's file, None where there is none."""
    try:
        told = os.stat(folder / FILE, follow_symlinks=False)
    except OSError:
        return None
    return Stamp(told.st_ino, told.st_mtime_ns, told.st_size)


def read_snapshot(folder: Path) -> Snapshot | None:
    """Return what was released, None where there is nothing that reads as it should."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(folder / FILE, flags), "rb") as file:
            told = os.fstat(file.fileno())
            if not stat.S_ISREG(told.st_mode) or told.st_size > LARGEST:
                return None
            return msgspec.json.decode(file.read(LARGEST), type=Snapshot)
    except (OSError, ValueError):  # ValueError: JSON, its shape and UTF-8
        return None


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Replace what was released; raises OSError, ValueError where it is too large."""
    data = msgspec.json.encode(snapshot)
    if len(data) > LARGEST:
        raise ValueError(f"{len(data)} bytes")
    atomic_write(folder / FILE, data, mode=0o640)  # the group of the folder is the keyless process's


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Let one session at a time change what was released."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
