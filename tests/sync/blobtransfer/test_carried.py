"""Documents on a medium: what was not sent goes there and is kept for others, twice, and one that is damaged."""

from pathlib import Path

from sync.blobmanifest import blob_prefix, part_name
from sync.blobnotes import ask_to_fetch, ask_to_send, wishes
from sync.blobs import Blobs
from sync.carrydocuments import export_documents, import_documents
from sync.folderstore import FolderConfig, FolderStore
from tests.sync.blobtransfer.bench import BOX, DATA, DIGEST, HUB, Bench


def store_at(folder: Path) -> FolderStore:
    folder.mkdir()
    return FolderStore(FolderConfig(folder))


def test_what_was_not_sent_is_carried_and_can_be_fetched_where_it_would_lie(
    bench: Bench, folder: FolderStore, tmp_path: Path
) -> None:
    sent = bench.keep(b"sent before")
    ask_to_send(bench.notes, sent)
    store, work = store_at(tmp_path / "store"), Blobs(tmp_path / "work")
    before = bench.transfer(store)
    bench.run(before, lambda: before.sent(sent))
    ask_to_send(bench.notes, DIGEST)
    assert export_documents(bench.blobs, bench.notes, BOX, folder).count == 1
    assert export_documents(bench.blobs, bench.notes, BOX, folder).count == 1, "a medium may be written again"
    assert not folder.sizes(blob_prefix(BOX, sent)) and wishes(bench.notes), "it is on a medium, not sent"

    assert import_documents(work, [HUB], folder, store).count == 0, "of nobody whom the board did not grant"
    done = import_documents(work, [HUB, BOX], folder, store)
    assert (done.count, done.faults) == (1, {}) and not list(work.names())
    assert store.sizes(blob_prefix(BOX, DIGEST)) == folder.sizes(blob_prefix(BOX, DIGEST))
    assert import_documents(work, [BOX], folder, store).count == 0
    bench.blobs.remove(DIGEST)
    ask_to_fetch(bench.notes, DIGEST, BOX)
    transfer = bench.transfer(store)
    bench.run(transfer, lambda: bench.blobs.size(DIGEST))
    with bench.blobs.open(DIGEST) as file:
        assert file.read() == DATA


def test_what_is_damaged_here_or_on_the_medium_is_named_and_holds_up_no_other(
    bench: Bench, folder: FolderStore, tmp_path: Path
) -> None:
    good, damaged = bench.keep(b"good"), bench.keep(b"damaged")
    bench.blobs.path(damaged).write_bytes(b"DAMAGED")
    for digest in (good, damaged, DIGEST):
        ask_to_send(bench.notes, digest)
    done = export_documents(bench.blobs, bench.notes, BOX, folder)
    assert (done.count, done.faults) == (2, {damaged.hex(): "SYNC-025"})
    part = folder.get(part_name(BOX, DIGEST, 0))
    assert part is not None
    folder.put(part_name(BOX, DIGEST, 0), bytes((part[0] ^ 1,)) + part[1:])
    store, work = store_at(tmp_path / "store"), Blobs(tmp_path / "work")
    done = import_documents(work, [BOX], folder, store)
    assert (done.count, done.faults) == (1, {DIGEST.hex(): "SYNC-055"})
    assert store.sizes("") == store.sizes(blob_prefix(BOX, good)), "not a part of what is not whole"
    folder.put(part_name(BOX, DIGEST, 0), part)
    assert import_documents(work, [BOX], folder, store).count == 1


def test_a_box_without_a_line_keeps_what_a_medium_brings(
    bench: Bench, folder: FolderStore, tmp_path: Path
) -> None:
    ask_to_send(bench.notes, DIGEST)
    export_documents(bench.blobs, bench.notes, HUB, folder)
    (tmp_path / "medium" / HUB.prefix / "blobs" / "no-document").mkdir()
    here = Blobs(tmp_path / "here")
    assert import_documents(here, [HUB], folder).count == 1
    with here.open(DIGEST) as file:
        assert file.read() == DATA
    assert import_documents(here, [HUB], folder).count == 0
