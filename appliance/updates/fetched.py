"""What was fetched over the line, read as if it were a medium.

Invariant: it proves nothing by itself. Whoever fetches holds the line and not the right to install; whoever
installs has no line and checks all of it again, by a first root and a memory of its own.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.updates.places import METADATA, PIECE, TARGETS
from sync.errors import StoreRefusedError
from sync.stores import key_names

_VERSIONED: Final = re.compile(r"\d+\.(snapshot|targets)\.json")
_ROOT: Final = re.compile(r"\d+\.root\.json")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A folder of what was fetched: `seen/` as TUF's client keeps it, `bundle/` the files by their own names."""

    root: Path

    @property
    def seen(self) -> Path:
        """Return the folder of the metadata."""
        return self.root / "seen"

    @property
    def bundle(self) -> Path:
        """Return the folder of the release's files."""
        return self.root / "bundle"

    def show(self) -> None:
        """Let others read the metadata, which is public: TUF's client writes it for its own user alone."""
        self.seen.chmod(0o755)
        for path in self.seen.rglob("*.json"):
            if not path.is_symlink():
                path.chmod(0o644)

    def get(self, key: str) -> bytes | None:
        """Return an object as a repository would have it, None when it is not here."""
        names = "/".join(key_names(key))
        if names.startswith(METADATA):
            return self._metadata(names.removeprefix(METADATA))
        if names.startswith(TARGETS):
            return self._piece(names.removeprefix(TARGETS))
        return None

    def put(self, key: str, data: bytes) -> None:
        """Refuse: it is only read."""
        raise StoreRefusedError(operation="store object", subject=key, endpoint=str(self.root))

    def create(self, key: str, data: bytes) -> bool:
        """Refuse: it is only read."""
        raise StoreRefusedError(operation="create object", subject=key, endpoint=str(self.root))

    def probe(self, prefix: str) -> None:
        """Return: a folder answers."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return nothing: nobody lists what was fetched."""
        return {}

    def _metadata(self, name: str) -> bytes | None:
        if _ROOT.fullmatch(name):
            return _read(self.seen / "root_history" / name)
        if _VERSIONED.fullmatch(name):  # the client keeps only the newest of each, without its version
            return _read(self.seen / name.partition(".")[2])
        return _read(self.seen / name) if name == "timestamp.json" else None

    def _piece(self, name: str) -> bytes | None:
        """Return a piece of a file: FOLDER/SHA256.NAME/00000."""
        target, _, number = name.rpartition("/")
        folder, slash, last = target.rpartition("/")
        path = self.bundle / f"{folder}{slash}{last.partition('.')[2]}"
        start = int(number) * PIECE if number.isdecimal() else 0
        try:
            if not path.is_file() or (start and start >= path.stat().st_size):
                return None
            with path.open("rb") as file:
                file.seek(start)
                return file.read(PIECE)
        except OSError:
            return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
