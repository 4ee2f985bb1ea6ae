"""A city of small schools in a real object store: enrolled, replicated, and no process of them left running."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.config import StoreSection
from appliance.region.cluster import Cluster, Where, cluster_at
from appliance.region.running import Region
from appliance.schoolcode import check_digit
from appliance.site import open_site
from crypto.identity import Identity, KdfProfile
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.exchange import Exchange
from sync.founding import open_as_board
from sync.ids import Origin, Site
from sync.litestream import Litestream, Replicated
from sync.objectstore import ObjectStore, StoreConfig
from sync.reader import Reader
from sync.sealed import Draft
from sync.site import SitePaths
from sync.stores import Store
from sync.visitlog import VisitLog
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
    numbers = (f"B1132{1_000_001 + 7 * place}" for place in range(count))
    return [number + check_digit(number) for number in numbers]


def make_city(folder: Path, store: StoreConfig, schools: int) -> City:
    """Enrol schools whose store is `store`; nobody works there yet."""
    board = init_board(folder / "board", "試験市教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)
    root = board.unlock(BOARD_PASSPHRASE)
    boxes = {}
    for code in codes(schools):
        boxes[code] = enrol(board, root, store, code, folder / "boxes" / code)
    return City(board, root, boxes, store)


def enrol(board: BoardFolder, root: Identity, store: StoreConfig, code: str, box: Path) -> SitePaths:
    """Enrol one school."""
    secret = store.secret_key.reveal().decode()
    place = ReplicaPlace(code, "試験校", store.endpoint, store.bucket, store.region, store.access_key, secret)
    new = NewSchool(code, "試験校", place, StoreSection(store.endpoint, store.bucket))
    return enrol_school(board, root, new, [], box, KdfProfile.QUICK)


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


class BoxSide:
    """A school's box in this process: it takes entries, and exchanges segments when it is told to."""

    def __init__(self, city: City, code: str, library: Store | None = None) -> None:
        paths = city.boxes[code]
        self.log, self.reader = VisitLog(paths), Reader(paths.store)
        settings = open_site(paths.root).daemon_settings()
        client = cast(KeeperClient, self.log)  # which the entries are made by in this process
        self.store = open_as_board(Reader(paths.store), client, city.root)
        self.exchange = Exchange(self.reader, self.log, settings, library or ObjectStore(city.store))
        self.entered = 0

    def enter(self, count: int = 1) -> int:
        """Make entries, each a record of its own; return the seq of the last."""
        for _ in range(count):
            self.entered += 1
            record = self.store.record_id("meeting.item", Importance.III, "region", str(self.entered))
            body = msgspec.json.encode({"number": self.entered})
            self.store.put([Draft("meeting.item", record, Importance.III, body)])
        return self.reader.position().seq

    def step(self) -> None:
        """Send, receive, as far as it goes."""
        self.exchange.hurry()
        self.exchange.step()

    @property
    def confirmed(self) -> bool:
        """Say whether everything that was entered here is 確認済."""
        return self.reader.content_after(self.exchange.confirmed.seq) == 0

    def close(self) -> None:
        self.reader.close()
        self.store.close()  # with its log


@contextlib.contextmanager
def boxes_of(city: City) -> Iterator[dict[str, BoxSide]]:
    """Open the boxes of a city for a while."""
    with contextlib.ExitStack() as after:
        found = {}
        for code in city.boxes:
            found[code] = BoxSide(city, code)
            after.callback(found[code].close)
        yield found


def all_confirmed(boxes: dict[str, BoxSide]) -> bool:
    """Step every box that waits; say whether none does."""
    for box in boxes.values():
        if not box.confirmed:
            box.step()
    return all(box.confirmed for box in boxes.values())


@contextlib.contextmanager
def running(city: City, workers: int) -> Iterator[tuple[Region, Cluster]]:
    """Run a city's hubs as a region for a while, on workers of this machine."""
    with running_at(city, Where(workers=workers)) as found:
        yield found


@contextlib.contextmanager
def running_at(city: City, where: Where) -> Iterator[tuple[Region, Cluster]]:
    """Run a city's hubs as a region for a while."""
    stop, said = threading.Event(), list[str]()
    with cluster_at(where) as cluster:
        region = Region(city.board, cluster, stop, said.append)
        thread = threading.Thread(target=region.run, name="region")
        thread.start()
        try:
            yield region, cluster
        finally:
            stop.set()
            thread.join(LONG_S)
            assert not thread.is_alive()
