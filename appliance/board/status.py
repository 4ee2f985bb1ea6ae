"""What the board's folder says of itself: who opens it, and which schools it looks after.

Invariant: reads files only; loads no key and asks no store.
"""

from dataclasses import dataclass

from appliance.board.depositing import deposit_told
from appliance.board.folder import BoardFolder
from appliance.board.officers import Officers


@dataclass(frozen=True, slots=True)
class BoardStatus:
    """`one_opens`: one person alone still opens everything. Any two of `officers`, by name, open together.

    `deposit_ms` is when the newest deposit was made (0: never), `deposit_current` whether it is still the folder.
    """

    name: str
    fingerprint: str
    schools: tuple[str, ...]
    officers: tuple[str, ...]
    one_opens: bool
    deposit_ms: int = 0
    deposit_current: bool = False


def board_status(board: BoardFolder) -> BoardStatus:
    """Return the status; raises what `Officers` raises for a damaged or forged list."""
    names = tuple(Officers(board).names)
    told, schools = deposit_told(board), tuple(board.schools)
    return BoardStatus(
        board.name, board.root.fingerprint, schools, names, board.one_opens, told.made_ms, told.current
    )
