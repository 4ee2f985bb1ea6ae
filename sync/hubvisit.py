"""One visit to a school's hub, by whoever is free: bring it up, merge, countersign, send, prove, and let go.

Invariant: what a hub says is said when its segment stands in the object store, created where none stood. So the
number of the next segment is the fence: of two visits at the same time, wherever they are, one gets it and the
other learns that it did not (AnotherWriterError). What a visit leaves on its machine only spares work to the next.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from crypto.errors import KurabakoError
from sync.checkpoint import site_person
from sync.clock import wall_ms
from sync.countersigns import newest_confirmed, owed_countersigns
from sync.errors import AnotherWriterError, BrokenSegmentChainError, ReplicatorError, RolledBackError, SegmentError
from sync.hubimage import image_due, keep_image
from sync.ids import Origin
from sync.inbox import Inbox, give_place
from sync.leaseissuer import LeaseIssuer
from sync.merge import Merger
from sync.openrecords import CHECKPOINT, COUNTERSIGN, GRANT, checkpoint_record, countersign_record
from sync.openstore import open_store
from sync.outbox import Outbox, OutboxState, give_outbox, read_outbox
from sync.reader import Reader
from sync.settings import Settings
from sync.site import SitePaths
from sync.sitevoice import SiteVoice
from sync.stores import Store
from sync.visitlog import Name, VisitLog

_COURTESY_MS: Final = 600_000  # a countersign over a mere checkpoint may wait as long
_OTHERS: Final = (BrokenSegmentChainError, RolledBackError, SegmentError)


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit found: `asks` are the next segments of the others by name; nothing is new while none is there.

    `saved` and `confirmed` are seqs of the hub's own log, `faults` codes of what is in the way of leases.
    """

    asks: tuple[str, ...]
    merged: int
    sent: int
    saved: int
    confirmed: int
    quarantined: int
    faults: tuple[str, ...] = ()


def nothing_new(store: Store, asks: tuple[str, ...]) -> bool:
    """Say whether none of the others has said anything: one question to the store for each, and nothing else."""
    return all(store.get(name) is None for name in asks)


def visit(
    paths: SitePaths,
    settings: Settings,
    secrets: Mapping[Name, bytes] | None = None,
    store: Store | None = None,
) -> Visited:
    """Visit the hub whose databases are at `paths`; `store` is a client that the caller has of its segments.

    Raises AnotherWriterError (these databases are not what others go by: bring it up anew), SecondKeeperError,
    StoreUnreachableError, StoreRefusedError, and what the merge raises for bytes of another site.
    """
    store = store or open_store(settings.segments or settings.store)
    with (
        contextlib.closing(VisitLog(paths, secrets)) as log,
        contextlib.closing(Reader(paths.store)) as reader,
    ):
        told = _Visit(reader, log, settings, store).run()
        if image_due(log, reader.changes()):
            keep_image(log, reader, store)
    return told


@dataclass
class _Visit:
    reader: Reader
    log: VisitLog
    settings: Settings
    store: Store
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        reader, log, settings = self.reader, self.log, self.settings
        self.own = reader.origin
        state = read_outbox(log)
        give_place(log, self.own, state.number, state.hash)
        self.merger = Merger(reader, log, settings.root, settings.rules, judged=state.last)
        self.inbox = Inbox(reader, log, settings.root, self.merger)

    def run(self) -> Visited:
        self._adopt()
        self._judge_own()
        merged = sum(self._drain(origin) for origin in self.inbox.peers)
        sent = 0
        if not self.inbox.superseded:
            self._mind_leases()
            self._speak()
            self._judge_own()
            sent = self._send()
        saved = self.reader.position().seq
        confirmed = newest_confirmed(self.reader, self.own, self.inbox.peers).seq
        return Visited(
            tuple(self.inbox.wanted(origin).name for origin in self.inbox.peers),
            merged,
            sent,
            saved,
            min(saved, self.reader.confirmed_to(confirmed)),
            len(self.reader.quarantined()),
            tuple(self.faults),
        )

    def _adopt(self) -> None:
        """Take what other visits said in this hub's name since this copy of it was used."""
        while (data := self.store.get((wanted := self.inbox.wanted(self.own)).name)) is not None:
            try:
                segment = self.inbox.check(wanted, data)
                self.inbox.take(wanted, data)
            except _OTHERS as exc:
                raise AnotherWriterError(operation="visit hub", subject=wanted.name, cause=exc) from exc
            planned = tuple(last for last in read_outbox(self.log).planned if last > segment.last)
            give_outbox(self.log, OutboxState(segment.number, segment.last, segment.hash, planned))

    def _drain(self, origin: Origin) -> int:
        new = 0
        while (data := self.store.get((wanted := self.inbox.wanted(origin)).name)) is not None:
            new += self.inbox.take(wanted, data)
        return new

    def _judge_own(self) -> None:
        if GRANT in self.merger.judge_own():
            self.inbox.look_at_grants()

    def _mind_leases(self) -> None:
        settings = self.settings
        try:
            LeaseIssuer(self.reader, self.log, settings.root, settings.key).mind()
        except KurabakoError as error:  # it holds up nothing else
            self.faults.append(error.code)

    def _speak(self) -> None:
        """Countersign what was merged; sum up when the last summary is old."""
        voice = SiteVoice(self.reader, self.log, self.settings.key)
        every_ms = int(self.settings.checkpoint_every_s * 1000)
        summary = voice.dirty and self._old(CHECKPOINT, checkpoint_record(self.own), every_ms)
        peers = self.inbox.peers
        courtesy = all(self._old(COUNTERSIGN, countersign_record(self.own, peer), _COURTESY_MS) for peer in peers)
        owed = owed_countersigns(self.reader, peers, checkpoints=courtesy)
        if owed:
            voice.countersign(owed, checkpoint=summary)
        elif summary:
            voice.checkpoint()

    def _old(self, kind: str, record: bytes, after_ms: int) -> bool:
        mine = [row.at_ms for row in self.reader.heads(kind, [record]) if row.author == site_person(self.own)]
        return not mine or wall_ms() - max(mine) >= after_ms

    def _send(self) -> int:
        """Store what this hub has to say and read it back; return the last seq that is proven to be there."""
        outbox = Outbox(self.reader, self.log, self.settings.key)
        while (outgoing := outbox.next()) is not None:
            made = self.store.create(outgoing.name, outgoing.data)
            there = self.store.get(outgoing.name)
            if there is None:
                raise ReplicatorError(operation="read back segment", subject=outgoing.name, retry_safe=True)
            if there != outgoing.data:
                raise AnotherWriterError(operation="visit hub", subject=outgoing.name, made=made)
            outbox.proven(outgoing)
        return outbox.state.last
