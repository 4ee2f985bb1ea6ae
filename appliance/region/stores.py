"""Clients of object stores that are kept: to make one takes 20 ms, since it reads all certificate authorities.

Invariant: schools share a client only where address, bucket and key pair are the same; what a client answers is
the store's, never a cache's.
"""

from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from appliance.board.folder import ReplicaPlace
from appliance.board.restored import store_of
from sync.objectstore import ObjectStore
from sync.stores import Store

_KEPT: Final = 1024  # of an eighth of a megabyte each


def kept_store(place: ReplicaPlace) -> Store:
    """Return a client of the store at a place; nothing is asked of it yet."""
    return _opened(replace(place, school="", name="", epoch=0))


@lru_cache(_KEPT)
def _opened(place: ReplicaPlace) -> Store:
    return ObjectStore(store_of(place))
