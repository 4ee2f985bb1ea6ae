"""Documents go through every store, go on where they were killed, and are called sent only when read back."""

import io
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import pytest

from crypto.secret import Secret
from sync.blobdownload import Download
from sync.blobmanifest import blob_prefix, manifest_name, manifest_of, part_name, write_manifest
from sync.blobnotes import Progress, Way, Wish, ask_to_fetch, ask_to_send, progress_of, sent_at_ms, wishes
from sync.blobs import Blobs
from sync.blobtransfer import BlobTransfer, State, Told
from sync.client import KeeperClient
from sync.embedded import EmbeddedStore
from sync.errors import (
    BlobAbsentError,
    BlobAlteredError,
    BlobDamagedError,
    BlobFolderError,
    BlobMissingError,
    StoreRefusedError,
    StoreUnreachableError,
)
from sync.folderstore import FolderConfig, FolderStore
from sync.ids import Origin, Site
from sync.openstore import open_store
from sync.storerights import PrefixKey
from sync.stores import Store
from tests.faults.faultystore import Fault, FaultyStore
from tests.sync.cloud import Cloud, cloud_at, wait_until
from tests.sync.servers import NAMES, served
from tests.sync.site import SCHOOL, TestSite

BOX: Final = Origin(SCHOOL, Site.BOX, 1)
HUB: Final = Origin(SCHOOL, Site.HUB, 1)
PART: Final = 1024
DATA: Final = os.urandom(40 * PART + 17)
DIGEST: Final = sha256(DATA).digest()
SEND: Final = Wish(Way.SEND, DIGEST)
KILLED: Final = """
import sys
from pathlib import Path
from sync.blobs import Blobs
from sync.blobtransfer import BlobTransfer
from sync.client import KeeperClient
from sync.folderstore import FolderConfig, FolderStore
from tests.sync.test_blobtransfer import BOX, PART
site, medium = Path(sys.argv[1]), Path(sys.argv[2])
store = FolderStore(FolderConfig(medium))
client = KeeperClient(site / "run" / "keeper.sock")
transfer = BlobTransfer(Blobs(site / "blobs"), client, store, BOX, lambda: False, part_bytes=PART, share=1.0)
while True:
    transfer.turn()
    print("turn", flush=True)
"""


class Counting:
    """A store that counts what it is asked, by verb and last name of the key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: Counter[tuple[str, str]] = Counter()

    def get(self, key: str) -> bytes | None:
        self._count("get", key)
        return self._store.get(key)

    def put(self, key: str, data: bytes) -> None:
        self._count("put", key)
        self._store.put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._count("create", key)
        return self._store.create(key, data)

    def probe(self, prefix: str) -> None:
        self._count("probe", prefix)
        self._store.probe(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        self._count("sizes", prefix)
        return self._store.sizes(prefix)

    def of(self, verb: str) -> list[str]:
        return sorted(name for asked, name in self.asked if asked == verb)

    def _count(self, verb: str, key: str) -> None:
        self.asked[verb, key.rpartition("/")[2]] += 1


class Clock:
    """A clock that stands, so that pauses can be told; `rest` lets what a turn asked for pass."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Bench:
    """A site with a real keeper, a document, and a transfer over some store."""

    def __init__(self, site: TestSite) -> None:
        self.site, self.clock = site, Clock()
        self.blobs, self.notes = Blobs(site.paths.root / "blobs"), KeeperClient(site.paths.socket)
        self.busy = False
        self.keep(DATA)

    def keep(self, data: bytes) -> bytes:
        digest = sha256(data).digest()
        with self.blobs.receive() as incoming:
            incoming.file.write(data)
            incoming.keep(digest)
        return digest

    def transfer(self, store: Store, spare_bytes: int = 0) -> BlobTransfer:
        """Begin a new life of the transfer."""
        return BlobTransfer(
            self.blobs,
            self.notes,
            store,
            BOX,
            lambda: self.busy,
            share=1.0,
            part_bytes=PART,
            spare_bytes=spare_bytes,
            now=self.clock,
        )

    def run(self, transfer: BlobTransfer, until: Callable[[], object], seconds: float = 60) -> None:
        """Turn until something holds; the pauses cost no time."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, transfer.told() or transfer.failure
            self.clock.at += transfer.turn()

    def send(self, store: Store) -> BlobTransfer:
        ask_to_send(self.notes, DIGEST)
        transfer = self.transfer(store)
        self.run(transfer, lambda: transfer.sent(DIGEST))
        return transfer

    def fetch(self, transfer: BlobTransfer) -> None:
        """Lose the document and fetch it again."""
        self.blobs.remove(DIGEST)
        ask_to_fetch(self.notes, DIGEST, BOX)
        transfer.hurry()
        self.run(transfer, lambda: not transfer.told() and not wishes(self.notes))
        with self.blobs.open(DIGEST) as file:
            assert file.read() == DATA


@pytest.fixture
def bench(site: TestSite) -> Iterator[Bench]:
    made = Bench(site)
    yield made
    made.notes.close()


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    (tmp_path / "medium").mkdir()
    return FolderStore(FolderConfig(tmp_path / "medium"))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with cloud_at(tmp_path) as made:
        yield made


def only(transfer: BlobTransfer) -> Told:
    (told,) = transfer.told()
    return told


@pytest.mark.parametrize("name", NAMES)
def test_a_document_goes_there_and_comes_back_through_every_store(bench: Bench, tmp_path: Path, name: str) -> None:
    with served(name, tmp_path) as server:
        store = open_store(server.place, 10.0)
        try:
            transfer = bench.send(store)
            there = store.sizes(blob_prefix(BOX, DIGEST))
            assert sorted(size for key, size in there.items() if not key.endswith("/manifest")) == [
                17,
                *[PART] * 40,
            ]
            bench.fetch(transfer)
        finally:
            getattr(store, "close", lambda: None)()


def test_a_sites_own_key_pair_is_enough_and_reaches_no_other_prefix(bench: Bench, tmp_path: Path) -> None:
    server = EmbeddedStore(tmp_path / "cloud", "master", Secret(b"master-secret"), "schools", fenced=True)
    server.start()
    try:
        transfer = bench.send(_opened(server, server.issue(BOX.prefix, SCHOOL)))
        bench.fetch(transfer)
        other = bench.keep(b"another")
        ask_to_send(bench.notes, other)
        wrong = bench.transfer(_opened(server, server.issue(HUB.prefix, SCHOOL)))
        bench.run(wrong, lambda: wrong.failure)
        assert isinstance(wrong.failure, StoreRefusedError)
        transfer.hurry()
        bench.run(transfer, lambda: transfer.sent(other))
    finally:
        server.stop()


def _opened(server: EmbeddedStore, key: PrefixKey) -> Store:
    return open_store(server.place(key), 10.0)


def test_each_part_goes_once_is_read_back_and_the_manifest_goes_last(bench: Bench, folder: FolderStore) -> None:
    store = Counting(folder)
    ask_to_send(bench.notes, DIGEST)
    transfer = bench.transfer(store)
    while "manifest" not in store.of("put"):
        assert not transfer.sent(DIGEST)
        bench.clock.at += transfer.turn()
        assert ("manifest" in store.of("put")) <= (len(store.of("get")) == 41), "all were read back before"
    bench.run(transfer, lambda: transfer.sent(DIGEST))
    numbers = [f"{number:06d}" for number in range(41)]
    assert store.of("put") == store.of("get") == [*numbers, "manifest"]
    assert set(store.asked.values()) <= {1, 2} and store.asked["sizes", DIGEST.hex()] == 2
    assert not transfer.told() and not wishes(bench.notes) and sent_at_ms(bench.notes, DIGEST)
    ask_to_send(bench.notes, DIGEST)
    assert not wishes(bench.notes), "what was sent is not asked for again"


def test_nothing_goes_while_what_people_entered_waits(bench: Bench, folder: FolderStore) -> None:
    store = Counting(folder)
    ask_to_send(bench.notes, DIGEST)
    transfer = bench.transfer(store)
    bench.run(transfer, lambda: transfer.told() and only(transfer).proven >= 3)
    bench.busy, before = True, store.asked.total()
    for _ in range(50):
        wait_s = transfer.turn()
        assert wait_s > 0
        bench.clock.at += wait_s
    assert store.asked.total() == before and only(transfer).state is State.YIELDING
    bench.busy = False
    bench.run(transfer, lambda: transfer.sent(DIGEST))


def test_people_who_wait_for_a_document_come_first(bench: Bench, folder: FolderStore) -> None:
    bench.send(folder)
    other = bench.keep(os.urandom(30 * PART))
    ask_to_send(bench.notes, other)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told() and only(transfer).proven >= 3)
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, BOX)
    transfer.hurry()
    bench.run(transfer, lambda: bench.blobs.size(DIGEST))
    assert not transfer.sent(other)
    bench.run(transfer, lambda: transfer.sent(other))


@pytest.mark.faults
@pytest.mark.parametrize("turns", [2, 3, 4, 9, 30, 50, 84, 85, 86])
def test_a_killed_sender_goes_on_with_the_first_part_not_proven(
    bench: Bench, folder: FolderStore, tmp_path: Path, turns: int
) -> None:
    ask_to_send(bench.notes, DIGEST)
    words = (sys.executable, "-c", KILLED, str(bench.site.paths.root), str(tmp_path / "medium"))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        for _ in range(turns):
            run.stdout.readline()
        run.send_signal(signal.SIGKILL)
    assert run.wait(60) == -signal.SIGKILL
    there = {key.rpartition("/")[2] for key in folder.sizes(blob_prefix(BOX, DIGEST))}
    noted = progress_of(bench.notes, SEND).proven
    store = Counting(folder)
    if sent_at_ms(bench.notes, DIGEST) is None:
        transfer = bench.transfer(store)
        bench.run(transfer, lambda: transfer.sent(DIGEST))
    assert not (set(store.of("put")) - {"manifest"}) & there, "no part that is there goes again"
    assert not [name for name in store.of("get") if name.isdigit() and int(name) < noted]
    bench.fetch(bench.transfer(folder))


@pytest.mark.parametrize("proven", [0, 3, 40])
def test_a_killed_receiver_asks_for_no_part_that_came(bench: Bench, folder: FolderStore, proven: int) -> None:
    bench.send(folder)
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, BOX)
    first = bench.transfer(folder)
    bench.run(first, lambda: first.told() and only(first).proven >= proven)
    with bench.blobs.resume(DIGEST) as part:
        part.file.seek(0, os.SEEK_END)
        part.file.write(b"half a par")
    store = Counting(folder)
    second = bench.transfer(store)
    bench.run(second, lambda: bench.blobs.size(DIGEST))
    assert [name for name in store.of("get") if name.isdigit()] == [f"{n:06d}" for n in range(proven, 41)]
    with bench.blobs.open(DIGEST) as file:
        assert file.read() == DATA


def test_a_part_that_was_altered_on_this_disk_is_fetched_again(bench: Bench, folder: FolderStore) -> None:
    bench.send(folder)
    bench.blobs.remove(DIGEST)
    with bench.blobs.resume(DIGEST) as part:
        part.file.write(DATA[: 2 * PART] + b"?" + DATA[2 * PART + 1 : 5 * PART])
    store = Counting(folder)
    work = Download(bench.blobs, store, BOX, DIGEST, 0)
    while not work.done:
        work.step()
    assert [name for name in store.of("get") if name.isdigit()] == [f"{n:06d}" for n in range(2, 41)]


def test_a_damaged_document_is_fetched_over_what_stands_there(bench: Bench, folder: FolderStore) -> None:
    transfer = bench.send(folder)
    bench.blobs.path(DIGEST).write_bytes(b"?" + DATA[1:])
    ask_to_fetch(bench.notes, DIGEST, BOX)
    transfer.hurry()
    bench.run(transfer, lambda: not transfer.told() and not wishes(bench.notes))
    with bench.blobs.open(DIGEST) as file:
        assert file.read() == DATA


def test_a_document_that_is_here_costs_no_request(bench: Bench, folder: FolderStore) -> None:
    store = Counting(folder)
    ask_to_fetch(bench.notes, DIGEST, HUB)
    transfer = bench.transfer(store)
    bench.run(transfer, lambda: not wishes(bench.notes))
    assert not store.asked


def test_what_the_other_side_has_not_sent_is_awaited_with_growing_pauses(
    bench: Bench, folder: FolderStore
) -> None:
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, HUB)
    transfer, pauses = bench.transfer(folder), []
    for _ in range(4):
        bench.run(transfer, lambda: transfer.told() and only(transfer).state is State.PAUSED)
        told = only(transfer)
        assert isinstance(told.failure, BlobAbsentError)
        pauses.append(told.again_s)
        bench.clock.at += told.again_s
    assert pauses == [1, 2, 4, 8]
    for number in range(41):
        folder.put(part_name(HUB, DIGEST, number), DATA[number * PART :][:PART])
    ask_to_send(bench.notes, bench.keep(b"another"))
    transfer.hurry()
    bench.run(transfer, lambda: transfer.sent(sha256(b"another").digest()))
    assert bench.blobs.size(DIGEST) is None, "parts without a manifest are nothing yet"
    manifest = manifest_of(io.BytesIO(DATA), DIGEST, PART)
    folder.put(manifest_name(HUB, DIGEST), write_manifest(manifest))
    bench.run(transfer, lambda: not wishes(bench.notes))
    assert bench.blobs.size(DIGEST) == len(DATA)


@pytest.mark.parametrize("name", ["000007", "000040"])
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_a_part_that_the_store_altered_is_refused_until_it_is_right(
    bench: Bench, folder: FolderStore, name: str, harm: str
) -> None:
    bench.send(folder)
    bench.blobs.remove(DIGEST)
    path = next(path for path in folder_files(folder) if path.name == name)
    good = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes((good[0] ^ 1,)) + good[1:] if harm == "flip" else good[:-1])
    ask_to_fetch(bench.notes, DIGEST, BOX)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told() and only(transfer).failure)
    assert isinstance(only(transfer).failure, BlobAlteredError) and only(transfer).proven == int(name)
    assert bench.blobs.size(DIGEST) is None
    path.write_bytes(good)
    bench.run(transfer, lambda: not wishes(bench.notes))
    with bench.blobs.open(DIGEST) as file:
        assert file.read() == DATA


def folder_files(store: FolderStore) -> list[Path]:
    return [path for path in store._root.rglob("*") if path.is_file()]


def test_a_store_that_gives_another_document_under_this_name_gets_nothing_named(
    bench: Bench, folder: FolderStore
) -> None:
    other = os.urandom(3 * PART)
    manifest = manifest_of(io.BytesIO(other), sha256(other).digest(), PART)
    for number in range(3):
        folder.put(part_name(HUB, DIGEST, number), other[number * PART :][:PART])
    folder.put(manifest_name(HUB, DIGEST), write_manifest(msgspec.structs.replace(manifest, sha256=DIGEST)))
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, HUB)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told() and only(transfer).failure)
    assert isinstance(only(transfer).failure, BlobAlteredError)
    assert [path for path in bench.blobs.folder.rglob("*") if path.is_file()] == []


def test_a_part_that_went_from_the_store_goes_again_before_it_is_called_sent(
    bench: Bench, folder: FolderStore
) -> None:
    ask_to_send(bench.notes, DIGEST)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told() and only(transfer).proven == 40)
    for path in folder_files(folder):
        if path.name in ("000003", "000020"):
            path.unlink()
    failures = []
    while not transfer.sent(DIGEST):
        bench.clock.at += transfer.turn()
        failures += [told.failure for told in transfer.told() if told.failure]
    assert {type(failure) for failure in failures} == {BlobAlteredError}
    bench.fetch(transfer)


def test_a_document_that_is_damaged_or_gone_here_is_told_and_holds_up_no_other(
    bench: Bench, folder: FolderStore
) -> None:
    damaged, gone, good = bench.keep(b"damaged"), bench.keep(b"gone"), bench.keep(b"good")
    bench.blobs.path(damaged).write_bytes(b"DAMAGED")
    bench.blobs.remove(gone)
    for digest in (damaged, gone, good):
        ask_to_send(bench.notes, digest)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.sent(good))
    bench.run(transfer, lambda: all(told.failure for told in transfer.told()))
    failures = {told.digest: type(told.failure) for told in transfer.told()}
    assert failures == {damaged: BlobDamagedError, gone: BlobMissingError}
    assert not folder.sizes(blob_prefix(BOX, damaged)), "no byte of a damaged document goes out"


def test_a_document_damaged_while_it_goes_out_stops(bench: Bench, folder: FolderStore) -> None:
    ask_to_send(bench.notes, DIGEST)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told() and only(transfer).proven == 5)
    bench.blobs.path(DIGEST).write_bytes(DATA[: 10 * PART] + b"?" + DATA[10 * PART + 1 :])
    bench.run(transfer, lambda: transfer.told() and only(transfer).failure)
    assert isinstance(only(transfer).failure, BlobDamagedError)
    assert folder.get(part_name(BOX, DIGEST, 10)) is None and folder.get(manifest_name(BOX, DIGEST)) is None


@pytest.mark.faults
@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("fault", [each for each in Fault if each not in (Fault.SLOW, Fault.HANGING)])
def test_every_fault_of_the_store_is_told_and_outlived(bench: Bench, cloud: Cloud, fault: Fault, way: Way) -> None:
    proxy = FaultyStore("127.0.0.1", cloud.server.port)
    try:
        store = open_store(replace(cloud.direct, endpoint=proxy.endpoint), 3.0)
        ask_to_send(bench.notes, DIGEST)
        transfer = bench.transfer(store)
        if way is Way.FETCH:
            bench.run(transfer, lambda: transfer.sent(DIGEST))
            bench.blobs.remove(DIGEST)
            ask_to_fetch(bench.notes, DIGEST, BOX)
            transfer.hurry()
        bench.run(transfer, lambda: transfer.told() and only(transfer).proven >= 3)
        proxy.fail(fault, share=0.5)
        seen, end = [], time.monotonic() + 60
        while proxy.struck[fault] < 6 and transfer.told():
            assert time.monotonic() < end
            bench.clock.at += transfer.turn()
            told = transfer.told()
            seen += [each.failure for each in told if each.failure]
            assert all(each.again_s > 0 for each in told if each.state is State.PAUSED)
        proxy.heal()
        expected = (StoreUnreachableError, StoreRefusedError, BlobAlteredError, BlobAbsentError)
        assert all(isinstance(each, expected) and each.retry_safe for each in seen)
        assert seen or fault is Fault.STALE_LISTING
        bench.run(transfer, lambda: not wishes(bench.notes))
        bench.fetch(transfer)
    finally:
        proxy.close()


@pytest.mark.faults
@pytest.mark.parametrize("way", list(Way))
def test_a_line_cut_in_mid_part_is_waited_for_and_gone_on_with(bench: Bench, cloud: Cloud, way: Way) -> None:
    store = open_store(cloud.config, 3.0)
    ask_to_send(bench.notes, DIGEST)
    transfer = bench.transfer(store)
    if way is Way.FETCH:
        bench.run(transfer, lambda: transfer.sent(DIGEST))
        bench.blobs.remove(DIGEST)
        ask_to_fetch(bench.notes, DIGEST, BOX)
        transfer.hurry()
    bench.run(transfer, lambda: transfer.told() and only(transfer).proven >= 3)
    cloud.line.cut()
    pauses = []
    for _ in range(4):
        while not only(transfer).again_s:
            wait_s = transfer.turn()
            bench.clock.at += 0.0 if only(transfer).again_s else wait_s
        assert only(transfer).state is State.PAUSED and isinstance(transfer.failure, StoreUnreachableError)
        pauses.append(only(transfer).again_s)
        bench.clock.at += pauses[-1]
    assert pauses == [1, 2, 4, 8]
    cloud.line.mend()
    bench.run(transfer, lambda: not wishes(bench.notes))
    assert transfer.failure is None
    bench.fetch(transfer)


def test_a_disk_without_room_is_told_before_a_byte_comes(bench: Bench, folder: FolderStore) -> None:
    bench.send(folder)
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, BOX)
    store = Counting(folder)
    transfer = bench.transfer(store, spare_bytes=1 << 60)
    bench.run(transfer, lambda: transfer.told() and only(transfer).failure)
    assert isinstance(only(transfer).failure, BlobFolderError) and store.of("get") == ["manifest"]


@pytest.mark.faults
def test_a_disk_that_fills_up_meanwhile_is_told_and_gone_on_with(bench: Bench, folder: FolderStore) -> None:
    """A limit on the size of files stands for a full disk: the kernel then takes a part of a write, or none."""
    bench.send(folder)
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, BOX)
    transfer = bench.transfer(folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 * PART + 100, before[1]))
    try:
        bench.run(transfer, lambda: transfer.told() and only(transfer).failure)
        assert isinstance(only(transfer).failure, BlobFolderError) and only(transfer).proven == 10
        assert bench.blobs.size(DIGEST) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    bench.run(transfer, lambda: not wishes(bench.notes))
    with bench.blobs.open(DIGEST) as file:
        assert file.read() == DATA


@pytest.mark.faults
def test_a_keeper_that_is_away_is_waited_for(bench: Bench, folder: FolderStore) -> None:
    ask_to_send(bench.notes, DIGEST)
    bench.notes.close()
    bench.notes = KeeperClient(bench.site.paths.socket, patience_s=0.2)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told() and only(transfer).proven >= 3)
    bench.site.kill_keeper()
    bench.run(transfer, lambda: transfer.failure)
    bench.site.start_keeper()
    bench.run(transfer, lambda: transfer.sent(DIGEST))
    bench.fetch(transfer)


def test_notes_of_another_version_are_passed_over(bench: Bench, folder: FolderStore) -> None:
    bench.notes.local_put("blobs", "carve/stone", b"x")
    bench.notes.local_put("blobs", f"send/{'ab' * 31}", b"x")
    bench.notes.local_put("blobs", SEND.key, b"\xc1")
    assert wishes(bench.notes) == (SEND,) and progress_of(bench.notes, SEND) == Progress()
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.sent(DIGEST))


def test_a_store_that_is_exchanged_gets_everything(bench: Bench, folder: FolderStore, tmp_path: Path) -> None:
    ask_to_send(bench.notes, DIGEST)
    first = bench.transfer(folder)
    bench.run(first, lambda: first.told() and only(first).proven >= 33)
    assert progress_of(bench.notes, SEND).proven == 32
    (tmp_path / "new").mkdir()
    other = FolderStore(FolderConfig(tmp_path / "new"))
    second = bench.transfer(other)
    bench.run(second, lambda: second.sent(DIGEST))
    bench.fetch(bench.transfer(other))


def test_a_begin_tidies_what_nobody_awaits(bench: Bench, folder: FolderStore) -> None:
    for digest in (bytes(32), DIGEST):
        with bench.blobs.resume(digest) as part:
            part.file.write(DATA[:PART])
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, BOX)
    transfer = bench.transfer(folder)
    bench.run(transfer, lambda: transfer.told())
    wait_until(lambda: [path.name for path in bench.blobs.folder.iterdir()].count(f".part-{'00' * 32}") == 0)
    assert (bench.blobs.folder / f".part-{DIGEST.hex()}").exists()
