"""When a file is whole: its bytes rested for a while, and nobody holds it open for writing.

Invariant: rest alone never counts where the kernel can say whether there is a writer: a copy that hangs for an
hour is still a copy. Where it cannot say (a file of another user, some file systems), the rest must last far
longer. (Events tell when to look, not what is true: they are lost while nobody listens, and at an overflow.)
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

FileId = tuple[int, int]
_SHOWN_FDS: Final = "/proc"
_WRITES: Final = os.O_WRONLY | os.O_RDWR


class Writer(Enum):
    """Whether somebody holds a file open for writing."""

    NONE = auto()
    SOME = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Quiet:
    """How long a file must rest, in seconds; `unsure_s` where it is unknown whether somebody writes it.

    After `long_s` a file that somebody still writes is told of.
    """

    rest_s: float = 2.0
    unsure_s: float = 30.0
    long_s: float = 600.0


@dataclass(slots=True)
class _Seen:
    shape: tuple[int, int]
    first: float
    since: float


class Rest:
    """Remembers since when files have not changed."""

    def __init__(self, quiet: Quiet, now: Callable[[], float] = time.monotonic) -> None:
        self._quiet, self._now = quiet, now
        self._seen: dict[FileId, _Seen] = {}

    def left_s(self, stat: os.stat_result, writer: Writer = Writer.NONE) -> float:
        """Return how many seconds a file has still to rest, 0 when it has; looking again starts nothing anew."""
        now, shape = self._now(), (stat.st_size, stat.st_mtime_ns)
        seen = self._seen.setdefault((stat.st_dev, stat.st_ino), _Seen(shape, now, now))
        if seen.shape != shape:
            seen.shape, seen.since = shape, now
        wanted = self._quiet.unsure_s if writer is Writer.UNKNOWN else self._quiet.rest_s
        return max(0.0, seen.since + wanted - now)

    def long(self, stat: os.stat_result) -> bool:
        """Say whether a file has been here, unfinished, for so long that it is told of."""
        seen = self._seen.get((stat.st_dev, stat.st_ino))
        return seen is not None and self._now() - seen.first > self._quiet.long_s

    def again(self, stat: os.stat_result) -> None:
        """Have a file rest from the begin: it changed under the hands of the worker."""
        seen = self._seen.get((stat.st_dev, stat.st_ino))
        if seen is not None:
            seen.since = self._now()

    def keep_only(self, present: Collection[FileId]) -> None:
        """Forget the files that are gone: their numbers are given to others."""
        for gone in self._seen.keys() - set(present):
            del self._seen[gone]


def writer_of(descriptor: int) -> Writer:
    """Say whether somebody else has the file of a read-only descriptor open for writing, or mapped so."""
    try:
        with held(descriptor):
            return Writer.NONE
    except BlockingIOError:
        return Writer.SOME
    except OSError:  # not our file and no CAP_LEASE, or a file system without leases
        return _shown_writer(os.fstat(descriptor))


@contextlib.contextmanager
def held(descriptor: int) -> Iterator[None]:
    """Hold a read lease: whoever opens the file for writing meanwhile waits, and `wanted` says so.

    Raises BlockingIOError while somebody has it open for writing, OSError where there are no leases.
    """
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, 0)  # else whoever wants it kills this process with SIGIO
        yield
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def wanted(descriptor: int) -> bool:
    """Say whether somebody waits for the file of a held descriptor."""
    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK


def _shown_writer(stat: os.stat_result) -> Writer:
    """Look at the open files of every process that may be looked at; who may look everywhere is sure."""
    sure = os.geteuid() == 0
    for process in os.listdir(_SHOWN_FDS):
        if not process.isdigit():
            continue
        try:
            numbers = os.listdir(f"{_SHOWN_FDS}/{process}/fd")
        except PermissionError:
            sure = False
            continue
        except OSError:  # it ended
            continue
        if any(_writes(process, number, stat) for number in numbers):
            return Writer.SOME
    return Writer.NONE if sure and os.path.exists(f"{_SHOWN_FDS}/1") else Writer.UNKNOWN


def _writes(process: str, number: str, stat: os.stat_result) -> bool:
    try:
        other = os.stat(f"{_SHOWN_FDS}/{process}/fd/{number}")
        if (other.st_dev, other.st_ino) != (stat.st_dev, stat.st_ino):
            return False
        with open(f"{_SHOWN_FDS}/{process}/fdinfo/{number}", encoding="ascii") as shown:
            flags = next(line for line in shown if line.startswith("flags:"))
        return bool(int(flags.split()[1], 8) & _WRITES)
    except (OSError, StopIteration, ValueError):
        return False
