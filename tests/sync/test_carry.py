"""Segments on a medium: both ways, twice, late, in part, and beside a running exchange."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync.carry import Exported, copy_unconfirmed, export_segments, import_segments
from sync.client import KeeperClient
from sync.errors import BrokenSegmentChainError, SegmentError
from sync.folderstore import FolderConfig, FolderStore
from sync.objectstore import ObjectStore
from sync.outbox import Outbox, read_outbox
from sync.reader import Reader
from sync.segment import segment_name
from tests.sync.pair import BOX, HUB, Pair, Party, pair_at
from tests.sync.samecontent import same_content


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with pair_at(tmp_path) as made:
        yield made


@pytest.fixture
def medium(tmp_path: Path) -> FolderStore:
    (tmp_path / "medium").mkdir()
    return FolderStore(FolderConfig(tmp_path / "medium"))


def export(party: Party, medium: FolderStore) -> int:
    with (
        closing(Reader(party.site.paths.store)) as reader,
        closing(KeeperClient(party.site.paths.socket)) as client,
    ):
        return export_segments(reader, client, party.key.sign, medium).segments


def bring(pair: Pair, party: Party, medium: FolderStore, keep: ObjectStore | None = None) -> tuple[int, list[str]]:
    with (
        closing(Reader(party.site.paths.store)) as reader,
        closing(KeeperClient(party.site.paths.socket)) as client,
    ):
        found = import_segments(reader, client, pair.settings(party), medium, keep)
    return found.changes, found.gaps


def test_a_medium_goes_there_and_back_without_any_line(pair: Pair, medium: FolderStore) -> None:
    pair.box.mark("aoi", b"absent")
    assert export(pair.box, medium) >= 1
    assert bring(pair, pair.hub, medium)[0] >= 1
    pair.hub.mark("haru", b"from the board")
    assert export(pair.hub, medium) >= 1
    assert bring(pair, pair.box, medium)[0] >= 2, "the board's entry and its countersign"
    assert pair.box.values() == pair.hub.values() and len(pair.box.values()) == 2
    pair.box.begin(ObjectStore(pair.cloud.config), pair.settings(pair.box))
    assert pair.box.exchange is not None
    pair.box.exchange.step()
    assert pair.box.exchange.confirmed.seq > 0, "the board's word came on the medium"


def test_a_medium_may_come_twice_and_the_line_may_return_meanwhile(pair: Pair, medium: FolderStore) -> None:
    pair.box.mark("aoi")
    export(pair.box, medium)
    bring(pair, pair.hub, medium)
    assert bring(pair, pair.hub, medium) == (0, [])
    pair.begin()
    pair.until_confirmed(pair.box, pair.box.mark("haru"))
    pair.settle()
    assert same_content(pair.box.site.paths.store, pair.hub.site.paths.store)
    assert bring(pair, pair.hub, medium) == (0, [])


def test_an_export_beside_a_running_exchange_cuts_the_same_segments(pair: Pair, medium: FolderStore) -> None:
    pair.cloud.line.cut()
    pair.begin()
    for number in range(5):
        pair.box.mark(f"pupil-{number}")
        pair.turn()
        export(pair.box, medium)
    pair.cloud.line.mend()
    pair.until_confirmed(pair.box, pair.box.mark("after"))
    store = ObjectStore(pair.cloud.direct)
    carried = {name: medium.get(name) for name in medium.sizes(f"{BOX.prefix}/changes")}
    assert carried and carried == {name: store.get(name) for name in carried}, "one number, one segment"


def test_two_who_plan_at_once_agree(pair: Pair) -> None:
    pair.box.mark("aoi")
    with (
        closing(Reader(pair.box.site.paths.store)) as reader,
        closing(KeeperClient(pair.box.site.paths.socket)) as client,
    ):
        one, other = Outbox(reader, client, pair.box.key.sign), Outbox(reader, client, pair.box.key.sign)
        first = one.next()
        pair.box.mark("haru")
        same, second = other.next(), one.next()
        assert first is not None and same is not None and (first.name, first.data) == (same.name, same.data)
        third = other.next()
        assert second is not None and third is not None and (second.name, second.data) == (third.name, third.data)
        one.proven(first)
        other.proven(same)
        assert read_outbox(client).number == first.number


def test_a_medium_that_lacks_a_segment_says_which_and_the_rest_waits(
    pair: Pair, medium: FolderStore, tmp_path: Path
) -> None:
    for number in range(3):
        pair.box.mark(f"pupil-{number}")
        export(pair.box, medium)
    names = sorted(medium.sizes(f"{BOX.prefix}/changes"))
    assert len(names) == 3
    hidden = tmp_path / "medium" / names[1]
    data = hidden.read_bytes()
    hidden.unlink()
    changes, gaps = bring(pair, pair.hub, medium)
    assert changes and gaps == [names[1]]
    hidden.write_bytes(data)
    assert bring(pair, pair.hub, medium)[1] == []
    assert pair.box.values() == pair.hub.values()


def test_what_is_kept_for_others_is_proven_first_and_overwrites_nothing(pair: Pair, medium: FolderStore) -> None:
    store = ObjectStore(pair.cloud.direct)
    pair.box.mark("aoi")
    export(pair.box, medium)
    name = segment_name(BOX, 1)
    good = medium.get(name)
    assert good is not None
    medium.put(name, good[:-1] + bytes((good[-1] ^ 1,)))
    with pytest.raises(SegmentError):
        bring(pair, pair.hub, medium, store)
    assert store.get(name) is None, "nothing unproven reaches the store"
    medium.put(name, good)
    store.put(name, b"what somebody else wrote there")
    with pytest.raises(BrokenSegmentChainError):
        bring(pair, pair.hub, medium, store)
    assert store.get(name) == b"what somebody else wrote there" and not pair.hub.values()
    store.put(name, good)
    assert bring(pair, pair.hub, medium, store)[0] >= 1
    assert segment_name(HUB, 1) not in medium.sizes("")


def copy(pair: Pair, party: Party, medium: FolderStore) -> Exported:
    with closing(Reader(party.site.paths.store)) as reader:
        return copy_unconfirmed(reader, pair.settings(party).root, ObjectStore(pair.cloud.config), medium)


def test_what_stands_in_the_object_store_is_carried_where_no_line_goes(pair: Pair, medium: FolderStore) -> None:
    pair.begin()
    pair.until_confirmed(pair.hub, pair.hub.mark("aoi"))
    pair.settle()
    last = pair.hub.mark("haru", b"from the board")
    assert pair.hub.exchange is not None
    while pair.hub.exchange.sent_seq < last:  # the box has no line: only the hub goes on
        pair.hub.exchange.step()
    assert export(pair.hub, medium) == 0, "all of it is proven to be in the object store"
    done = copy(pair, pair.hub, medium)
    assert done.segments >= 1 and done.last >= last >= done.first
    assert bring(pair, pair.box, medium)[0] >= 1
    assert pair.box.values() == pair.hub.values()
