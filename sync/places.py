"""Where the segments of a store that was brought back go on: its own, and those of each other site.

Invariant: a place is told by a segment that the object store holds whole, never by a listing or a note.
"""

from hashlib import sha256
from typing import Final

from crypto.signing import VerifyKey
from sync.client import Keeping
from sync.complete import first_beyond
from sync.grants import read_grants
from sync.ids import Origin
from sync.inbox import give_place
from sync.outbox import OutboxState, give_outbox
from sync.reader import Reader
from sync.segment import segment_extent, segment_name
from sync.stores import Store

_NOWHERE: Final = 0


def give_places(reader: Reader, client: Keeping, library: Store, root: VerifyKey) -> None:
    """Let a site go on after its own last segment in the store, and the last one that it holds of each other."""
    own = reader.origin
    number, digest, last = _newest(reader, library, own)
    if number != _NOWHERE:
        give_outbox(client, OutboxState(number, last, digest))
    for grant in read_grants(reader, root):
        number, digest, _ = _newest(reader, library, grant.origin)
        if grant.origin != own and number != _NOWHERE:
            give_place(client, grant.origin, number, digest)


def _newest(reader: Reader, library: Store, origin: Origin) -> tuple[int, bytes, int]:
    """Return number, hash and last seq of the last segment of an origin that the store holds whole."""
    number = first_beyond(library, origin, reader.position(origin).seq) - 1
    data = library.get(segment_name(origin, number)) if number > _NOWHERE else None
    return (number, sha256(data).digest(), segment_extent(data).last) if data else (_NOWHERE, b"", 0)
