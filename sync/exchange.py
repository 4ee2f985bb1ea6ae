"""The second channel of a site: its segments out, the others' in, merged, countersigned.

Invariant: each step leaves everything as if it had not begun or had ended, so it may be killed anywhere; what it
claims as sent was read back from the store, what it claims as confirmed was countersigned by the other side.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from crypto.errors import CryptoError, KurabakoError
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
_GRANT_EVERY_S: Final = 3600.0
_COURTESY_S: Final = 600.0  # a countersign over a mere checkpoint may wait as long
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
        self._awaited_s = self._pace.awaiting_s
        self.answered_at: float | None = None
        self._due_poll = self._due_grant = self._due_checkpoint = self._due_courtesy = 0.0
        self._news_at = now()
        self._look_at_confirmed()

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
        """Do what is due; return the seconds until the next step.

        A failure is not raised but kept in `failure`, until the others were asked again and nothing failed.
        """
        try:
            self._judge_own()  # needs no line: what was forged here must not stand until there is one
            self._look_for_successor()
            self._mind_checkpoint()
            self._send()
            asked = self._receive()
            self._prove()
            if asked:  # else nothing was tried, and what failed before may stand in the way as it did
                self.failure = None
        except SyncError as error:
            self.failure = error
            self._begin_again()
            self._due_poll = self._now() + (1.0 if isinstance(error, StoreUnreachableError) else 5.0)
            return 1.0
        except (
            KurabakoError
        ) as error:  # of bytes that are no roster, grant or key: they say nothing about the line
            self.failure = BrokenSegmentChainError(operation="merge", cause=error)
            self._due_poll = self._now() + 5.0
            return 5.0
        return self._until_due()

    def hurry(self) -> None:
        """Ask the others for news at the next step, and as after news from then on."""
        self._news_at, self._due_poll = self._now(), 0.0

    def finish(self) -> None:
        """End a life cleanly: a last checkpoint, and what waits on its way."""
        self._due_checkpoint = 0.0
        self.step()

    def _until_due(self) -> float:
        """Return the seconds until something is due by itself; what people keep makes more due."""
        now, due = self._now(), [self._due_poll]
        if self._unproven:
            due.append(self._unproven[0][1] + _PROVE_AFTER_S)
        timers = (self._due_grant, self._due_checkpoint, self._due_courtesy)
        due += [at for at in timers if at > now and not self.superseded]
        return max(_SOON_S, min(due) - now)

    def _mind_checkpoint(self) -> None:
        if not self.superseded and self._checkpoint_is_due():
            self._voice.checkpoint()

    def _checkpoint_is_due(self) -> bool:
        """Say whether a checkpoint is due, and take it that it is written."""
        if self._now() < self._due_checkpoint or not self._voice.dirty:
            return False
        self._due_checkpoint = self._now() + self._checkpoint_every_s
        return True

    def _judge_own(self) -> None:
        news = self._merger.judge_own() if self.reader.position().seq > self._outbox.last else ()
        if GRANT in news:  # the board granted something here, at its hub
            self._inbox.look_at_grants()

    def _send(self) -> None:
        if self.superseded:
            return
        self._judge_own()
        while (outgoing := self._outbox.next()) is not None:
            self._put(outgoing)
            self.answered_at = time.monotonic()
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

    def _receive(self) -> bool:
        """Ask the others for news if that is due; say whether it was."""
        if self._now() < self._due_poll:
            return False
        new = sum(self._read(origin) for origin in self._inbox.peers)
        if new:
            self.merged += new
            self._news()
        self._look_at_confirmed()  # also of what came on a medium
        if new or self._now() >= self._due_courtesy:
            self._answer()
        self.answered_at = time.monotonic()
        self._due_poll = self._now() + self._wait()
        return True

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
                if self._look_at_confirmed() and not self._awaiting():
                    return new  # the word that was waited for; what may come after it is not worth a question

    def _answer(self) -> None:
        """Countersign what was merged."""
        if self.superseded:
            return
        owed = owed_countersigns(self.reader, self._inbox.peers, checkpoints=self._now() >= self._due_courtesy)
        if not owed:
            return
        # One word carries both, so the other side reads and keeps one segment.
        self._voice.countersign(owed, checkpoint=self._checkpoint_is_due())
        self._due_courtesy = self._now() + _COURTESY_S
        self._send()

    def _look_at_confirmed(self) -> bool:
        """See what was countersigned of this site's log; say whether that was news."""
        confirmed = newest_confirmed(self.reader, self.reader.origin, self._inbox.peers)
        if confirmed.seq <= self.confirmed.seq:
            return False
        self._measure_skew(confirmed)
        keep_confirmed(self._client, confirmed)
        self.confirmed = confirmed
        return True

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
        with contextlib.suppress(CryptoError):  # nobody vouches for it: as if it were not there
            if blob is not None and open_grant(blob, self._root, own.school).epoch > own.epoch:
                self._inbox.give_way()
        self._due_grant = self._now() + _GRANT_EVERY_S

    def _news(self) -> None:
        self._news_at, self._awaited_s = self._now(), self._pace.awaiting_s
        self._due_poll = min(self._due_poll, self._now() + self._wait())

    def _wait(self) -> float:
        """Return the seconds until the others are asked again."""
        pace, age = self._pace, self._now() - self._news_at
        usual = pace.quiet_s if age > pace.quiet_after_s else pace.idle_s
        usual = next((every for until, every in pace.lively if age <= until), usual)
        if not self._awaiting():
            return usual
        wait, self._awaited_s = self._awaited_s, self._awaited_s * pace.growth
        return min(wait, usual)

    def _awaiting(self) -> bool:
        """Say whether the others owe us a word on what people here made."""
        sent, confirmed = self._outbox.last, self.confirmed.seq
        return bool(self._inbox.peers) and sent > confirmed and self.reader.content_after(confirmed) > 0
