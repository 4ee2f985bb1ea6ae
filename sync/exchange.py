"""The second channel of a site: its segments out, the others' in, merged, countersigned.

Invariant: each step leaves everything as if it had not begun or had ended, so it may be killed anywhere; what it
claims as sent was read back from the store, what it claims as confirmed was countersigned by the other side.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from crypto.errors import KurabakoError
from sync.client import Keeping
from sync.clock import wall_ms
from sync.countersigns import (
    Confirmed,
    check_against,
    keep_confirmed,
    kept_confirmed,
    newest_confirmed,
    owed_countersigns,
)
from sync.errors import BrokenSegmentChainError, ReplicatorError, StoreUnreachableError, SyncError
from sync.grants import grant_name, open_grant
from sync.ids import Origin
from sync.inbox import Inbox
from sync.merge import Merger
from sync.openrecords import GRANT
from sync.outbox import Outbox, Outgoing
from sync.reader import Reader
from sync.segment import SEGMENT_BYTES
from sync.settings import Settings
from sync.sitevoice import SiteVoice
from sync.stores import Store

_SOON_S: Final = 0.1
_PROVE_AFTER_S: Final = 1.5  # what is countersigned by then need not be read back
_QUIET_AFTER_S: Final = 7200.0
_GRANT_EVERY_S: Final = 3600.0
_SKEW_WITHIN_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """What an exchange knows: last seqs of this site's log read back and countersigned; times in ms since 1970."""

    peers: tuple[Origin, ...] = ()
    sent: int = 0
    sent_at_ms: int | None = None
    confirmed: int = 0
    confirmed_at_ms: int | None = None
    clock_skew_ms: int | None = None
    superseded: bool = False


class Exchange:
    """The segments of one site over one store. `step` is called again and again, by one thread at a time."""

    def __init__(
        self,
        reader: Reader,
        client: Keeping,
        settings: Settings,
        store: Store,
        library: Store | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reader = reader
        self._client = client
        self._root = settings.root
        self._store = store
        self._library = library or store
        self._pace = settings.pace
        self._now = now
        self._merger = Merger(reader, client, settings.root, settings.rules)
        self._merger.judge_all()
        self._outbox = Outbox(reader, client, settings.key)
        self._inbox = Inbox(reader, client, settings.root, self._merger)
        self._voice = SiteVoice(reader, client, settings.key)
        self._checkpoint_every_s = settings.checkpoint_every_s
        self.confirmed = kept_confirmed(client)
        check_against(reader, reader.origin, self.confirmed)
        self.sent_seq = max(self.confirmed.seq, self._outbox.state.last)
        self._unproven: list[tuple[Outgoing, float]] = []
        self._alone = False
        self.sent_at_ms: int | None = None
        self.failure: SyncError | None = None
        self.clock_skew_ms: int | None = None
        self.merged = 0
        self._asked_ms: dict[int, int] = {}
        self._wait_s = self._pace.busy_s
        self._due_poll = self._due_grant = self._due_checkpoint = 0.0
        self._news_at = now()

    def told(self) -> Told:
        """Return what is known now; may be called from another thread."""
        confirmed = self.confirmed
        return Told(
            self._inbox.peers,
            max(self.sent_seq, confirmed.seq),
            self.sent_at_ms,
            confirmed.seq,
            confirmed.at_ms,
            self.clock_skew_ms,
            self._inbox.superseded,
        )

    @property
    def superseded(self) -> bool:
        """Say whether a newer box took over for this one."""
        return self._inbox.superseded

    @property
    def peers(self) -> tuple[Origin, ...]:
        """Return the origins that are read."""
        return self._inbox.peers

    def step(self) -> float:
        """Do what is due; return the seconds until the next step. A failure is kept in `failure`, not raised."""
        try:
            self._look_for_successor()
            self._mind_checkpoint()
            self._send()
            self._receive()
            self._prove()
            self.failure = None
        except SyncError as error:
            self.failure = error
            self._begin_again()
            self._wait_s = max(self._wait_s, 1.0)
            self._due_poll = self._now() + (1.0 if isinstance(error, StoreUnreachableError) else 5.0)
            return 1.0
        except (
            KurabakoError
        ) as error:  # of bytes that are no roster, grant or key: they say nothing about the line
            self.failure = BrokenSegmentChainError(operation="merge", cause=error)
            return 5.0
        return self._until_due()

    def finish(self) -> None:
        """End a life cleanly: a last checkpoint, and what waits on its way."""
        self._due_checkpoint = 0.0
        self.step()

    def _until_due(self) -> float:
        """Return the seconds until something is due by itself; what people keep makes more due."""
        now, due = self._now(), [self._due_poll]
        if self._unproven:
            due.append(self._unproven[0][1] + _PROVE_AFTER_S)
        due += [at for at in (self._due_grant, self._due_checkpoint) if at > now and not self.superseded]
        return max(_SOON_S, min(due) - now)

    def _mind_checkpoint(self) -> None:
        if self._now() >= self._due_checkpoint and not self.superseded and self._voice.dirty:
            self._voice.checkpoint()
            self._due_checkpoint = self._now() + self._checkpoint_every_s

    def _send(self) -> None:
        if self.superseded:
            return
        news = self._merger.judge_own() if self.reader.position().seq > self._outbox.last else ()
        if GRANT in news:  # the board granted something here, at its hub
            self._inbox.look_at_grants()
        while (outgoing := self._outbox.next()) is not None:
            self._put(outgoing)
            self._unproven.append((outgoing, self._now()))
            self._asked_ms = {outgoing.last: wall_ms()}
            self._news()

    def _put(self, outgoing: Outgoing) -> None:
        """Store a segment; raises BrokenSegmentChainError when another stands in its place."""
        if self._alone:
            self._store.put(outgoing.name, outgoing.data)
            return
        if not self._store.create(outgoing.name, outgoing.data):
            there = self._store.get(outgoing.name)
            if there is not None and there != outgoing.data:
                raise BrokenSegmentChainError(operation="send segment", subject=outgoing.name, seq=outgoing.last)
        self._alone = True  # looked once in this life: nobody else writes here

    def _prove(self) -> None:
        """Read back what was stored; what was countersigned meanwhile is proven already, at no cost."""
        while self._unproven and self._unproven[0][0].last <= self.confirmed.seq:
            self._proven()
        while self._unproven and self._now() - self._unproven[0][1] > _PROVE_AFTER_S:
            outgoing = self._unproven[0][0]
            if self._store.get(outgoing.name) != outgoing.data:
                raise ReplicatorError(operation="read back segment", subject=outgoing.name, retry_safe=True)
            self._proven()

    def _proven(self) -> None:
        outgoing = self._unproven.pop(0)[0]
        self._outbox.proven(outgoing)
        self.sent_seq, self.sent_at_ms = outgoing.last, wall_ms()

    def _begin_again(self) -> None:
        self._unproven.clear()
        self._outbox.back()

    def _receive(self) -> None:
        if self._now() < self._due_poll:
            return
        new = sum(self._read(origin) for origin in self._inbox.peers)
        if new:
            self.merged += new
            self._news()
            self._answer()
        self._due_poll = self._now() + self._wait()

    def _read(self, origin: Origin) -> int:
        new = 0
        while True:
            wanted = self._inbox.wanted(origin)
            data = self._library.get(wanted.name)
            if data is None:
                return new
            new += max(1, self._inbox.take(wanted, data))
            if len(data) < SEGMENT_BYTES // 2:
                self._news()

    def _answer(self) -> None:
        """Countersign what was merged, and see what was countersigned of ours."""
        if not self.superseded:
            owed = owed_countersigns(self.reader, self._inbox.peers)
            if owed:
                self._voice.countersign(owed)
                self._send()
        confirmed = newest_confirmed(self.reader, self.reader.origin, self._inbox.peers)
        if confirmed.seq > self.confirmed.seq:
            self._measure_skew(confirmed)
            keep_confirmed(self._client, confirmed)
            self.confirmed = confirmed

    def _measure_skew(self, confirmed: Confirmed) -> None:
        """Compare clocks as NTP does: the other side's, against the middle between question and answer."""
        asked, answered = self._asked_ms.get(confirmed.seq), wall_ms()
        if asked is not None and confirmed.at_ms is not None and answered - asked < _SKEW_WITHIN_MS:
            self.clock_skew_ms = confirmed.at_ms - (asked + answered) // 2

    def _look_for_successor(self) -> None:
        """Ask for the grant of the next epoch: so even a box that hears nothing else learns that it ended."""
        if self.superseded or self._now() < self._due_grant:
            return
        own = self.reader.origin
        blob = self._library.get(grant_name(Origin(own.school, own.site, own.epoch + 1)))
        if blob is not None and open_grant(blob, self._root, own.school).epoch > own.epoch:
            self._inbox.give_way()
        self._due_grant = self._now() + _GRANT_EVERY_S

    def _news(self) -> None:
        self._news_at = self._now()
        self._wait_s = self._pace.busy_s
        self._due_poll = min(self._due_poll, self._now() + self._pace.busy_s)

    def _wait(self) -> float:
        longest = self._pace.quiet_s if self._now() - self._news_at > _QUIET_AFTER_S else self._pace.idle_s
        wait, self._wait_s = self._wait_s, min(self._wait_s * self._pace.growth, longest)
        return min(wait, longest)
