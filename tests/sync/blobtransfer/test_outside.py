"""What a store, a line, a disk or a keeper does to a document under way is told, outlived and gone on with."""

import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sync.blobnotes import Progress, Way, ask_to_fetch, ask_to_send, progress_of, wishes
from sync.blobtransfer import State
from sync.client import KeeperClient
from sync.errors import (
    BlobAbsentError,
    BlobAlteredError,
    BlobFolderError,
    StoreRefusedError,
    StoreUnreachableError,
)
from sync.folderstore import FolderConfig, FolderStore
from sync.openstore import open_store
from tests.faults.faultystore import Fault, FaultyStore
from tests.sync.blobtransfer.bench import BOX, DATA, DIGEST, PART, SEND, Bench, Counting, only
from tests.sync.cloud import Cloud, wait_until


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
