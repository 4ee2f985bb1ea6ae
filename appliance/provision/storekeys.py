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

import msgspec

from appliance.credentials import StoreKey
from appliance.provision.errors import StorePairsError
from crypto.secret import Secret


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
        try:
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise self._bad("others may read it: chmod 600")
            raw = tomllib.loads(file.read_text("utf-8"))
            self._pairs = msgspec.convert(raw, dict[str, _Pair])
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
            raise self._bad(type(exc).__name__) from None  # its text may quote a key

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
            raise self._bad(f"no [{school}]")
        return self._pairs[school]

    def _bad(self, problem: str) -> StorePairsError:
        return StorePairsError(
            operation="read key pairs", subject=self._file.name, file=str(self._file), problem=problem
        )
