"""Which records have more than one head, and which changes are held back: told from names alone, without a key.

Invariant: only records that people keep are counted (`key.`, `site.` and `people.` kinds are settled by their own
rules); two calls between which nobody wrote to the store cost one pragma.
"""

from typing import Final, NamedTuple

from sync.openrecords import BATCH_KEY
from sync.reader import Reader, Row

_CONFLICTS: Final = (
    "SELECT kind, record FROM head WHERE kind NOT LIKE 'site.%' AND kind NOT LIKE 'key.%'"
    " AND kind NOT LIKE 'people.%' GROUP BY kind, record HAVING count(*) > 1 ORDER BY kind, record"
)
# What announces the key of a sealed change is no entry of its own: it is held back with that change.
_HELD = f"FROM quarantine q JOIN change c ON c.id = q.id WHERE c.kind <> '{BATCH_KEY}'"
_HELD_ROWS: Final = (
    "SELECT c.id, c.change_id, c.author, c.kind, c.record, c.base, c.replaced, c.importance, c.key_id, c.body,"
    f" q.reason {_HELD} ORDER BY c.change_id DESC"
)


class Held(NamedTuple):
    """A change that counts for nothing for now; `reason` is one of those in `sync.authority`, or "unreadable"."""

    row: Row
    reason: str


def conflicting(reader: Reader) -> list[tuple[str, bytes]]:
    """Return (kind, record) of every record of people's that has more than one head."""
    return list(reader.rows(_CONFLICTS))


def held_back(reader: Reader) -> list[Held]:
    """Return the quarantined changes, newest first."""
    return [Held(Row._make(row[:-1]), row[-1]) for row in reader.rows(_HELD_ROWS)]


class ConflictCounter:
    """Counts conflicts and quarantined changes, anew only when somebody wrote to the store."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._seen: int | None = None
        self._counts = (0, 0)

    def counts(self) -> tuple[int, int]:
        """Return how many records are in conflict and how many changes are held back."""
        ((version,),) = self._reader.rows("PRAGMA data_version")
        if version != self._seen:
            ((held,),) = self._reader.rows(f"SELECT count(*) {_HELD}")
            self._counts = (len(conflicting(self._reader)), int(held))
            self._seen = version
        return self._counts
