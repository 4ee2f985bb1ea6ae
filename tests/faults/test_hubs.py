"""The hubs of a whole city in one process: every school served, one school's trouble its own, killed and back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.board.hubs import open_hub
from appliance.config import StoreSection
from appliance.generator.school import make_school
from appliance.people import StaffMember
from appliance.site import open_site
from crypto.identity import Identity, KdfProfile
from crypto.importance import Importance
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.courier import Courier
from sync.embedded import EmbeddedStore
from sync.founding import open_as_board
from sync.ids import Origin, Site
from sync.keeperchild import KeeperChild
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.sealed import Draft
from sync.segment import segment_name
from sync.site import SitePaths
from sync.status import read_status
from tests.faults.city import wait_until
from tests.faults.test_board_restore import descendants
from tests.school import BOARD_PASSPHRASE, PASSPHRASE

pytestmark = pytest.mark.faults
COUNT = 4


@dataclass
class Box:
    """A school's box: its keeper and its courier, without a replica of its own."""

    code: str
    paths: SitePaths
    keeper: KeeperChild
    courier: Courier
    root: Identity

    def entry(self, name: str) -> int:
        """Keep an entry as the board's officer at the box."""
        client = KeeperClient(self.paths.socket)
        store = open_as_board(Reader(self.paths.store), client, self.root)
        record = store.record_id("attendance.mark", Importance.III, name)
        seq = store.put([Draft("attendance.mark", record, Importance.III, b"absent")]).last_seq
        store.close()
        return seq

    def until_confirmed(self, seq: int) -> None:
        wait_until(lambda: self.courier.told().confirmed >= seq, self.code)


@dataclass
class Hubs:
    """Board, store, boxes and the process of all hubs."""

    folder: Path
    board: BoardFolder
    store: EmbeddedStore
    boxes: list[Box]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with (self.folder / "hubs.log").open("ab") as log:
            command = [sys.executable, "-m", "appliance.cli", "board", "--board", str(self.board.path), "run"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        below = descendants(self.process.pid)
        self.process.send_signal(number)
        code = self.process.wait(60)
        if number == signal.SIGKILL:
            for pid in below.values():
                os.kill(pid, signal.SIGKILL)
        return code


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[Hubs]:
    store = EmbeddedStore(tmp_path / "cloud" / "store", "access", Secret(b"secret-secret"), "city")
    store.start()
    board = init_board(tmp_path / "board", "試験市教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)
    root, boxes = board.unlock(BOARD_PASSPHRASE), []
    for number in range(COUNT):
        boxes.append(enrolled(tmp_path, board, root, store, number))
    made = Hubs(tmp_path, board, store, boxes)
    made.start()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.end()
        for box in made.boxes:
            box.courier.stop()
            box.keeper.stop(10)
        store.stop()


def enrolled(folder: Path, board: BoardFolder, root: Identity, store: EmbeddedStore, number: int) -> Box:
    code, endpoint = make_school(100 + number, 2026).code, store.config.endpoint
    place = ReplicaPlace(code, f"第{number}校", endpoint, "city", "us-east-1", "access", "secret-secret")
    new = NewSchool(code, place.name, place, StoreSection(endpoint, "city"))
    staff = [StaffMember("jimu", "齋藤 久美子", ("clerk",), Secret(PASSPHRASE.encode()))]
    paths = enrol_school(board, root, new, staff, folder / f"box-{number}", KdfProfile.QUICK)
    keeper = KeeperChild(paths)
    keeper.start()
    courier = Courier(paths, open_site(paths.root).daemon_settings())
    courier.start()
    return Box(code, paths, keeper, courier, root)


def test_every_school_of_a_city_is_served_by_one_process(hubs: Hubs) -> None:
    seqs = [box.entry("aoi") for box in hubs.boxes]
    for box, seq in zip(hubs.boxes, seqs, strict=True):
        box.until_confirmed(seq)
    assert hubs.process is not None
    assert set(descendants(hubs.process.pid)) == {"litestream"}, "no process per school"
    for box in hubs.boxes:
        status = read_status(open_hub(hubs.board, box.code).paths)
        assert status is not None and status.superseded is False
    assert hubs.end() == 0
    for box in hubs.boxes:
        hub = open_hub(hubs.board, box.code).paths
        assert not hub.running_mark.exists() and not hub.socket.exists(), "every keeper stopped cleanly"


def test_one_schools_trouble_is_its_own(hubs: Hubs) -> None:
    ill, well = hubs.boxes[0], hubs.boxes[1:]
    ill.until_confirmed(ill.entry("aoi"))
    ill.courier.stop()
    origin, objects = Origin(ill.code, Site.BOX, 1), ObjectStore(hubs.store.config)
    number = 1  # of the segment that the hub reads next: what it has read it never looks at again
    while objects.get(segment_name(origin, number)) is not None:
        number += 1
    objects.put(segment_name(origin, number), b"\x01nonsense")
    for box in well:
        box.until_confirmed(box.entry("aoi"))
    hub = open_hub(hubs.board, ill.code).paths
    wait_until(lambda: (told := read_status(hub)) is not None and "SYNC-022" in told.warnings, "a warning")
    assert hubs.process is not None and hubs.process.poll() is None


def test_hubs_that_are_killed_go_on_where_they_were(hubs: Hubs) -> None:
    for round_ in range(3):
        seqs = [box.entry(f"pupil-{round_}") for box in hubs.boxes]
        hubs.end(signal.SIGKILL)
        hubs.start()
        for box, seq in zip(hubs.boxes, seqs, strict=True):
            box.until_confirmed(seq)


def test_a_school_that_is_enrolled_meanwhile_joins(hubs: Hubs) -> None:
    wait_until(lambda: read_status(open_hub(hubs.board, hubs.boxes[0].code).paths) is not None, "served")
    root = hubs.board.unlock(BOARD_PASSPHRASE)
    box = enrolled(hubs.folder, hubs.board, root, hubs.store, COUNT)
    hubs.boxes.append(box)
    box.until_confirmed(box.entry("aoi"))
