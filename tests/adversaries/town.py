"""Box and hub of a real school over a real store, and what somebody with a hand in that store may put there.

Invariant: exchanges, keepers and store are the real ones; a site that is begun anew is a new life of its daemon.
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import obstore

from appliance.board.restored import RestoreRequest, restore_school
from appliance.site import SiteFolder, open_site
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity
from crypto.leasewrap import lease_key_id
from sync.change import BATCH_DOMAIN, Batch
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import StoreUnreachableError, SyncError
from sync.exchange import Exchange
from sync.ids import Origin, Site, change_id
from sync.leases import Lease, sign_lease
from sync.log import signed_payload
from sync.objectstore import ObjectStore, StoreConfig
from sync.openrecords import LEASE, lease_record, open_change
from sync.reader import Reader
from sync.restore import RestoreReport
from sync.segment import Place, Segment, read_segment, segment_extent, segment_name, write_segment
from tests.faults.city import mark, office_at
from tests.hubside import hub
from tests.school import School
from tests.sync.cloud import LONG_S
from tests.sync.pair import QUICK

T = TypeVar("T")
THIEF = Identity.generate(b"somebody--------")


@dataclass
class Side:
    """A site under its own exchange, as its daemon has it; begun anew it is a new life."""

    folder: SiteFolder
    store: ObjectStore
    parts: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def end(self) -> None:
        self.parts.close()

    def begin(self) -> Exchange:
        self.end()
        reader = self.parts.enter_context(contextlib.closing(Reader(self.folder.paths.store)))
        client = self.parts.enter_context(contextlib.closing(KeeperClient(self.folder.paths.socket)))
        settings = dataclasses.replace(self.folder.daemon_settings(), pace=QUICK)
        self.exchange = Exchange(reader, client, settings, self.store)
        return self.exchange

    @property
    def origin(self) -> Origin:
        return self.exchange.reader.origin

    def known(self, of: "Side") -> int:
        """Return how far this side has the other's log."""
        return self.exchange.reader.position(of.origin).seq

    def fails(self) -> SyncError:
        """Step until something is refused."""
        end = time.monotonic() + LONG_S
        while self.exchange.failure is None:
            assert time.monotonic() < end, "nothing was refused"
            self.exchange.step()
            time.sleep(0.01)
        return self.exchange.failure


class Hand(ObjectStore):
    """Somebody's own client of the store, who asks again when the server drops a connection."""

    def get(self, key: str) -> bytes | None:
        return _again(lambda: ObjectStore.get(self, key))

    def put(self, key: str, data: bytes) -> None:
        _again(lambda: ObjectStore.put(self, key, data))

    def sizes(self, prefix: str) -> dict[str, int]:
        return _again(lambda: ObjectStore.sizes(self, prefix))


def _again(ask: Callable[[], T]) -> T:
    for _ in range(4):
        with contextlib.suppress(StoreUnreachableError):
            return ask()
    return ask()


class Town:
    """Box and hub of a real school over a real store, and somebody's hand in that store."""

    def __init__(self, school: School, config: StoreConfig) -> None:
        self.school = school
        self.hand = Hand(config)
        self.config = config
        self.box = Side(open_site(school.site), self.hand)
        self.hub = Side(hub(school), self.hand)
        self.both = (self.box, self.hub)
        place = school.board.place(school.made.code)
        school.board.keep_place(msgspec.structs.replace(place, endpoint=config.endpoint, bucket=config.bucket))

    def entry(self, number: int, code: str = "late") -> int:
        """Let a teacher make an entry; return how far it must be confirmed."""
        with office_at(self.school.site) as office:
            mark(office, number, code)
        return self.box.exchange.reader.position().seq

    def names(self, side: Side) -> set[str]:
        return set(self.hand.sizes(f"{side.origin.prefix}/changes"))

    def sent_by(self, side: Side) -> str:
        """Step a side until it put a segment; return the newest one's name."""
        before, end = self.names(side), time.monotonic() + LONG_S
        while not (new := self.names(side) - before):
            assert time.monotonic() < end and side.exchange.failure is None, side.exchange.failure
            side.exchange.step()
        return min(new)

    def get(self, name: str) -> bytes:
        found = self.hand.get(name)
        assert found is not None
        return found

    def delete(self, *names: str) -> None:
        for name in names:
            obstore.delete(self.hand._store, name)

    def begin(self) -> None:
        for side in self.both:
            side.begin()

    def settle(self, seq: int = 0) -> None:
        """Turn both until the hub vouches for everything up to `seq`, and each knows all of the other."""
        end = time.monotonic() + LONG_S
        while not self.agree() or self.box.exchange.confirmed.seq < seq:
            assert time.monotonic() < end, [side.exchange.failure for side in self.both]
            for side in self.both:
                side.exchange.step()
            time.sleep(0.01)

    def agree(self) -> bool:
        here, there = self.both
        return all(a.known(b) == b.exchange.reader.position().seq for a, b in ((here, there), (there, here)))

    def restore(self, target: Path) -> RestoreReport:
        return restore_school(self.school.board, RestoreRequest(self.school.made.code, target))


def read(name: str, data: bytes, origin: Origin) -> tuple[Segment, Place]:
    place = Place(int(name.rpartition("/")[2]), segment_extent(data).previous)
    return read_segment(data, origin, place), place


def rewritten(
    name: str, data: bytes, origin: Origin, change: Callable[[tuple[Batch, ...]], tuple[Batch, ...]]
) -> bytes:
    """Return a segment in whose place and chain everything fits, signed by whoever wrote it."""
    segment, place = read(name, data, origin)
    return write_segment(origin, place, segment.first, segment.before, change(segment.batches), THIEF.sign)


def moved(name: str, data: bytes, origin: Origin, other: Origin) -> bytes:
    segment, place = read(name, data, origin)
    return write_segment(other, place, segment.first, segment.before, segment.batches, THIEF.sign)


def with_lease(batches: tuple[Batch, ...], origin: Origin) -> tuple[Batch, ...]:
    """Add a lease for ten years over a key of the writer's own, in the hub's name."""
    box, now, writer = Origin(origin.school, Site.BOX, 1), wall_ms(), os.urandom(8)
    key = lease_key_id(HybridPrivateKey.generate().public)
    lease = Lease(origin.school, 1, 99, key, now, now + 3652 * 86_400_000)
    name = change_id(now << 16, origin.tag, writer)
    entry = open_change(name, LEASE, lease_record(box), (), sign_lease(lease, THIEF.sign))
    batch = Batch(writer, 0, site_person(origin), (entry,), bytes(64))
    signature = THIEF.sign.sign(BATCH_DOMAIN, signed_payload(origin.tag, batch))
    return (*batches, msgspec.structs.replace(batch, signature=signature))


Attack = Callable[[Town, Side, str, bytes], bytes]
ATTACKS: dict[str, tuple[Attack, set[str]]] = {
    "a bit": (lambda t, s, n, d: d[:-1] + bytes((d[-1] ^ 1,)), {"signature"}),
    "a bit within": (lambda t, s, n, d: d[: len(d) // 2] + b"\x00" + d[len(d) // 2 + 1 :], set()),
    "cut": (lambda t, s, n, d: d[: len(d) // 2], {"shape"}),
    "nothing": (lambda t, s, n, d: b"", {"version"}),
    "another version": (lambda t, s, n, d: b"\x02" + d[1:], {"version"}),
    "the one before": (
        lambda t, s, n, d: t.get(segment_name(s.origin, int(n.rpartition("/")[2]) - 1)),
        {"another number"},
    ),
    "the other side's": (
        lambda t, s, n, d: t.get(max(t.names(t.hub if s is t.box else t.box))),
        {"another origin"},
    ),
    "another school's": (
        lambda t, s, n, d: moved(n, d, s.origin, Origin("C100000000000", s.origin.site, 1)),
        {"another origin", "change id"},
    ),
    "another epoch's": (
        lambda t, s, n, d: moved(n, d, s.origin, Origin(s.origin.school, s.origin.site, 2)),
        {"another origin"},
    ),
    "signed by themselves": (lambda t, s, n, d: rewritten(n, d, s.origin, lambda b: b), {"signature"}),
    "in another order": (lambda t, s, n, d: rewritten(n, d, s.origin, lambda b: b[::-1]), {"signature"}),
    "with what is not in it": (
        lambda t, s, n, d: rewritten(n, d, s.origin, lambda b: with_lease(b, s.origin)),
        {"signature"},
    ),
}
