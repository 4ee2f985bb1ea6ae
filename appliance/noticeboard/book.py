"""The notices of a school as one session may read them.

Invariant: only what is sealed as importance IV is ever opened here, whatever its kind says; a record that no desk
would have kept is as if it were not there.
"""

from dataclasses import dataclass

from appliance.noticeboard.records import NoticeItem
from crypto.importance import Importance
from sync import reading
from sync.reader import Row
from sync.sealed import SealedStore


@dataclass(frozen=True, slots=True)
class Standing:
    """A notice as it stands: its newest change, and the heads that a change to it replaces."""

    record: bytes
    row: Row
    heads: tuple[bytes, ...]
    item: NoticeItem


class NoticeBook:
    """Reads notices over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._opened: dict[bytes, NoticeItem | None] = {}

    def all(self) -> list[Standing]:
        """Return every notice, the newest first; those that were withdrawn too."""
        found = []
        for row, heads in self._store.head_rows(NoticeItem.kind):
            item = self._item(row)
            if item is not None:
                found.append(Standing(row.record, row, heads, item))
        return sorted(found, key=lambda one: one.row.change_id, reverse=True)

    def get(self, record: bytes) -> Standing | None:
        """Return one notice."""
        return next((one for one in self.all() if one.record == record), None)

    def _item(self, row: Row) -> NoticeItem | None:
        if row.importance != Importance.IV or not self._store.keyring.cleared(Importance.IV):
            return None
        if row.change_id not in self._opened:
            self._opened[row.change_id] = reading.read(self._store, reading.decoder(NoticeItem), row)
        return self._opened[row.change_id]
