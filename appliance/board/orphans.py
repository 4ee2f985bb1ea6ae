"""Bringing in what a replaced box could not send.

Invariant: segments and documents of the old box are stored where it would have stored them, byte for byte, and the
segments are merged at the hub; the new box reads them there. Nothing that stands is overwritten.
"""

import contextlib
import tempfile
from pathlib import Path

from appliance.board.folder import BoardFolder
from appliance.board.hubs import open_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.restored import store_of
from sync.blobs import Blobs
from sync.carry import Imported, import_segments
from sync.carrydocuments import Carried, import_documents
from sync.folderstore import FolderConfig, FolderStore
from sync.objectstore import ObjectStore
from sync.reader import Reader


def import_orphans(board: BoardFolder, school: str, medium: Path) -> tuple[Imported, Carried]:
    """Merge a medium into a school's hub and its object store; its documents go there too.

    Raises UnknownSchoolError, HubMissingError, SegmentError, BrokenSegmentChainError, StoreUnreachableError; what
    came before stands and the call may be made again.
    """
    hub, place = open_hub(board, school), board.place(school)
    store, there = ObjectStore(store_of(place)), FolderStore(FolderConfig(medium))
    with SiteKeeper(hub.paths) as client, contextlib.closing(Reader(hub.paths.store)) as reader:
        found = import_segments(reader, client, hub.daemon_settings(), there, store)
    with tempfile.TemporaryDirectory(prefix="documents-", dir=hub.paths.run) as work:
        return found, import_documents(Blobs(Path(work)), found.peers, there, store)
