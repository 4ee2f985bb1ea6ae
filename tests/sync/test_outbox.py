"""A number stands for one segment, whoever cuts it and whatever dies in between."""

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from crypto.identity import Identity
from crypto.importance import Importance
from sync.change import Batch
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.errors import RolledBackError
from sync.outbox import Outbox, OutboxState, Outgoing, read_outbox
from sync.reader import Reader
from sync.sealed import Draft
from sync.segment import SEGMENT_BYTES, Place, check_signature, read_segment, segment_name
from tests.sync.pair import BOX
from tests.sync.site import TestSite


class Bench:
    """A site that sends, and a book of what was ever handed out."""

    def __init__(self, site: TestSite) -> None:
        self.site = site
        self.key = Identity.generate(site_person(BOX)).sign
        self.book: dict[str, bytes] = {}
        self.open()

    def open(self) -> None:
        self.reader, self.client = Reader(self.site.paths.store), KeeperClient(self.site.paths.socket)
        self.session = self.site.session("sato")

    def close(self) -> None:
        self.session.close()
        self.reader.close()
        self.client.close()

    def mark(self, count: int = 1, payload: bytes = b"absent") -> None:
        """Keep one batch."""
        self.session.put([Draft("mark", os.urandom(16), Importance.III, payload) for _ in range(count)])

    def outbox(self) -> Outbox:
        """Begin a new life, as after a kill; or a second one beside another."""
        return Outbox(self.reader, self.client, self.key)

    def next(self, outbox: Outbox) -> Outgoing | None:
        """Take the next segment, which must be the one that its number always stood for."""
        outgoing = outbox.next()
        if outgoing is not None:
            assert outgoing.name == segment_name(BOX, outgoing.number)
            assert self.book.setdefault(outgoing.name, outgoing.data) == outgoing.data, outgoing.name
        return outgoing

    def given(self, outbox: Outbox) -> Outgoing:
        outgoing = self.next(outbox)
        assert outgoing is not None
        return outgoing

    def all(self, outbox: Outbox) -> list[Outgoing]:
        found = []
        while (outgoing := self.next(outbox)) is not None:
            found.append(outgoing)
        return found

    def read_book(self) -> int:
        """Read everything that was ever handed out as another site does; return how far it goes."""
        place, last = Place(), 0
        for name in sorted(self.book):
            segment = read_segment(self.book[name], BOX, place)
            check_signature(self.book[name], BOX, self.key.verify_key)
            assert segment.first == last + 1
            place, last = segment.next, segment.last
        return last


@pytest.fixture
def bench(site: TestSite) -> Iterator[Bench]:
    made = Bench(site)
    yield made
    made.close()


def test_everything_is_handed_out_once_and_in_order(bench: Bench) -> None:
    outbox = bench.outbox()
    first = bench.given(outbox)
    assert (first.number, first.last) == (1, bench.reader.position().seq)
    assert outbox.next() is None
    bench.mark()
    second = bench.given(outbox)
    assert (second.number, second.last) == (2, bench.reader.position().seq) and outbox.last == second.last
    assert outbox.next() is None
    assert bench.read_book() == second.last


def test_nothing_counts_as_sent_before_it_is_proven(bench: Bench) -> None:
    outbox = bench.outbox()
    first = bench.given(outbox)
    assert read_outbox(bench.client) == OutboxState(planned=(first.last,))
    outbox.proven(first)
    told = read_outbox(bench.client)
    assert (told.number, told.last, told.planned) == (1, first.last, ())


@pytest.mark.parametrize("proven", [0, 1, 2, 3])
def test_a_new_life_goes_on_where_the_former_one_was_proven(bench: Bench, proven: int) -> None:
    """Killed after three were begun and some of them proven, while people went on entering."""
    outbox, begun = bench.outbox(), []
    for _ in range(3):
        bench.mark()
        begun.append(bench.given(outbox))
    for outgoing in begun[:proven]:
        outbox.proven(outgoing)
    bench.mark()
    assert bench.all(bench.outbox())[:-1] == begun[proven:], "the same again; what is new comes after them"
    assert bench.read_book() == bench.reader.position().seq


def test_one_that_may_be_stored_is_not_cut_anew_when_more_was_entered(bench: Bench) -> None:
    first = bench.given(bench.outbox())
    for _ in range(3):
        bench.mark()
        assert bench.given(bench.outbox()) == first
    assert bench.read_book() == first.last < bench.reader.position().seq


def test_a_keeper_that_was_killed_does_not_forget_what_a_number_stands_for(bench: Bench) -> None:
    outbox = bench.outbox()
    first = bench.given(outbox)
    bench.mark()
    second = bench.given(outbox)
    bench.site.kill_keeper()
    bench.site.start_keeper()
    bench.mark()
    assert bench.all(bench.outbox())[:2] == [first, second]


def test_what_could_not_be_stored_is_handed_out_again(bench: Bench) -> None:
    outbox = bench.outbox()
    first = bench.given(outbox)
    bench.mark()
    second = bench.given(outbox)
    outbox.proven(first)
    outbox.back()
    bench.mark()
    assert bench.given(outbox) == second
    assert bench.all(outbox)[-1].last == bench.reader.position().seq


def test_proven_twice_is_proven_once(bench: Bench) -> None:
    outbox = bench.outbox()
    first = bench.given(outbox)
    bench.mark()
    second = bench.given(outbox)
    for outgoing in (first, second, first):
        outbox.proven(outgoing)
    assert (read_outbox(bench.client).number, read_outbox(bench.client).last) == (2, second.last)


def test_one_that_lags_behind_what_another_proved_goes_on_after_it(bench: Bench) -> None:
    """An export to a slow medium, while the line came back and the daemon sent everything twice over."""
    export, daemon = bench.outbox(), bench.outbox()
    for _ in range(2):
        bench.mark()
        daemon.proven(bench.given(daemon))
    bench.mark()
    third = bench.given(export)
    assert (third.number, third.last) == (3, bench.reader.position().seq)
    assert bench.given(daemon) == third and bench.read_book() == third.last


EVENTS: Final = ("mark",) * 5 + ("next",) * 5 + ("prove",) * 4 + ("export",) * 3 + ("fail", "kill", "open")


@pytest.mark.parametrize("seed", range(4))
def test_whoever_cuts_and_whoever_dies_agree(bench: Bench, seed: int) -> None:
    """A daemon that sends, proves, fails and dies, and exports that come and go beside it."""
    source, daemon, export = random.Random(seed), bench.outbox(), bench.outbox()
    begun: list[Outgoing] = []
    for _ in range(200):
        match source.choice(EVENTS):
            case "mark":
                bench.mark(source.randint(1, 3))
            case "next":
                outgoing = bench.next(daemon)
                begun += [outgoing] if outgoing else []
            case "prove" if begun:
                daemon.proven(begun.pop(0))
            case "fail":
                daemon.back()
                begun.clear()
            case "kill":
                daemon, begun = bench.outbox(), []
            case "open":
                export = bench.outbox()
            case "export":
                bench.next(export)
    bench.all(bench.outbox())
    assert bench.read_book() == bench.reader.position().seq


def test_a_segment_ends_with_the_batch_that_fills_it(bench: Bench) -> None:
    for _ in range(12):
        bench.mark(2, os.urandom(100_000))
    found = bench.all(bench.outbox())
    assert len(found) == 3
    biggest = 2 * 100_064 + 1_000
    assert all(SEGMENT_BYTES <= len(outgoing.data) <= SEGMENT_BYTES + biggest for outgoing in found[:-1])
    batches, place = list[Batch](), Place()
    for outgoing in found:
        segment = read_segment(outgoing.data, BOX, place)
        batches += segment.batches
        place = segment.next
    assert batches == bench.reader.batches(BOX, 0, 1 << 62), "whole batches, all of them"


def test_a_batch_that_is_too_big_stands_alone(bench: Bench) -> None:
    outbox = bench.outbox()
    bench.given(outbox)
    bench.mark(2, os.urandom(SEGMENT_BYTES))
    bench.mark()
    big, rest = bench.all(outbox)
    assert len(big.data) > 2 * SEGMENT_BYTES and len(rest.data) < 10_000


@contextlib.contextmanager
def rolled_back(bench: Bench) -> Iterator[None]:
    """Put the database back, when the context ends, to what it was when it began; `local.db` stays."""
    bench.close()
    bench.site.stop_keeper()
    paths = [Path(f"{bench.site.paths.store}{suffix}") for suffix in ("", "-wal", "-shm")]
    old = {path: path.read_bytes() for path in paths if path.exists()}
    bench.site.start_keeper()
    bench.open()
    yield
    bench.close()
    bench.site.stop_keeper()
    for path in paths:
        path.unlink(missing_ok=True)
    for path, data in old.items():
        path.write_bytes(data)
    bench.site.start_keeper()
    bench.open()


@pytest.mark.parametrize(
    ("proven", "since"),
    [(True, ()), (True, (1,)), (False, ()), (False, (1,)), (False, (1, 9))],
    ids=["proven", "proven, less again", "begun", "begun, less again", "begun, another batch across its end"],
)
def test_a_database_that_was_rolled_back_sends_nothing(bench: Bench, proven: bool, since: tuple[int, ...]) -> None:
    """Else a number would get another segment, or what is entered now would never be sent."""
    with rolled_back(bench):
        bench.mark(2)
        bench.mark(2)
        outbox = bench.outbox()
        begun = bench.given(outbox)
        if proven:
            outbox.proven(begun)
    for count in since:
        bench.mark(count)
    with pytest.raises(RolledBackError) as broken:
        bench.outbox().next()
    assert broken.value.subject == BOX.prefix


def test_a_state_that_is_ahead_of_the_log_is_named(bench: Bench) -> None:
    ahead = OutboxState(3, bench.reader.position().seq + 1, bytes(32))
    bench.client.local_put("segments", "out", msgspec.msgpack.encode(ahead))
    with pytest.raises(RolledBackError) as broken:
        bench.outbox().next()
    assert broken.value.params["seq"] == ahead.last
