"""Bringing in what a replaced box could not send.

Invariant: the segments of the old box are stored where it would have stored them, byte for byte, and merged at the
hub; the new box reads them there. Nothing that stands is overwritten.
"""

import contextlib
from pathlib import Path

from appliance.board.folder import BoardFolder
from appliance.board.hubs import open_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.restored import store_of
from sync.carry import Imported, import_segments
from sync.folderstore import FolderConfig, FolderStore
from sync.objectstore import ObjectStore
from sync.reader import Reader


def import_orphans(board: BoardFolder, school: str, medium: Path) -> Imported:
    """Merge a medium into a school's hub and its object store.

    Raises UnknownSchoolError, HubMissingError, SegmentError, BrokenSegmentChainError, StoreUnreachableError; what
    came before stands and the call may be made again.
    """
    hub, place = open_hub(board, school), board.place(school)
    with SiteKeeper(hub.paths) as client, contextlib.closing(Reader(hub.paths.store)) as reader:
        store = ObjectStore(store_of(place))
        return import_segments(reader, client, hub.daemon_settings(), FolderStore(FolderConfig(medium)), store)
