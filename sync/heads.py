"""The heads of every record, kept up with each change that is written.

Invariant: `head` holds exactly the accepted changes that no accepted change of the same kind and record replaces,
whatever the order in which they came; `late` and `quarantine` are what that needs to be remembered. Used by the
keeper alone, inside its transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sync.change import Change
from sync.database import Connection
from sync.ids import CHANGE_ID_BYTES

_HEADS: Final = "SELECT change_id, id FROM head WHERE kind=? AND record=?"
_DROP_HEAD: Final = "DELETE FROM head WHERE kind=? AND record=? AND change_id=?"
_NEXT_HEAD: Final = "UPDATE head SET change_id=?, id=? WHERE kind=? AND record=? AND change_id=?"
# Two changes of one id can only stand in one origin's log: the first of them is the head, everywhere.
_NEW_HEAD: Final = "INSERT OR IGNORE INTO head VALUES (?,?,?,?)"
_AWAIT: Final = 'INSERT OR IGNORE INTO late (change_id, "by", id) VALUES (?,?,NULL)'
_AWAITED: Final = 'SELECT "by" FROM late WHERE change_id=? AND "by" NOT IN (SELECT id FROM quarantine)'
_SAME: Final = "SELECT kind, record FROM change WHERE id=?"
_ALL: Final = (
    "SELECT id, change_id, kind, record, base FROM change WHERE id NOT IN (SELECT id FROM quarantine) ORDER BY id"
)

Place = tuple[str, bytes]  # kind, record
Heads = dict[bytes, int]  # change id → row id of what stands at one place
_Accepted = tuple[int, bytes, bytes]  # row id, change id, bases joined


class HeadTable:
    """`head`, `late` and `quarantine` over the keeper's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()  # kept for what every change asks: a new one for each is dearer
        self._awaiting = bool(connection.execute("SELECT 1 FROM late LIMIT 1").fetchone())

    def standing(self, changes: Iterable[Change]) -> dict[Place, Heads] | None:
        """Return what stands where these changes go, None when one of their ids is a head there already."""
        found: dict[Place, Heads] = {}
        for change in changes:
            place = (change.kind, change.record)
            heads = found.get(place)
            if heads is None:
                heads = found[place] = self._at(place)
            if change.id in heads:
                return None
        return found

    def add(self, change: Change, row_id: int, known: Mapping[Place, Heads]) -> bytes:
        """Let an accepted change take its place; return the row ids (8 bytes each) of the heads it replaced.

        `known` is what `standing` returned of these changes, brought up to date here; empty when nobody asked.
        """
        place, execute = (change.kind, change.record), self._cursor.execute
        heads = known.get(place)
        if heads is None:
            heads = self._at(place) if change.base else {}
        replaced, former = b"", []
        for base in change.base:
            taken = heads.pop(base, None)
            if taken is None:
                execute(_AWAIT, (base, row_id))
                self._awaiting = True
            else:
                replaced += taken.to_bytes(8, "big")
                former.append(base)
        if not (self._awaiting and self._replaced_before(change, row_id)) and change.id not in heads:
            if former:  # one statement for what nearly every change is: the next state of its record
                execute(_NEXT_HEAD, (change.id, row_id, *place, former.pop()))
            else:
                execute(_NEW_HEAD, (*place, change.id, row_id))
            heads[change.id] = row_id
        for base in former:
            execute(_DROP_HEAD, (*place, base))
        return replaced

    def _at(self, place: Place) -> Heads:
        return dict(self._cursor.execute(_HEADS, place).fetchall())

    def withhold(self, row_id: int, reason: str) -> None:
        """Note that a change counts for nothing for now."""
        self._connection.execute("INSERT OR REPLACE INTO quarantine VALUES (?,?)", (row_id, reason))

    def judge(self, withheld: Mapping[int, str], released: frozenset[int]) -> None:
        """Change what is quarantined, and make the heads of every record concerned anew."""
        for row_id in released:
            self._connection.execute("DELETE FROM quarantine WHERE id=?", (row_id,))
        for row_id, reason in withheld.items():
            self.withhold(row_id, reason)
        places = {self._place(row_id) for row_id in (*released, *withheld)}
        for place, accepted in self._accepted(places).items():
            self._rebuild(place, accepted)

    def _replaced_before(self, change: Change, row_id: int) -> bool:
        """Say whether a change that came earlier replaces this one."""
        found = self._connection.execute(_AWAITED, (change.id,)).fetchall()
        by = [row[0] for row in found if self._place(row[0]) == (change.kind, change.record)]
        for number in by:
            self._connection.execute(
                'UPDATE late SET id=? WHERE change_id=? AND "by"=?', (row_id, change.id, number)
            )
        return bool(by)

    def _place(self, row_id: int) -> Place:
        row = self._connection.execute(_SAME, (row_id,)).fetchone()
        return (row[0], row[1]) if row else ("", b"")

    def _accepted(self, places: set[Place]) -> dict[Place, list[_Accepted]]:
        """Return the accepted changes of each place, in one pass over the log: there is no index for it."""
        found: dict[Place, list[_Accepted]] = {place: [] for place in places}
        for row_id, change_id, kind, record, base in self._connection.execute(_ALL):
            if (kind, record) in found:
                found[kind, record].append((row_id, change_id, base))
        return found

    def _rebuild(self, place: Place, accepted: Sequence[_Accepted]) -> None:
        self._connection.execute("DELETE FROM head WHERE kind=? AND record=?", place)
        rows: dict[bytes, int] = {}
        for row_id, change_id, _ in accepted:
            rows.setdefault(change_id, row_id)
        replaced: defaultdict[bytes, list[int]] = defaultdict(list)
        for row_id, _, joined in accepted:
            for base in split_ids(joined):
                replaced[base].append(row_id)
        for base, by in replaced.items():
            for row_id in by:  # the history of what came out of quarantine is found through these
                entry = (base, row_id, rows.get(base))
                self._connection.execute('INSERT OR REPLACE INTO late (change_id, "by", id) VALUES (?,?,?)', entry)
                self._awaiting = True
        for change_id, row_id in rows.items():
            if change_id not in replaced:
                self._connection.execute(_NEW_HEAD, (*place, change_id, row_id))


def split_ids(joined: bytes) -> list[bytes]:
    """Return the change ids of a joined `base` column."""
    return [joined[at : at + CHANGE_ID_BYTES] for at in range(0, len(joined), CHANGE_ID_BYTES)]
