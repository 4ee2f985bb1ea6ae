"""The ballot box: a folder of this site in which answers without a name wait until they can be mixed.

Invariant: a ballot and the mark that somebody answered are files of their own that name nothing of each other; a
ballot's name is random and its time is nobody's. Both are on disk for good before the answer counts as kept. The
folder never leaves the site: what leaves is what `counting` mixed.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sync.atomic import atomic_write, sync_folder
from sync.site import SitePaths

FOLDER: Final = "ballots"
_FILE: Final = 0o660  # the office puts it in, the process that counts takes it out
_NAME: Final = re.compile(r"([0-9a-f]{32})\.(until|b-[0-9a-f]{32}|v-[0-9a-f]{32})")
_LARGEST: Final = 64 * 1024


@dataclass(slots=True)
class Waiting:
    """What waits for one questionnaire: ballots, who answered, and when it closes (ms since 1970)."""

    survey: str
    until_ms: int
    ballots: list[Path] = field(default_factory=list)
    voters: list[Path] = field(default_factory=list)


class BallotBox:
    """The ballot box of a site. One folder, no folders in it: its group is what its files get."""

    def __init__(self, paths: SitePaths) -> None:
        self._folder = paths.root / FOLDER

    def open_for(self, survey: str, until_ms: int) -> None:
        """See that a questionnaire has a place here, and say when it closes; raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path, text = self._folder / f"{survey}.until", str(until_ms).encode()
        if not path.exists() or path.read_bytes() != text:
            atomic_write(path, text, mode=_FILE)

    def put(self, survey: str, voter: str, ballot: bytes) -> None:
        """Put a ballot in and mark that its voter answered; raises OSError. On return both are on disk."""
        for name, data in ((f"b-{os.urandom(16).hex()}", ballot), (f"v-{voter}", b"")):
            path = self._folder / f"{survey}.{name}"
            atomic_write(path, data, mode=_FILE)
            os.utime(path, ns=(0, 0))

    def voted(self, survey: str, voter: str) -> bool:
        """Say whether somebody's mark waits here."""
        return (self._folder / f"{survey}.v-{voter}").exists()

    def waiting(self) -> Iterator[Waiting]:
        """Yield what waits, by questionnaire; files that are none of ours are passed over."""
        try:
            found = [match for name in sorted(os.listdir(self._folder)) if (match := _NAME.fullmatch(name))]
        except FileNotFoundError:
            return
        open_here: dict[str, Waiting] = {}
        for match in found:
            if match[2] == "until":
                with contextlib.suppress(OSError, ValueError):  # ValueError: no number
                    open_here[match[1]] = Waiting(match[1], int((self._folder / match[0]).read_bytes()))
        for match in found:
            if (one := open_here.get(match[1])) is not None and match[2] != "until":
                (one.ballots if match[2][0] == "b" else one.voters).append(self._folder / match[0])
        yield from open_here.values()

    @staticmethod
    def read(path: Path) -> bytes | None:
        """Return a ballot's bytes, None where there is none that could be one."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError:
            return None
        return data if 0 < len(data) <= _LARGEST else None

    @staticmethod
    def voter_of(path: Path) -> str:
        """Return who a mark is of."""
        return path.name.rpartition("-")[2]

    def take_out(self, survey: str, paths: Iterable[Path], *, closed: bool) -> None:
        """Remove what was mixed; once a questionnaire is closed its place too."""
        for path in paths:
            path.unlink(missing_ok=True)
        if closed:
            (self._folder / f"{survey}.until").unlink(missing_ok=True)
        sync_folder(self._folder)
