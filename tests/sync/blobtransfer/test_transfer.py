"""Documents go through every store, go on where they were killed, and are called sent only when read back."""

import io
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from crypto.secret import Secret
from sync.blobdownload import Download
from sync.blobmanifest import blob_prefix, manifest_name, manifest_of, part_name, write_manifest
from sync.blobnotes import ask_to_fetch, ask_to_send, problem_of, progress_of, sent_at_ms, wishes
from sync.blobtransfer import State
from sync.embedded import EmbeddedStore
from sync.errors import (
    BlobAbsentError,
    BlobAlteredError,
    BlobDamagedError,
    BlobMissingError,
    StoreRefusedError,
)
from sync.folderstore import FolderStore
from sync.openstore import open_store
from sync.storerights import PrefixKey
from sync.stores import Store
from tests.sync.blobtransfer.bench import BOX, DATA, DIGEST, HUB, KILLED, PART, SEND, Bench, Counting, only
from tests.sync.servers import NAMES, served
from tests.sync.site import SCHOOL


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
        assert problem_of(bench.notes, DIGEST) == BlobAbsentError.code
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
    assert bench.blobs.size(DIGEST) is None and problem_of(bench.notes, DIGEST) == BlobAlteredError.code
    path.write_bytes(good)
    bench.run(transfer, lambda: not wishes(bench.notes))
    assert problem_of(bench.notes, DIGEST) == ""
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
