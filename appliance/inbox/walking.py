"""Walking the drop folder by descriptors, so that no folder of it can be swapped for a link on the way.

Invariant: every name is looked up in a folder that is already open, and no link is ever followed: whoever may
write into the drop folder cannot make the worker read or remove anything outside of it.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.inbox.folders import LEAVING

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe must not wait for its other end.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LEAVING_DEPTH: Final = 2


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is no folder: `where` are the folders from the drop folder on, as bytes, then its name."""

    where: tuple[bytes, ...]
    name: bytes
    stat: os.stat_result

    @property
    def folders(self) -> tuple[bytes, ...]:
        """Return the folders that somebody put it into, also when it is on its way out."""
        return self.where[_LEAVING_DEPTH:] if self.leaving else self.where

    @property
    def leaving(self) -> bool:
        """Say whether it was moved out of sight, to be removed."""
        return self.where[:1] == (LEAVING,)

    @property
    def plain(self) -> bool:
        """Say whether it is a plain file."""
        return stat.S_ISREG(self.stat.st_mode)


def walk(root: int) -> Iterator[Found]:
    """Give everything below an open folder that is no folder; what vanishes meanwhile is passed over."""
    waiting: list[tuple[bytes, ...]] = [()]
    while waiting:
        where = waiting.pop()
        with contextlib.suppress(OSError), folder(root, where) as opened:
            for name in sorted(map(os.fsencode, os.listdir(opened))):
                try:
                    found = Found(where, name, os.stat(name, dir_fd=opened, follow_symlinks=False))
                except OSError:
                    continue
                if stat.S_ISDIR(found.stat.st_mode):
                    waiting.append((*where, name))
                else:
                    yield found


@contextlib.contextmanager
def folder(root: int, where: tuple[bytes, ...]) -> Iterator[int]:
    """Lend a descriptor of a folder below an open one; raises OSError, also for a link."""
    opened = os.dup(root)
    try:
        for name in where:
            below = os.open(name, _FOLDER, dir_fd=opened)
            os.close(opened)
            opened = below
        yield opened
    finally:
        os.close(opened)


@contextlib.contextmanager
def file(root: int, found: Found) -> Iterator[int]:
    """Lend a descriptor of the very file that was found; raises OSError, FileNotFoundError for another one."""
    with folder(root, found.where) as opened:
        descriptor = os.open(found.name, _FILE, dir_fd=opened)
    try:
        if not os.path.samestat(os.fstat(descriptor), found.stat):
            raise FileNotFoundError("another file has its name now")
        yield descriptor
    finally:
        os.close(descriptor)


def move_out(root: int, found: Found) -> Found:
    """Move a file out of sight, into a folder of its own below `.leaving`; durable on return. Raises OSError.

    Nobody finds it by its path any more. If another file got its name in between, that one is moved: look.
    """
    if found.leaving:
        return found
    where = (LEAVING, secrets.token_hex(8).encode(), *found.where)
    with folder(root, found.where) as old, _made(root, where) as new:
        os.rename(found.name, found.name, src_dir_fd=old, dst_dir_fd=new)
        moved = Found(where, found.name, os.stat(found.name, dir_fd=new, follow_symlinks=False))
        os.fsync(new)
        os.fsync(old)
    return moved


def remove(root: int, found: Found) -> None:
    """Remove a file, durable on return, and the folders that `move_out` made for it; raises OSError."""
    with folder(root, found.where) as opened:
        os.unlink(found.name, dir_fd=opened)
        os.fsync(opened)
    if found.leaving:
        tidy(root, found.where)


def tidy(root: int, where: tuple[bytes, ...]) -> None:
    """Remove empty folders, innermost first, up to `.leaving` itself."""
    for depth in range(len(where), _LEAVING_DEPTH - 1, -1):
        with contextlib.suppress(OSError), folder(root, where[: depth - 1]) as above:
            os.rmdir(where[depth - 1], dir_fd=above)


@contextlib.contextmanager
def _made(root: int, where: tuple[bytes, ...]) -> Iterator[int]:
    """Make the folders of a path, owner only, durably, and lend the last."""
    for depth, name in enumerate(where):
        with folder(root, where[:depth]) as above, contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=above)
            os.fsync(above)
    with folder(root, where) as opened:
        yield opened


def sweep(root: int) -> None:
    """Remove the empty folders that a killed worker left below `.leaving`."""
    with contextlib.suppress(OSError):
        for _, folders, _, opened in os.fwalk(LEAVING, topdown=False, dir_fd=root, follow_symlinks=False):
            for name in folders:
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=opened)
