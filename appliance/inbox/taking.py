"""What is being taken, noted in `local.db` before the record is kept: a kill in between makes no second document.

Invariant: a note stands from before a record of its file can exist until after the plain file is gone. It names
the document's id, so whether the record was kept is seen in the log itself, by a process that can open nothing.
"""

import os
from collections.abc import Collection
from typing import Final, Protocol

import msgspec

from sync.clock import wall_ms

SPACE: Final = "inbox"


class Notes(Protocol):
    """What is needed of a keeper."""

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value that never leaves the box."""
        ...

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value that never leaves the box."""
        ...

    def local_keys(self, space: str) -> tuple[str, ...]:
        """Return the keys of a space."""
        ...


class Taking(msgspec.Struct, frozen=True, array_like=True):
    """A file that is being taken, as it was read, and the document that it becomes (16 bytes).

    `recorded`: its record and its entry in the audit record are kept; what is left is to remove the plain file.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: bytes
    document: bytes
    importance: int
    recorded: bool = False
    at_ms: int = 0

    @property
    def key(self) -> str:
        """Return the key of its note; without the device, whose number may be another after a restart."""
        return key_of(self.inode, self.mtime_ns)

    @property
    def shape(self) -> tuple[int, int, bytes]:
        """Return what must still be so when the plain file is removed."""
        return self.size, self.mtime_ns, self.sha256

    def same_as(self, other: "Taking") -> bool:
        """Say whether the other is the very same file with the very same bytes.

        Before it was recorded, what was sealed might have been other bytes for a moment: then the time of its last
        change of any kind, which nobody can set, must be the same too.
        """
        if (self.inode, self.shape, self.importance) != (other.inode, other.shape, other.importance):
            return False
        return self.recorded or self.ctime_ns == other.ctime_ns


def key_of(inode: int, mtime_ns: int) -> str:
    """Return the key under which a file is noted."""
    return f"{inode:x}-{mtime_ns:x}"


def noted(notes: Notes, key: str) -> Taking | None:
    """Return what is noted of a file."""
    try:
        raw = notes.local_get(SPACE, key)
        return msgspec.msgpack.decode(raw, type=Taking) if raw else None
    except msgspec.DecodeError:  # of another version: at worst its file becomes a second document
        return None


def note(notes: Notes, taking: Taking) -> None:
    """Write down what is being taken; durable on return."""
    notes.local_put(SPACE, taking.key, msgspec.msgpack.encode(taking))


def forget(notes: Notes, taking: Taking) -> None:
    """Remove the note of a file that is gone."""
    notes.local_put(SPACE, taking.key, None)


def forget_gone(notes: Notes, present: Collection[str]) -> int:
    """Remove the notes of files that are no longer there; return how many."""
    gone = [key for key in notes.local_keys(SPACE) if key not in present]
    for key in gone:
        notes.local_put(SPACE, key, None)
    return len(gone)


def now_taking(stat: os.stat_result, sha256: bytes, document: bytes, importance: int) -> Taking:
    """Return a note of a file as it was just read."""
    shape = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return Taking(*shape, sha256, document, importance, at_ms=wall_ms())
