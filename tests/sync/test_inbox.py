"""Another site's segments are read in order, each until it is merged; what does not fit changes nothing."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from crypto.identity import Identity
from crypto.signing import SigningKey
from sync.change import Batch
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import (
    BrokenSegmentChainError,
    ForgedChangeError,
    KeeperGoneError,
    SegmentError,
    SupersededError,
    SyncError,
)
from sync.founding import admit, grant_draft, open_as_board, site_member
from sync.grants import Grant
from sync.ids import Origin, Site
from sync.inbox import Inbox, give_place, known_place
from sync.merge import Merger
from sync.openrecords import GRANT, grant_record
from sync.outbox import Outbox, Outgoing
from sync.reader import Reader
from sync.segment import Place, read_segment, segment_name, write_segment
from tests.sync.pair import BOX, RULES, Pair, pair_at
from tests.sync.site import SCHOOL

STANDBY = Origin(SCHOOL, Site.STANDBY, 1)
HUB_2 = Origin(SCHOOL, Site.HUB, 2)


class Bench:
    """A hub that reads what its box hands out; nothing goes over any store."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.box, self.hub = pair.box, pair.hub
        self.reader, self.client = Reader(self.hub.site.paths.store), KeeperClient(self.hub.site.paths.socket)
        self._sender = Reader(self.box.site.paths.store), KeeperClient(self.box.site.paths.socket)
        self._outbox = Outbox(*self._sender, self.box.key.sign)

    def close(self) -> None:
        for connection in (self.reader, self.client, *self._sender):
            connection.close()

    def inbox(self) -> Inbox:
        """Begin a new life, as after a kill."""
        root = self.pair.root.sign.verify_key
        return Inbox(self.reader, self.client, root, Merger(self.reader, self.client, root, RULES))

    def sent(self, name: str = "") -> bytes:
        """Return the box's next segment, with one more mark in it if it has a name."""
        if name:
            self.box.mark(name)
        outgoing = self._outbox.next()
        assert isinstance(outgoing, Outgoing)
        return outgoing.data

    def grant(self, origin: Origin, root: Identity | None = None) -> None:
        """Let the board, at the box, grant another site."""
        key = Identity.generate(site_person(origin)).public
        grant = Grant(SCHOOL, str(origin.site), origin.epoch, key.sign.to_bytes(), wall_ms())
        record = grant_record(SCHOOL, origin.site)
        paths = self.box.site.paths
        with contextlib.closing(
            open_as_board(Reader(paths.store), KeeperClient(paths.socket), self.pair.root)
        ) as session:
            base = session.base_of(GRANT, [record]).get(record, ())
            drafts = [grant_draft(grant, root or self.pair.root, base)]
            admit(session, self.pair.root, [site_member(origin, key)], wall_ms(), drafts)

    def known(self) -> tuple[object, ...]:
        """Return everything that a refused segment must leave as it is."""
        return self.reader.position(BOX), known_place(self.client, BOX), self.reader.quarantined()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with pair_at(tmp_path) as pair:
        made = Bench(pair)
        yield made
        made.close()


def take(inbox: Inbox, data: bytes) -> int:
    return inbox.take(inbox.wanted(BOX), data)


def superseded(inbox: Inbox) -> bool:
    return inbox.superseded  # changes by itself: mypy would take the first answer for good


def rewritten(data: bytes, place: Place, key: SigningKey, alter: Callable[[Batch], Batch] = lambda b: b) -> bytes:
    """Return a segment's changes as another segment, properly chained and signed."""
    told = read_segment(data, BOX, place)
    return write_segment(BOX, place, told.first, told.before, [alter(batch) for batch in told.batches], key)


def forged(batch: Batch) -> Batch:
    return Batch(batch.writer, batch.number, batch.author, batch.changes, bytes(64))


def by_another(batch: Batch) -> Batch:
    return Batch(batch.writer, batch.number, bytes(16), batch.changes, bytes(64))


def test_the_next_one_is_asked_for_by_its_name(bench: Bench) -> None:
    inbox = bench.inbox()
    assert inbox.peers == (BOX,)
    for number in (1, 2, 3):
        wanted = inbox.wanted(BOX)
        assert wanted.name == segment_name(BOX, number)
        assert take(inbox, bench.sent(f"pupil-{number}")) > 0
        assert bench.inbox().wanted(BOX) == inbox.wanted(BOX) != wanted, "also in the next life"
    assert bench.hub.values() == bench.box.values() and len(bench.hub.values()) == 3


def test_one_that_is_read_twice_is_taken_once(bench: Bench) -> None:
    inbox = bench.inbox()
    take(inbox, bench.sent())
    wanted, data = inbox.wanted(BOX), bench.sent("aoi")
    assert inbox.take(wanted, data) == 2, "the mark and its key"
    known = bench.known()
    assert inbox.take(wanted, data) == 0 and bench.inbox().take(wanted, data) == 0
    assert bench.known() == known


def test_what_is_here_already_is_passed_over(bench: Bench) -> None:
    """The hub began with a copy of the founding: the first segment brings nothing new, and counts as read."""
    inbox, before = bench.inbox(), bench.reader.position(BOX)
    assert before.seq > 0 and take(inbox, bench.sent()) == 0
    assert bench.reader.position(BOX) == before and inbox.wanted(BOX).place.number == 2


def test_every_damage_leaves_the_reading_where_it_stands(bench: Bench) -> None:
    """Some bytes all over it, and a tail that is missing; then the whole one is taken all the same."""
    inbox = bench.inbox()
    take(inbox, bench.sent())
    data, known = bench.sent("aoi"), bench.known()
    damaged = [data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :] for at in range(0, len(data), 37)]
    for bad in (*damaged, data[:-1], b"", data + b"\0"):
        with pytest.raises((SegmentError, BrokenSegmentChainError)):
            take(inbox, bad)
    assert bench.known() == known and inbox.wanted(BOX) == bench.inbox().wanted(BOX)
    assert take(inbox, data) == 2


def test_one_out_of_order_waits(bench: Bench) -> None:
    inbox = bench.inbox()
    first, second, third = bench.sent(), bench.sent("aoi"), bench.sent("haru")
    known = bench.known()
    for early in (second, third):
        with pytest.raises(SegmentError):
            take(inbox, early)
    assert bench.known() == known
    assert [take(inbox, data) for data in (first, second, third)] == [0, 2, 2]
    with pytest.raises(SegmentError):
        take(inbox, second)


def test_one_that_follows_another_past_is_refused(bench: Bench) -> None:
    inbox = bench.inbox()
    take(inbox, bench.sent())
    wanted, data, known = inbox.wanted(BOX), bench.sent("aoi"), bench.known()
    told = read_segment(data, BOX, wanted.place)
    key = bench.box.key.sign
    elsewhere = [
        write_segment(BOX, Place(2, bytes(32)), told.first, told.before, told.batches, key),
        write_segment(BOX, wanted.place, told.first, bytes(32), told.batches, key),
        write_segment(BOX, wanted.place, told.first + 1, told.before, told.batches, key),
    ]
    for bad in elsewhere:
        with pytest.raises(BrokenSegmentChainError) as broken:
            inbox.take(wanted, bad)
        assert broken.value.subject == wanted.name
    assert bench.known() == known and inbox.take(wanted, data) == 2


def test_one_that_tells_the_past_otherwise_is_refused(bench: Bench) -> None:
    """Two writers under one name: what is merged already stands otherwise in the new one."""
    inbox = bench.inbox()
    wanted, data, known = inbox.wanted(BOX), bench.sent(), bench.known()
    other = rewritten(data, wanted.place, bench.box.key.sign, by_another)
    with pytest.raises(BrokenSegmentChainError):
        inbox.take(wanted, other)
    assert bench.known() == known and inbox.take(wanted, data) == 0


def test_one_that_another_site_signed_is_refused(bench: Bench) -> None:
    inbox = bench.inbox()
    take(inbox, bench.sent())
    wanted, data, known = inbox.wanted(BOX), bench.sent("aoi"), bench.known()
    for key in (bench.hub.key.sign, bench.pair.root.sign, SigningKey.generate()):
        with pytest.raises(SegmentError) as refused:
            inbox.take(wanted, rewritten(data, wanted.place, key))
        assert refused.value.params["fault"] == "signature"
    assert bench.known() == known and inbox.take(wanted, data) == 2


def test_a_forged_entry_stops_the_reading_and_is_named(bench: Bench) -> None:
    """The site signed the segment, but nobody signed the entry in it."""
    inbox = bench.inbox()
    take(inbox, bench.sent())
    wanted, data, known = inbox.wanted(BOX), bench.sent("aoi"), bench.known()
    with pytest.raises(ForgedChangeError) as broken:
        inbox.take(wanted, rewritten(data, wanted.place, bench.box.key.sign, forged))
    first = read_segment(data, BOX, wanted.place).first
    assert broken.value.subject == f"{BOX.prefix} {first}" and broken.value.params["seq"] == first
    assert bench.known() == known and not bench.hub.values()
    assert inbox.take(wanted, data) == 2


def test_one_of_a_site_that_nobody_knows_is_refused(bench: Bench) -> None:
    inbox = bench.inbox()
    data = write_segment(STANDBY, Place(), 1, bytes(32), [kept_by(STANDBY, bench.sent())], SigningKey.generate())
    with pytest.raises(SegmentError) as refused:
        inbox.take(inbox.wanted(STANDBY), data)
    assert refused.value.params["fault"] == "unknown site"
    assert STANDBY not in bench.reader.origins()


def kept_by(origin: Origin, data: bytes) -> Batch:
    """Return the first entry of the box's first segment as if another site had kept it."""
    batch = read_segment(data, BOX, Place()).batches[0]
    change = batch.changes[0]
    renamed = msgspec.structs.replace(change, id=change.id[:8] + origin.tag + batch.writer)
    return Batch(batch.writer, 0, batch.author, (renamed,), batch.signature)


@pytest.mark.parametrize("restart", [False, True], ids=["keeper gone for a while", "killed"])
def test_killed_between_the_merging_and_its_note_it_reads_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, restart: bool
) -> None:
    """And learns then what the segment said of other sites."""
    inbox = bench.inbox()
    take(inbox, bench.sent())
    bench.grant(STANDBY)
    wanted, data, before = inbox.wanted(BOX), bench.sent("aoi"), bench.reader.position(BOX).seq

    def gone(*_: object) -> None:
        raise KeeperGoneError(operation="ask keeper", retry_safe=True)

    with monkeypatch.context() as patch, pytest.raises(KeeperGoneError):
        patch.setattr(bench.client, "local_put", gone)
        inbox.take(wanted, data)
    merged = bench.reader.position(BOX)
    assert merged.seq > before, "it was merged"
    inbox = bench.inbox() if restart else inbox
    assert inbox.wanted(BOX) == wanted, "but not noted"
    assert inbox.take(wanted, data) == 0
    assert bench.reader.position(BOX) == merged and inbox.wanted(BOX).place.number == wanted.place.number + 1
    assert STANDBY in inbox.peers


def test_a_new_grant_makes_a_new_peer(bench: Bench) -> None:
    inbox = bench.inbox()
    take(inbox, bench.sent())
    bench.grant(STANDBY)
    assert inbox.peers == (BOX,)
    take(inbox, bench.sent())
    assert set(inbox.peers) == set(bench.inbox().peers) == {BOX, STANDBY}
    assert inbox.wanted(STANDBY).name == segment_name(STANDBY, 1)
    assert not superseded(inbox)


def test_another_boards_grant_makes_nobody_a_peer(bench: Bench) -> None:
    inbox = bench.inbox()
    take(inbox, bench.sent())
    other = Identity.generate(b"other-board-othe")
    bench.grant(STANDBY, other)
    bench.grant(HUB_2, other)
    take(inbox, bench.sent())
    assert inbox.peers == (BOX,) and not superseded(inbox)


def test_a_newer_grant_for_this_site_ends_its_writing_for_good(bench: Bench) -> None:
    inbox = bench.inbox()
    take(inbox, bench.sent())
    bench.hub.mark("before")
    bench.grant(HUB_2)
    assert not superseded(inbox)
    take(inbox, bench.sent())
    assert superseded(inbox) and HUB_2 in inbox.peers
    for _ in range(2):
        with pytest.raises(SupersededError):
            bench.hub.mark("after")
        bench.hub.site.kill_keeper()
        bench.hub.site.start_keeper()
        assert superseded(bench.inbox())
    assert take(inbox, bench.sent("aoi")) == 2, "it reads on"


def test_what_was_told_of_a_successor_elsewhere_stands_too(bench: Bench) -> None:
    """The grant's object was seen before the change that tells of it."""
    bench.inbox().give_way()
    assert superseded(bench.inbox())
    with pytest.raises(SyncError) as refused:
        bench.hub.mark("after")
    assert refused.type is SupersededError


def test_a_place_that_was_given_is_where_the_reading_goes_on(bench: Bench) -> None:
    """A store that holds an origin up to some segment need not read the former ones."""
    first = bench.sent()
    digest = read_segment(first, BOX, Place()).hash
    assert known_place(bench.client, BOX) == (0, bytes(32))
    give_place(bench.client, BOX, 1, digest)
    assert known_place(bench.client, BOX) == (1, digest)
    assert take(bench.inbox(), bench.sent("aoi")) == 2
