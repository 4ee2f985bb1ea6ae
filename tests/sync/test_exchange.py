"""Two sites over a real store: what one enters, the other merges and countersigns; nothing is claimed early."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.clock import wall_ms
from sync.countersigns import heads_agree
from sync.errors import RolledBackError, SegmentError
from sync.objectstore import ObjectStore
from sync.openrecords import CHECKPOINT, checkpoint_record
from sync.reader import Reader
from tests.sync.pair import BOX, Pair, pair_at


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with pair_at(tmp_path) as made:
        made.begin()
        yield made


def test_an_entry_is_merged_and_countersigned_and_back(pair: Pair) -> None:
    seq = pair.box.mark("aoi")
    assert pair.box.exchange is not None and pair.box.exchange.confirmed.seq < seq
    pair.until_confirmed(pair.box, seq)
    assert pair.hub.values() == pair.box.values() and len(pair.hub.values()) == 1
    hub_seq = pair.hub.mark("aoi", b"late")
    pair.until_confirmed(pair.hub, hub_seq)
    assert list(pair.box.values().values()) == [(b"late", 1)]


def test_entries_on_both_sides_of_a_cut_are_a_conflict_until_a_person_settles_it(pair: Pair) -> None:
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    pair.cloud.line.cut()
    pair.box.mark("aoi", b"box")
    pair.hub.mark("aoi", b"hub")
    pair.hub.mark("haru", b"hub")
    for _ in range(20):
        pair.turn()
    assert pair.box.exchange is not None and pair.box.exchange.failure is not None
    pair.cloud.line.mend()
    pair.settle()
    assert pair.box.values() == pair.hub.values()
    assert sorted(heads for _, heads in pair.box.values().values()) == [1, 2]
    pair.box.mark("aoi", b"settled")
    pair.settle()
    assert pair.hub.values() == pair.box.values()
    assert sorted(pair.hub.values().values()) == [(b"hub", 1), (b"settled", 1)]


def test_what_is_in_the_way_is_told_until_it_is_gone(pair: Pair) -> None:
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    seq = pair.box.mark("haru")
    assert pair.box.exchange is not None and pair.hub.exchange is not None
    objects, hub = ObjectStore(pair.cloud.direct), pair.hub.exchange
    name = hub._inbox.wanted(BOX).name
    end = time.monotonic() + 60
    while (sent := objects.get(name)) is None:
        assert time.monotonic() < end, pair.box.exchange.failure
        pair.box.exchange.step()
    objects.put(name, b"\x01nonsense")
    hub.hurry()
    for _ in range(5):  # only the first one asks: the next question has a pause before it
        hub.step()
        assert isinstance(hub.failure, SegmentError)
    objects.put(name, sent)
    hub.hurry()
    hub.step()
    assert hub.failure is None
    pair.until_confirmed(pair.box, seq)


def test_quiet_sites_stop_talking(pair: Pair) -> None:
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    pair.settle()
    for _ in range(30):
        pair.turn()
    before = pair.positions(pair.box)
    for _ in range(100):
        pair.turn()
    assert pair.positions(pair.box) == before


def test_a_database_that_was_rolled_back_says_so_and_sends_nothing(pair: Pair) -> None:
    """The newest countersigned position stands in `local.db`, where a database that is put back cannot take it."""
    paths = pair.box.site.paths
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    pair.box.end()
    pair.box.site.stop_keeper()
    files = {suffix: Path(f"{paths.store}{suffix}") for suffix in ("", "-wal", "-shm")}
    old = {suffix: file.read_bytes() for suffix, file in files.items() if file.exists()}
    pair.box.site.start_keeper()
    pair.box.begin(ObjectStore(pair.cloud.config), pair.settings(pair.box))
    pair.until_confirmed(pair.box, pair.box.mark("haru"))
    pair.box.end()
    pair.box.site.stop_keeper()
    for suffix, file in files.items():
        file.unlink(missing_ok=True)
        if suffix in old:
            file.write_bytes(old[suffix])
    pair.box.site.start_keeper()
    with pytest.raises(RolledBackError):
        pair.box.begin(ObjectStore(pair.cloud.config), pair.settings(pair.box))


def test_clocks_that_differ_are_measured(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's clock runs three minutes ahead: its countersigns tell."""
    monkeypatch.setattr("sync.countersigns.wall_ms", lambda: wall_ms() + 180_000)
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    assert pair.box.exchange is not None and pair.box.exchange.clock_skew_ms is not None
    assert abs(pair.box.exchange.clock_skew_ms - 180_000) < 5_000


def test_a_checkpoint_is_countersigned_too_if_later(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people made is vouched for at once; a site's own summary may wait for the next word."""
    monkeypatch.setattr("sync.exchange._COURTESY_S", 0.05)
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    pair.settle()
    with contextlib.closing(Reader(pair.box.site.paths.store)) as reader:
        (checkpoint,) = reader.heads(CHECKPOINT, [checkpoint_record(BOX)])
    pair.until_confirmed(pair.box, checkpoint.seq)
    with contextlib.closing(Reader(pair.hub.site.paths.store)) as reader:
        assert heads_agree(reader, BOX) is True, "both sites had the same heads"
