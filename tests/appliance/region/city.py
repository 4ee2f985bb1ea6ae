"""A city of small schools in a real object store: enrolled, replicated, and no process of them left running."""

from dataclasses import dataclass
from pathlib import Path

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.config import StoreSection
from appliance.generator.school import make_school
from crypto.identity import Identity, KdfProfile
from sync.ids import Origin, Site
from sync.litestream import Litestream, Replicated
from sync.objectstore import StoreConfig
from sync.site import SitePaths
from tests.school import BOARD_PASSPHRASE
from tests.sync.cloud import LONG_S, syncs, wait_until


@dataclass(frozen=True)
class City:
    """Board, root identity, and the site's folder of each school's box by code."""

    board: BoardFolder
    root: Identity
    boxes: dict[str, SitePaths]
    store: StoreConfig


def codes(count: int) -> list[str]:
    """Return so many valid codes of schools."""
    found: dict[str, None] = {}
    seed = 100
    while len(found) < count:
        found[make_school(seed, 2026).code] = None
        seed += 1
    return list(found)


def make_city(folder: Path, store: StoreConfig, schools: int) -> City:
    """Enrol schools whose store is `store`; nobody works there yet."""
    board = init_board(folder / "board", "試験市教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)
    root = board.unlock(BOARD_PASSPHRASE)
    boxes = {}
    for code in codes(schools):
        secret = store.secret_key.reveal().decode()
        place = ReplicaPlace(code, "試験校", store.endpoint, store.bucket, store.region, store.access_key, secret)
        new = NewSchool(code, "試験校", place, StoreSection(store.endpoint, store.bucket))
        boxes[code] = enrol_school(board, root, new, [], folder / "boxes" / code, KdfProfile.QUICK)
    return City(board, root, boxes, store)


def replicate(city: City, folder: Path) -> None:
    """Send every box's replica once."""
    folder.mkdir()
    databases = [Replicated(paths, Origin(code, Site.BOX, 1)) for code, paths in city.boxes.items()]
    litestream = Litestream(folder, databases, city.store)
    litestream.start()
    try:
        wait_until(lambda: syncs(litestream), "Litestream has begun")
        for database in databases:
            litestream.sync(LONG_S, database)
    finally:
        litestream.stop()
