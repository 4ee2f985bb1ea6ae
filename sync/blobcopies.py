"""Copies that the board wants every site to keep: documents of another site, asked for without anybody's key.

Invariant: a document is asked for once, whoever is logged in or not; what was removed here since is not fetched
again. Which document it is and what stands in it is for those who hold keys: here it is a hash.
"""

from typing import Final

from sync.blobnotes import Notes, ask_to_fetch
from sync.blobs import DIGEST_BYTES, Blobs
from sync.openrecords import COPY, copy_record
from sync.reader import Reader

_ASKED: Final = "blobs.copies"


class Copies:
    """Looks what is to be kept here; used by the thread that carries documents."""

    def __init__(self, reader: Reader, notes: Notes, blobs: Blobs) -> None:
        self._reader, self._notes, self._blobs = reader, notes, blobs
        self._seen = -1

    def look(self) -> int:
        """Ask for what is new and not here; return how many. Cheap while nothing was written."""
        changes = self._reader.changes()
        if changes == self._seen:
            return 0
        origins = {number: origin for origin, number in self._reader.origins().items()}
        asked = {*self._notes.local_keys(_ASKED)}
        count = 0
        for row in self._reader.heads(COPY):
            digest, origin = row.body, origins[row.origin_no]
            ours = (
                origin == self._reader.origin or len(digest) != DIGEST_BYTES or row.record != copy_record(digest)
            )
            if ours or digest.hex() in asked:
                continue
            if self._blobs.size(digest) is None:
                ask_to_fetch(self._notes, digest, origin)
                count += 1
            self._notes.local_put(_ASKED, digest.hex(), b"1")
        self._seen = changes
        return count
