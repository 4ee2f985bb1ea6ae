"""Two sites over a real store: what one enters, the other merges and countersigns; nothing is claimed early."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.pair import Pair, pair_at


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


def test_quiet_sites_stop_talking(pair: Pair) -> None:
    pair.until_confirmed(pair.box, pair.box.mark("aoi"))
    pair.settle()
    for _ in range(30):
        pair.turn()
    before = pair.positions(pair.box)
    for _ in range(100):
        pair.turn()
    assert pair.positions(pair.box) == before
