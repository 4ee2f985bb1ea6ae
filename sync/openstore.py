"""From where a store is to the store itself.

Invariant: the type of the place alone decides which kind of store it is.
"""

from typing import Final

from sync.folderstore import FolderConfig, FolderStore
from sync.objectstore import ObjectStore, StoreConfig
from sync.sftpstore import SftpConfig, SftpStore
from sync.stores import Store

StorePlace = StoreConfig | SftpConfig | FolderConfig

_PATIENCE_S: Final = 5.0


def open_store(place: StorePlace, timeout_s: float = _PATIENCE_S) -> Store:
    """Open the store at a place; nothing is asked of it yet."""
    if isinstance(place, StoreConfig):
        return ObjectStore(place, timeout_s)
    if isinstance(place, SftpConfig):
        return SftpStore(place, timeout_s)
    return FolderStore(place)
