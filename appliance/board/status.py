"""What the board's folder says of itself: who opens it, and which schools it looks after.

Invariant: reads files only; loads no key and asks no store.
"""

from dataclasses import dataclass

from appliance.board.folder import BoardFolder
from appliance.board.officers import Officers


@dataclass(frozen=True, slots=True)
class BoardStatus:
    """`one_opens`: one person alone still opens everything. Any two of `officers`, by name, open together."""

    name: str
    fingerprint: str
    schools: tuple[str, ...]
    officers: tuple[str, ...]
    one_opens: bool


def board_status(board: BoardFolder) -> BoardStatus:
    """Return the status; raises what `Officers` raises for a damaged or forged list."""
    names = tuple(Officers(board).names)
    return BoardStatus(board.name, board.root.fingerprint, tuple(board.schools), names, board.one_opens)
