"""What the segments tell of a school's days, and what a restored store is known to lack."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.clock import wall_ms
from sync.complete import rebuild
from sync.errors import SegmentError
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.segment import segment_name
from sync.shortfall import CHECKPOINTED, COUNTERSIGNED, SEGMENT, find_lacking
from sync.timeline import QUARTER_MS, Timeline, known_origins, read_timeline
from tests.sync.pair import BOX, HUB, RULES, Pair, pair_at
from tests.sync.site import SCHOOL

ENTRIES = 8


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A box with a segment for every entry, and a hub that countersigned them all."""
    with pair_at(tmp_path_factory.mktemp("pair")) as made:
        made.begin()
        for number in range(ENTRIES):
            made.until_confirmed(made.box, made.box.mark(f"pupil-{number}"))
        made.hub.mark("from-the-hub", b"correction")
        made.settle()
        yield made


@contextlib.contextmanager
def instead(store: ObjectStore, pair: Pair, number: int, data: bytes | None) -> Iterator[None]:
    """Let a segment of the box be gone, or be other bytes."""
    name = segment_name(BOX, number)
    good = store.get(name)
    assert good is not None
    if data is None:
        (pair.cloud.bucket / name).unlink()
        pair.cloud.restart()
    else:
        store.put(name, data)
    try:
        yield
    finally:
        store.put(name, good)


def library(pair: Pair) -> ObjectStore:
    return ObjectStore(pair.cloud.direct)


def whole(pair: Pair) -> Timeline:
    return read_timeline(library(pair), SCHOOL, (0, wall_ms() + QUARTER_MS))


def box_rows(pair: Pair) -> list[int]:
    """Return when each change that people made at the box was made, from the box's own store."""
    with contextlib.closing(Reader(pair.box.site.paths.store)) as reader:
        return [row.at_ms for row in reader.since(0, origin=BOX) if not row.kind.startswith("site.")]


def test_every_change_of_people_is_counted_once_in_its_quarter(pair: Pair) -> None:
    told, rows = whole(pair), box_rows(pair)
    assert known_origins(library(pair), SCHOOL) == [BOX, HUB]
    of_box = [quarter for quarter in told.quarters if quarter.origin == BOX]
    assert sum(quarter.changes for quarter in of_box) == len(rows)
    for quarter in of_box:
        inside = [at_ms for at_ms in rows if quarter.start_ms <= at_ms < quarter.start_ms + QUARTER_MS]
        assert (quarter.changes, quarter.first_ms, quarter.last_ms) == (len(inside), min(inside), max(inside))
    assert any(quarter.origin == HUB for quarter in told.quarters)
    countersigns = [event for event in told.events if event.kind == "countersign" and event.origin == HUB]
    assert len(countersigns) >= ENTRIES and countersigns[-1].seq >= len(rows)
    assert not [event for event in told.events if event.kind in ("gap", "damaged")]


def test_a_span_holds_what_was_made_within_it_and_nothing_else(pair: Pair) -> None:
    rows = box_rows(pair)
    start, end = rows[-4], rows[-2]
    told = read_timeline(library(pair), SCHOOL, (start, end))
    counted = sum(quarter.changes for quarter in told.quarters if quarter.origin == BOX)
    assert counted == sum(start <= at_ms < end for at_ms in rows) >= 1
    assert all(start <= event.at_ms < end for event in told.events)
    assert read_timeline(library(pair), SCHOOL, (1, 2)).changes == 0
    assert read_timeline(library(pair), SCHOOL, (rows[-1] + 3_600_000, rows[-1] + 7_200_000)).changes == 0


def test_a_missing_and_a_damaged_segment_are_told_and_the_rest_is_counted(pair: Pair) -> None:
    store, before = library(pair), whole(pair)
    for data, kind in ((None, "gap"), (b"\x01no segment", "damaged")):
        with instead(store, pair, 5, data):
            told = whole(pair)
        assert [event.kind for event in told.events if event.kind in ("gap", "damaged")] == [kind]
        assert before.changes - 5 <= told.changes < before.changes
    assert whole(pair) == before or whole(pair).changes == before.changes


def test_a_school_without_segments_has_no_timeline(pair: Pair) -> None:
    assert known_origins(library(pair), "C2999") == []
    assert read_timeline(library(pair), "C2999", (0, wall_ms())).quarters == ()


def test_a_whole_store_lacks_nothing(pair: Pair, tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    rebuild(made, BOX, library(pair), pair.root.sign.verify_key, RULES)
    assert find_lacking(made, library(pair)) == () == find_lacking(made, None)


def test_a_store_that_a_gap_or_a_damaged_segment_cut_short_knows_what_it_lacks(pair: Pair, tmp_path: Path) -> None:
    store, root = library(pair), pair.root.sign.verify_key
    with contextlib.closing(Reader(pair.box.site.paths.store)) as reader:
        full = reader.position(BOX).seq
    for name, data in (("gap", None), ("damaged", b"\x01no segment")):
        made = tmp_path / f"{name}.db"
        with instead(store, pair, 5, data):
            with contextlib.suppress(SegmentError):
                rebuild(made, BOX, store, root, RULES)
            lacking = {lack.origin: lack for lack in find_lacking(made, store)}
            with contextlib.closing(Reader(made)) as reader:
                held, newest = reader.position(BOX).seq, reader.since(reader.position(BOX).seq - 1, 1, BOX)[0]
        lack = lacking[BOX]
        assert (lack.held, lack.held_ms) == (held, newest.at_ms) and held < lack.known <= full
        assert lack.source in (SEGMENT, COUNTERSIGNED, CHECKPOINTED) and lack.changes == lack.known - held
        assert find_lacking(made, None, full + 7)[0].changes == full + 7 - held
