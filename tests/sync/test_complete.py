"""Stores completed from segments, built from segments alone, and made the store of another life."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from sync.complete import complete, rebuild
from sync.errors import BadBatchError, BrokenSegmentChainError, ReadOnlyError, SegmentError
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore
from sync.offlinelog import OfflineLog, rebase
from sync.reader import Reader
from sync.schema import create_store
from sync.segment import segment_name
from sync.stores import Store
from sync.verify import verify_store
from tests.sync.pair import BOX, HUB, RULES, Pair, pair_at
from tests.sync.samecontent import same_content
from tests.sync.site import SCHOOL


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with pair_at(tmp_path) as made:
        made.begin()
        for number in range(12):
            last = made.box.mark(f"pupil-{number}")
            made.until_confirmed(made.box, last)
        made.hub.mark("from-the-hub", b"correction")
        made.settle()
        yield made


def copy_of(pair: Pair, folder: Path) -> Path:
    """Copy the box's store as it stands, as a snapshot of Litestream would."""
    target = folder / "copy.db"
    for suffix in ("", "-wal"):  # nobody writes just now
        shutil.copy(f"{pair.box.site.paths.store}{suffix}", f"{target}{suffix}")
    return target


def library(pair: Pair) -> ObjectStore:
    return ObjectStore(pair.cloud.direct)


def test_an_older_database_is_completed_from_segments(pair: Pair, tmp_path: Path) -> None:
    old, root = copy_of(pair, tmp_path), pair.root.sign.verify_key
    for number in range(7):
        pair.until_confirmed(pair.box, pair.box.mark(f"later-{number}"))
    pair.hub.mark("later-hub", b"correction")
    pair.settle()
    done = complete(old, library(pair), root, RULES)
    assert done.added[BOX] >= 7 and done.added[HUB] >= 1
    assert same_content(old, pair.box.site.paths.store)
    verify_store(old, root, SCHOOL, rules=RULES, full=True)
    assert complete(old, library(pair), root, RULES).changes == 0


class Meanwhile:
    """A store into which a site sends while it is asked: what is `new` is there from the question after `asks`."""

    def __init__(self, store: ObjectStore, new: set[str], asks: int) -> None:
        self._store, self._new, self._left = store, new, asks

    def get(self, key: str) -> bytes | None:
        if key in self._new and self._left:
            self._left -= 1
            return None
        return self._store.get(key)


@pytest.mark.parametrize("asks", range(1, 6))
def test_what_a_site_sends_while_its_segments_are_looked_for_is_read_too(
    pair: Pair, tmp_path: Path, asks: int
) -> None:
    old, root, store = copy_of(pair, tmp_path), pair.root.sign.verify_key, library(pair)
    before = set(store.sizes(f"{BOX.prefix}/changes"))
    pair.until_confirmed(pair.box, pair.box.mark("later"))
    pair.settle()
    new = set(store.sizes(f"{BOX.prefix}/changes")) - before
    assert new
    complete(old, cast(Store, Meanwhile(store, new, asks)), root, RULES)
    complete(old, store, root, RULES)
    assert same_content(old, pair.box.site.paths.store)


def test_a_database_is_completed_to_the_second_that_was_asked_for(pair: Pair, tmp_path: Path) -> None:
    old, root = copy_of(pair, tmp_path), pair.root.sign.verify_key
    seqs = []
    for number in range(4):
        seqs.append(pair.box.mark(f"later-{number}"))
    pair.until_confirmed(pair.box, seqs[-1])  # all four may stand in one segment
    with contextlib.closing(Reader(pair.box.site.paths.store)) as reader:
        (third,) = reader.since(seqs[2] - 1, 1)
    complete(old, library(pair), root, RULES, until_ms=third.at_ms)
    with contextlib.closing(Reader(old)) as reader:
        assert reader.position(BOX).seq == seqs[2]
        assert all(
            row.at_ms <= third.at_ms for origin in reader.origins() for row in reader.since(0, origin=origin)
        )
    verify_store(old, root, SCHOOL, rules=RULES, full=True)


def test_a_site_is_built_from_segments_alone(pair: Pair, tmp_path: Path) -> None:
    made, root = tmp_path / "made.db", pair.root.sign.verify_key
    done = rebuild(made, BOX, library(pair), root, RULES)
    assert done.changes == verify_store(made, root, SCHOOL, rules=RULES, full=True).changes
    assert same_content(made, pair.box.site.paths.store)
    hub = tmp_path / "hub.db"
    rebuild(hub, HUB, library(pair), root, RULES)
    assert same_content(hub, made)


def test_a_damaged_segment_ends_the_completion_and_what_came_before_it_stands(pair: Pair, tmp_path: Path) -> None:
    made, root, store = tmp_path / "made.db", pair.root.sign.verify_key, library(pair)
    name = segment_name(BOX, 5)
    good = store.get(name)
    assert good is not None
    store.put(name, good[:-1] + bytes((good[-1] ^ 1,)))
    with pytest.raises(SegmentError):
        rebuild(made, BOX, store, root, RULES)
    part = verify_store(made, root, SCHOOL, rules=RULES)
    assert part.seq > 0
    assert not same_content(made, pair.box.site.paths.store)
    store.put(name, good)
    complete(made, store, root, RULES)
    assert same_content(made, pair.box.site.paths.store)


def test_segments_of_another_past_are_refused(pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pair_at(other) as second:  # the same school, enrolled by another board
        second.begin()
        second.until_confirmed(second.box, second.box.mark("pupil-0"))
        old = copy_of(second, other)
        with pytest.raises((SegmentError, BrokenSegmentChainError)):
            complete(old, library(pair), second.root.sign.verify_key, RULES)
        assert same_content(old, second.box.site.paths.store)


def test_a_rebased_store_begins_another_life_with_everything_of_the_former(pair: Pair, tmp_path: Path) -> None:
    store, root = copy_of(pair, tmp_path), pair.root.sign.verify_key
    with contextlib.closing(Reader(store)) as reader:
        before = reader.changes()
    rebase(store, Origin(SCHOOL, Site.BOX, 2))
    verified = verify_store(store, root, SCHOOL, rules=RULES)
    assert verified.origin == Origin(SCHOOL, Site.BOX, 2) and verified.seq == 0
    assert verified.changes == before
    complete(store, library(pair), root, RULES)
    pair.until_confirmed(pair.box, pair.box.mark("after the copy"))
    assert complete(store, library(pair), root, RULES).added[BOX] >= 1
    shutil.copy(store, tmp_path / "again.db")
    verify_store(tmp_path / "again.db", root, SCHOOL, rules=RULES, full=True)


def test_an_offline_log_writes_nothing_of_its_own(tmp_path: Path) -> None:
    create_store(tmp_path / "empty.db", BOX)
    with contextlib.closing(OfflineLog(tmp_path / "empty.db")) as log:
        assert log.hello().seq == 0
        with pytest.raises(ReadOnlyError):
            log.submit(None)  # type: ignore[arg-type]  # whatever it is
        with pytest.raises(BadBatchError):
            log.take(Origin("A000000000000", Site.BOX, 1), 1, [], {})
        log.local_put("space", "key", b"1")
        assert log.local_get("space", "key") == b"1"
        log.local_put("space", "key", None)
        assert log.local_get("space", "key") is None
