"""What a site sends and proves: Litestream, proof of what was sent, checkpoints, self-checks; and the keeper.

Invariant: one loop starts and stops Litestream and the self-check, one thread the keeper unless somebody else (the
service manager) does; Litestream runs only while no reset is owed; the status file says nothing that was not
proven. After any end, the next start carries on without hands.
"""

import contextlib
import os
import time
from collections.abc import Callable
from typing import Final

from sync import healing
from sync.blobcourier import BlobCourier
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.courier import Courier
from sync.errors import (
    KeeperGoneError,
    LeaseLapsedError,
    LeaseRevokedError,
    ReplicatorError,
    StoreRefusedError,
    StoreUnreachableError,
    SyncError,
)
from sync.exchange import Told
from sync.keeperchild import KeeperChild, MindedChild
from sync.keeperlock import take_lock
from sync.leaseguard import LOGIN_NOTE, LeaseGuard, LeaseState, LeaseView
from sync.lineprobe import LineProbe
from sync.litestream import Litestream, Replicated, replica_path
from sync.localstore import FENCE
from sync.objectstore import ObjectStore
from sync.post import PostRoom
from sync.reader import Reader
from sync.replica import Prover
from sync.replicacheck import ReplicaCheck
from sync.servicemanager import Pulse, leaving, serving
from sync.settings import Settings
from sync.site import SitePaths
from sync.status import LinkState, Status, write_status

_TICK_S: Final = 0.2
_STATUS_S: Final = 1.0
_LEASE_S: Final = 1.0
_HURRY_S: Final = 15.0  # a box that waits for its lease asks for news as often
_STUCK_S: Final = 60.0
_CLOCK_BEHIND_S: Final = 60
_LAST_PROOF_S: Final = 5.0
_SPACE: Final = "sync"


class SiteDaemon:
    """Runs a site. `run` blocks until `stop`; `start`, `tick` and `close` are its parts.

    `keeper` makes the child that is the keeper; with None it is a process that others start and start again.
    """

    def __init__(
        self,
        paths: SitePaths,
        settings: Settings,
        keeper: Callable[[SitePaths], MindedChild] | None = KeeperChild,
    ) -> None:
        paths = SitePaths(paths.root.resolve())  # Litestream runs in a folder of its own
        if keeper is not None:
            os.close(take_lock(paths))  # a keeper that runs already is refused before anything is started
        self._paths = paths
        self._settings = settings
        self._reader = Reader(paths.store)
        self._prover_reader = Reader(paths.store)
        origin = self._reader.origin
        self._database = Replicated(paths, origin)
        self._litestream = Litestream(paths.run, [self._database], settings.store)
        store = ObjectStore(settings.store)
        self._courier = Courier(paths, settings)
        self._documents = BlobCourier(paths, settings, self._courier.told)
        self._probe = LineProbe(
            store,
            replica_path(origin),
            settings.store.endpoint,
            lambda: self._courier.answered_at,
            lambda: self._unsent,
        )
        self._prover = Prover(
            self._litestream,
            self._database,
            store,
            self._probe,
            lambda: self._prover_reader.position().seq,
            self._carrying,
        )
        self._client = KeeperClient(paths.socket)
        self._check = ReplicaCheck(paths, settings, self._client)
        self._keeper = keeper(paths) if keeper is not None else None
        self._guard: LeaseGuard | None = None
        self._lease = LeaseView(LeaseState.UNLEASED)
        self._post: PostRoom | None = None
        self._login: bytes | None = None
        self._stopping = self._blind = self._snapshotting = self._unsent = False
        self._resets = self._restarts = 0
        self._told = Told()
        self._due_status = self._due_lease = self._due_hurry = 0.0
        self._patience_s = _STUCK_S

    def run(self) -> None:
        """Run until `stop`, then stop cleanly."""
        pulse = Pulse()
        self.start()
        serving()
        try:
            while not self._stopping:
                self.tick()
                pulse.beat()
                time.sleep(_TICK_S)
        finally:
            leaving()
            self.close()

    def stop(self) -> None:
        """Ask `run` to end; safe in a signal handler."""
        self._stopping = True

    def start(self) -> None:
        """Start everything; a reset owed from the last life is done first."""
        if self._keeper is not None:
            self._keeper.start()
        self._client.hello()
        self._recall()
        if self._client.local_get(*FENCE) is None:
            if self._paths.reset_mark.exists():
                self._reset()
            else:
                self._start_litestream()
        self._probe.start()
        self._prover.start()
        self._courier.start()
        self._documents.start()

    def tick(self) -> None:
        """Look after every part once."""
        if self._courier.told().superseded:
            self._litestream.kill()  # a newer box took over: this one sends nothing any more
        elif self._paths.reset_mark.exists():
            self._reset()
        else:
            self._mind_litestream()
        now, told = time.monotonic(), self._courier.told()
        with contextlib.suppress(KeeperGoneError):  # the next tick starts it again
            self._mind_check()
        if now >= self._due_lease:
            self._due_lease = now + _LEASE_S
            self._mind_lease()
        if now >= self._due_status or told != self._told:
            self._due_status, self._told = now + _STATUS_S, told
            status = self.status()
            self._unsent = status.waiting > 0
            write_status(self._paths, status)

    def close(self) -> None:
        """Stop in order: a last checkpoint, a last proof while the line is up, keeper, Litestream."""
        self._documents.stop()
        self._courier.stop()
        self._prover.stop()
        self._probe.stop()
        if self._probe.link.state is LinkState.ONLINE:
            self._prover.step(_LAST_PROOF_S, now=True)
        self._check.stop()
        if self._keeper is not None:
            self._keeper.stop(10.0)
        self._litestream.stop()
        self._client.close()
        self._reader.close()
        self._prover_reader.close()
        self._paths.status.unlink(missing_ok=True)

    def status(self) -> Status:
        """Return what is known now."""
        saved, link, told = self._reader.position().seq, self._probe.link, self._courier.told()
        proven = self._prover.sent
        sent = max(proven.seq, told.sent)
        confirmed = unconfirmed_since = None
        if told.peers:
            confirmed = min(saved, sent, self._reader.confirmed_to(told.confirmed))
            unconfirmed_since = self._made_after(told.confirmed)
        return Status(
            link=link.state,
            link_since_ms=link.since_ms,
            saved=saved,
            sent=sent,
            waiting=max(0, saved - sent),
            sent_at_ms=max(proven.at_ms or 0, told.sent_at_ms or 0) or None,
            verified_at_ms=self._check.verified_at_ms,
            verified_seq=self._check.verified_seq,
            replica_resets=self._resets,
            litestream_restarts=self._restarts,
            warnings=self._warnings(),
            at_ms=wall_ms(),
            boot_s=time.monotonic(),
            confirmed=confirmed,
            confirmed_at_ms=told.confirmed_at_ms,
            clock_skew_ms=told.clock_skew_ms,
            superseded=told.superseded,
            quarantined=len(self._reader.quarantined()),
            lease=str(self._lease.state),
            lease_until_ms=self._lease.until_ms or None,
            documents=len(self._documents.told()),
            replicated=proven.seq,
            waiting_since_ms=self._made_after(sent) if sent < saved else None,
            unconfirmed_since_ms=unconfirmed_since,
            verify_problem=self._check.problem,
        )

    def _made_after(self, seq: int) -> int | None:
        first = self._reader.first_content(seq)
        return None if first is None else first.at_ms

    def children(self) -> dict[str, int]:
        """Return the process ids of keeper and Litestream while they run."""
        keeper = self._keeper.pid if self._keeper is not None else None
        return {name: pid for name, pid in (("keeper", keeper), ("litestream", self._litestream.pid)) if pid}

    def _carrying(self) -> bool:
        """Say whether segments get through to a site that reads them."""
        return bool(self._courier.told().peers) and self._courier.failure is None

    def _start_litestream(self, *, snapshot: bool = False) -> None:
        self._blind = self._probe.link.good == 0 and self._probe.link.bad > 0
        self._snapshotting = snapshot
        try:
            self._litestream.start(snapshot=snapshot)
        except ReplicatorError as error:  # one of the last life still ends: the next tick tries again
            self._prover.last_failure = error

    def _reset(self) -> None:
        """Replace the replica's head by a whole new snapshot; until it is proven nothing counts as sent."""
        self._litestream.kill()
        self._prover.distrust()
        self._check.stop()  # what it would say is about the former replica
        cause = healing.cause_of(self._paths)
        healing.begin(self._paths, cause)
        try:
            self._litestream.reset(forget=cause in (healing.UNCLEAN, healing.FAILED_WRITE))
        except ReplicatorError as error:
            self._prover.last_failure = error
            return  # still owed: the next tick tries again
        self._paths.reset_mark.unlink(missing_ok=True)  # before the start: the next keeper's death sets it again
        # Without a snapshot a restore would still read the damaged objects before the reset (measured).
        self._start_litestream(snapshot=True)
        self._resets += 1
        self._remember("replica_resets", self._resets)
        self._check.hurry()  # it is healed when a restore of the new one was verified

    def _mind_litestream(self) -> None:
        stuck = self._prover.stuck_since
        hangs = stuck is not None and time.monotonic() - stuck > self._patience_s
        if stuck is None:
            self._patience_s = _STUCK_S
        # Started without a line, it sits in a long back-off of its own when the line returns (measured: 10 s).
        blind = self._blind and self._probe.link.good > 0
        if self._litestream.alive and not hangs and not blind:
            return
        unfinished = self._snapshotting and not self._litestream.ended
        self._litestream.kill()
        if hangs:  # the store answers, yet nothing was sent: a hung connection never recovers by itself
            self._prover.stuck_since = time.monotonic()  # only a proof ends it, and with it the longer patience
            self._patience_s = min(self._patience_s * 2, 16 * _STUCK_S)  # a thin line needs its time
        self._restarts += 0 if self._snapshotting else 1
        self._start_litestream(snapshot=unfinished)

    def _mind_check(self) -> None:
        # While a snapshot is under way a restore would still read what it replaces.
        if self._check.running or not self._snapshotting:
            online = self._probe.link.state is LinkState.ONLINE
            self._check.look(self._prover.sent.seq, possible=online)

    def _mind_lease(self) -> None:
        """Let the lease key die in time, lay letters out; ask for news at a login or while a lease is awaited."""
        with contextlib.suppress(SyncError):  # tried again every second
            if self._guard is None:
                self._guard = LeaseGuard(self._reader, self._client, self._settings.root, self._settings.key)
            self._lease = self._guard.turn()
            login = self._client.local_get(*LOGIN_NOTE)
            waits = self._lease.state is LeaseState.LAPSED and time.monotonic() >= self._due_hurry
            if login != self._login or waits:
                self._login, self._due_hurry = login, time.monotonic() + _HURRY_S
                self._courier.hurry()
        with contextlib.suppress(SyncError):
            if self._post is None:
                self._post = PostRoom(self._reader, self._client, self._settings.root, self._settings.key)
            self._post.turn()

    def _warnings(self) -> tuple[str, ...]:
        found = [self._check.problem] if self._check.problem else []
        failure = self._probe.last_failure
        if isinstance(failure, StoreRefusedError):
            found.append(failure.code)
        stopped = self._courier.failure
        if stopped is not None and not isinstance(stopped, StoreUnreachableError | KeeperGoneError):
            found.append(stopped.code)  # the line's own light tells of a line that is away
        found += self._documents.faults()
        if not self._lease.opens:
            found.append((LeaseRevokedError if self._lease.state is LeaseState.REVOKED else LeaseLapsedError).code)
        with contextlib.suppress(KeeperGoneError):
            if self._client.hello().clock_behind_s > _CLOCK_BEHIND_S:
                found.append("SYNC-048")
        return tuple(dict.fromkeys(found))

    def _remember(self, key: str, value: int) -> None:
        with contextlib.suppress(KeeperGoneError):  # only a count for the next life
            self._client.local_put(_SPACE, key, str(value).encode())

    def _recall(self) -> None:
        self._resets = int(self._client.local_get(_SPACE, "replica_resets") or 0)
        self._check.recall()
