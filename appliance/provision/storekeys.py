"""Key pairs of the object store for the schools of an inventory: a file of the board's officer.

Invariant: it is read by nobody else (mode 0600 is asked for) and never goes to a box: a box gets its own pair
only, sealed to its key.

    [B101210000019]
    board_access_key = "…"       # reads the school, writes its hub
    board_secret_key = "…"
    box_access_key = "…"         # writes below SCHOOL/box/EPOCH/
    box_secret_key = "…"
"""

import stat
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from appliance.credentials import StoreKey
from appliance.provision.errors import StorePairsError
from crypto.secret import Secret

T = TypeVar("T")


class _Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    box_access_key: str
    box_secret_key: str
    board_access_key: str = ""
    board_secret_key: str = ""


class StorePairs:
    """The pairs of a file."""

    def __init__(self, file: Path) -> None:
        """Read it; raises StorePairsError."""
        self._file = file
        self._pairs = read_private(file, dict[str, _Pair])

    def box(self, school: str) -> StoreKey:
        """Return the pair of a school's box; raises StorePairsError."""
        pair = self._of(school)
        return StoreKey(pair.box_access_key, Secret(pair.box_secret_key.encode()))

    def board(self, school: str) -> StoreKey:
        """Return the board's pair for a school, the box's where none is named; raises StorePairsError."""
        pair = self._of(school)
        if not pair.board_access_key:
            return self.box(school)
        return StoreKey(pair.board_access_key, Secret(pair.board_secret_key.encode()))

    def _of(self, school: str) -> _Pair:
        if school not in self._pairs:
            raise bad_pairs(self._file, f"no [{school}]")
        return self._pairs[school]


def read_private(file: Path, shape: type[T]) -> T:
    """Read a TOML file of secrets that nobody else may read; raises StorePairsError."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise bad_pairs(file, "others may read it: chmod 600")
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), shape)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise bad_pairs(file, type(exc).__name__) from None  # its text may quote a key


def bad_pairs(file: Path, problem: str) -> StorePairsError:
    """Return the error of a file of secrets."""
    return StorePairsError(operation="read key pairs", subject=file.name, file=str(file), problem=problem)
