"""How a repository of updates lies in a store of objects: the same on a medium, in a bucket and at the board.

Invariant: metadata is one object each; a target is a row of pieces, so that no reader ever holds more than one
piece and a slow line can carry a large wheel.

    PREFIX/metadata/1.root.json  2.targets.json  3.snapshot.json  timestamp.json
    PREFIX/targets/wheels/SHA256.NAME/00000  00001 …
"""

from collections.abc import Iterator
from typing import Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from sync.stores import Store

PREFIX: Final = "updates"
METADATA: Final = "metadata/"
TARGETS: Final = "targets/"
PIECE: Final = 1024 * 1024


def piece_key(target: str, number: int) -> str:
    """Return the key of a piece of a target below the prefix."""
    return f"{TARGETS}{target}/{number:05}"


def hashed(name: str, sha256: str) -> str:
    """Return a target's name with its hash, as consistent snapshots have it."""
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{sha256}.{last}"


class StoreFetcher(FetcherInterface):
    """TUF's way to whatever is a store. What the store fails with goes up as it is."""

    def __init__(self, store: Store, prefix: str = PREFIX) -> None:
        self._store = store
        self._prefix = f"{prefix}/" if prefix else ""

    def _fetch(self, url: str) -> Iterator[bytes]:
        if not url.startswith(TARGETS):
            yield self._needed(url)
            return
        name = url.removeprefix(TARGETS)
        yield self._needed(piece_key(name, 0))
        number = 1
        while (piece := self._store.get(f"{self._prefix}{piece_key(name, number)}")) is not None:
            yield piece
            number += 1

    def _needed(self, key: str) -> bytes:
        found = self._store.get(f"{self._prefix}{key}")
        if found is None:
            raise DownloadHTTPError(key, 404)
        return found
