"""One school at the board's hub: keeper, exchange, leases, documents, and the proof of its replica.

Invariant: what runs in here waits for no other school; nothing counts as sent or verified that was not read back.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final

from crypto.errors import KurabakoError
from sync import healing
from sync.blobcourier import BlobCourier
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.courier import Courier
from sync.errors import KeeperGoneError, StoreUnreachableError, SyncError
from sync.keeper import Keeper
from sync.leaseissuer import LeaseIssuer
from sync.litestream import Litestream, Replicated
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.replica import Sent, prove
from sync.replicacheck import ReplicaCheck
from sync.settings import Settings
from sync.site import SitePaths
from sync.status import LinkState, Status, write_status

_STATUS_S: Final = 1.0
_STATUS_FRESH_S: Final = 10.0  # an idle school's status file is still looked at
_DOCUMENTS_S: Final = 30.0  # an idle school's documents are looked for as often
_PROVE_EVERY_S: Final = 15.0
_PROVE_S: Final = 10.0
_SPACE: Final = "sync"


@dataclass(frozen=True, slots=True)
class HubSchool:
    """One school's hub: where it is and what it needs."""

    paths: SitePaths
    settings: Settings


class School:
    """What runs for one school. Its parts are used by one thread of the pool at a time.

    Two are not: the keeper, which the event loop serves, and the care for the replica (`heal`, `look`, `patient`),
    in the thread that minds the replicas.
    """

    def __init__(self, school: HubSchool) -> None:
        self.paths = SitePaths(school.paths.root.resolve())
        self.store = school.settings.store
        self.keeper = Keeper(self.paths)
        self.reader = Reader(self.paths.store)
        self.database = Replicated(self.paths, self.reader.origin)
        self.news = asyncio.Event()
        self._courier = Courier(self.paths, school.settings)
        self._documents = BlobCourier(self.paths, school.settings, self._courier.told)
        self._settings = school.settings
        self._client = KeeperClient(self.paths.socket)
        self._issuer: LeaseIssuer | None = None
        self.lease_failure: KurabakoError | None = None
        self._objects = ObjectStore(self.store)
        self._proven = Sent()
        self._life = self._resets = self.restarts = 0
        self._recalled = False
        self._unproven_since: float | None = None
        self.check = ReplicaCheck(self.paths, school.settings, self._client)
        self._since_ms = wall_ms()
        self._due_proof = time.monotonic() + _PROVE_EVERY_S
        self._due_status = self._due_documents = 0.0

    def serve_keeper(self) -> None:
        """Let the keeper answer; wakes the exchange when something was kept."""
        before = self.keeper.seq
        self.keeper.turn(0)
        if self.keeper.seq != before:
            self.news.set()

    def turn(self, litestream: Litestream) -> float:
        """Let the exchange do what is due; return the seconds until the next turn."""
        self._recall()
        wait_s = self._courier.turn()
        self._mind_leases()
        now = time.monotonic()
        if now >= self._due_proof:
            self._due_proof = now + _PROVE_EVERY_S
            self.prove(litestream)
        if now >= self._due_status:
            self._due_status = now + _STATUS_S
            write_status(self.paths, self._status())
        return min(wait_s, _STATUS_FRESH_S, self._mind_documents())

    def _mind_documents(self) -> float:
        """Carry a piece of a document; return the seconds until the next, long while there is none."""
        left_s = self._due_documents - time.monotonic()
        if left_s <= 0:
            wait_s = self._documents.turn()
            left_s = wait_s if self._documents.told() else _DOCUMENTS_S
            self._due_documents = time.monotonic() + left_s
        return left_s

    def _mind_leases(self) -> None:
        """Issue the lease that is due; what is in its way holds up nothing else."""
        try:
            if self._issuer is None:
                self._issuer = LeaseIssuer(self.reader, self._client, self._settings.root, self._settings.key)
            if self._issuer.turn():  # else nothing was tried, and what failed before may fail as it did
                self.lease_failure = None
        except KurabakoError as error:
            self.lease_failure = error

    def prove(self, litestream: Litestream) -> None:
        """Have the replica sent and read it back, if there is something new."""
        seq, life = self.reader.position().seq, self._life
        if seq <= self._proven.seq or self.owes_reset:
            return
        try:
            proven = prove(litestream, self.database, self._objects, seq, _PROVE_S)
        except SyncError:  # the next round tries again; nothing is claimed meanwhile
            self._unproven_since = self._unproven_since or time.monotonic()
            return
        self._unproven_since = None
        if life == self._life:  # else it is about what was replaced meanwhile
            self._proven = proven

    @property
    def owes_reset(self) -> bool:
        """Say whether the replica has to be replaced by a whole new one."""
        return self.paths.reset_mark.exists()

    def heal(self, litestream: Litestream) -> None:
        """Make Litestream, which is stopped, begin with a whole new replica; raises ReplicatorError."""
        self.check.stop()  # what it would say is about the former replica
        cause = healing.cause_of(self.paths)
        healing.begin(self.paths, cause)
        self._life += 1
        self._proven, self._due_proof = Sent(), 0.0  # nothing is claimed of it until it was read back
        litestream.reset(self.database, forget=cause in (healing.UNCLEAN, healing.FAILED_WRITE))
        self.paths.reset_mark.unlink(missing_ok=True)
        self._resets += 1
        with contextlib.suppress(KeeperGoneError):  # only a count for the next life
            self._client.local_put(_SPACE, "replica_resets", str(self._resets).encode())
        self.check.hurry()  # it is healed when a restore of the new one was verified

    def look(self) -> None:
        """Take the outcome of a verified restore, or begin the next one where it is due."""
        self.check.look(self._proven.seq, possible=self._courier.failure is None)

    def stuck(self, patience_s: float) -> bool:
        """Say whether the store answers and yet this replica was not sent for so long."""
        since = self._unproven_since
        return since is not None and self._courier.failure is None and time.monotonic() - since > patience_s

    @property
    def unproven(self) -> bool:
        """Say whether the last try to send this replica and to read it back failed."""
        return self._unproven_since is not None

    def wait_anew(self) -> None:
        """Count from now how long the replica was not sent; only a proof ends that."""
        if self.unproven:
            self._unproven_since = time.monotonic()

    def finish(self, litestream: Litestream) -> None:
        """Say a last word, to the others and to the replica."""
        self._documents.close()
        self._courier.finish()
        self._courier.close()
        self.prove(litestream)

    def close(self) -> None:
        """Stop the keeper, leaving the site clean."""
        self._client.close()
        self.reader.close()
        self.keeper.close()
        self.paths.status.unlink(missing_ok=True)

    def _status(self) -> Status:
        saved, told = self.reader.position().seq, self._courier.told()
        failure = self._courier.failure
        sent = max(told.sent, self._proven.seq)
        confirmed = min(saved, sent, self.reader.confirmed_to(told.confirmed))
        faults = [fault.code for fault in (failure, self.lease_failure) if fault is not None]
        faults += [self.check.problem] if self.check.problem else []
        faults += self._documents.faults()
        return Status(
            link=LinkState.OFFLINE if isinstance(failure, StoreUnreachableError) else LinkState.ONLINE,
            link_since_ms=self._since_ms,
            saved=saved,
            sent=sent,
            waiting=max(0, saved - sent),
            sent_at_ms=told.sent_at_ms,
            verified_at_ms=self.check.verified_at_ms,
            verified_seq=self.check.verified_seq,
            replica_resets=self._resets,
            litestream_restarts=self.restarts,
            warnings=tuple(faults),
            at_ms=wall_ms(),
            boot_s=time.monotonic(),
            confirmed=confirmed,
            confirmed_at_ms=told.confirmed_at_ms,
            clock_skew_ms=told.clock_skew_ms,
            superseded=told.superseded,
            quarantined=len(self.reader.quarantined()),
            documents=len(self._documents.told()),
            replicated=self._proven.seq,
        )

    def _recall(self) -> None:
        """Take up the counts and times of the last life; the keeper answers while the event loop runs."""
        if not self._recalled:
            with contextlib.suppress(KeeperGoneError):
                self.check.recall()
                self._resets += int(self._client.local_get(_SPACE, "replica_resets") or 0)
                self._recalled = True
