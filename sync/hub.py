"""The board's side: the hubs of all its schools in one asynchronous process.

Invariant: a hub is a site like any other (its own keeper, log, segments, replica); here the keepers share one
event loop, the exchanges a few threads, the replicas one Litestream. One school's trouble holds up no other's.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.errors import KurabakoError
from sync.blobcourier import BlobCourier
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.courier import Courier
from sync.errors import ReplicatorError, StoreUnreachableError, SyncError
from sync.keeper import Keeper
from sync.leaseissuer import LeaseIssuer
from sync.litestream import Litestream, Replicated
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.replica import Sent, prove
from sync.settings import Settings
from sync.site import SitePaths
from sync.status import LinkState, Status, write_status

_TURN_S: Final = 1.0
_AGAIN_S: Final = 5.0
_STUCK_S: Final = 60.0
_STATUS_S: Final = 1.0
_STATUS_FRESH_S: Final = 10.0  # an idle school's status file is still looked at
_MOST_THREADS: Final = 32
_DOCUMENTS_S: Final = 30.0  # an idle school's documents are looked for as often
_PROVE_EVERY_S: Final = 15.0
_PROVE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class HubSchool:
    """One school's hub: where it is and what it needs."""

    paths: SitePaths
    settings: Settings


class _School:
    """What runs for one school. Its parts but the keeper are used by one thread of the pool at a time."""

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
        self._unproven_since: float | None = None
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
            self._issuer.turn()
            self.lease_failure = None
        except KurabakoError as error:
            self.lease_failure = error

    def prove(self, litestream: Litestream) -> None:
        """Have the replica sent and read it back, if there is something new."""
        seq = self.reader.position().seq
        if seq <= self._proven.seq:
            return
        try:
            self._proven = prove(litestream, self.database, self._objects, seq, _PROVE_S)
            self._unproven_since = None
        except SyncError:  # the next round tries again; nothing is claimed meanwhile
            self._unproven_since = self._unproven_since or time.monotonic()

    def distrust(self) -> None:
        """Claim nothing of the replica: it is sent anew."""
        self._proven = Sent()

    def stuck(self, patience_s: float) -> bool:
        """Say whether the store answers and yet this replica was not sent for so long."""
        since = self._unproven_since
        return since is not None and self._courier.failure is None and time.monotonic() - since > patience_s

    def patient(self) -> None:
        """Begin to wait anew."""
        self._unproven_since = None

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
        confirmed = told.confirmed if self.reader.content_after(told.confirmed) else saved
        failure = self._courier.failure
        sent = max(told.sent, self._proven.seq)
        faults = [fault.code for fault in (failure, self.lease_failure) if fault is not None]
        faults += self._documents.faults()
        return Status(
            link=LinkState.OFFLINE if isinstance(failure, StoreUnreachableError) else LinkState.ONLINE,
            link_since_ms=self._since_ms,
            saved=saved,
            sent=sent,
            waiting=max(0, saved - sent),
            sent_at_ms=told.sent_at_ms,
            verified_at_ms=None,
            verified_seq=0,
            replica_resets=0,
            litestream_restarts=0,
            warnings=tuple(faults),
            at_ms=wall_ms(),
            boot_s=time.monotonic(),
            confirmed=confirmed,
            confirmed_at_ms=told.confirmed_at_ms,
            clock_skew_ms=told.clock_skew_ms,
            superseded=told.superseded,
            quarantined=len(self.reader.quarantined()),
            documents=len(self._documents.told()),
        )


class _Replicator:
    """One Litestream over the databases that go to one store."""

    def __init__(self, folder: Path, schools: Sequence[_School]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.schools = schools
        self._patience_s = _STUCK_S
        self.litestream = Litestream(folder, [school.database for school in schools], schools[0].store)

    def mind(self) -> None:
        """Start it when it does not run, or hangs on a connection, which never recovers by itself.

        A replica whose keeper ended uncleanly is sent anew and whole first.
        """
        owed = [school for school in self.schools if school.paths.reset_mark.exists()]
        hangs = any(school.stuck(self._patience_s) for school in self.schools)
        if self.litestream.alive and not owed and not hangs:
            return
        self._patience_s = min(self._patience_s * 2, 16 * _STUCK_S) if hangs else _STUCK_S
        for school in self.schools:
            school.patient()
        self.litestream.kill()
        with contextlib.suppress(ReplicatorError):  # still owed: the next turn tries again
            for school in owed:
                self.litestream.reset(school.database)
                school.paths.reset_mark.unlink(missing_ok=True)
                school.distrust()
        self.litestream.start(snapshot=bool(owed))


class Hub:
    """Runs the hubs of a board. `run` returns after `stop`."""

    def __init__(self, folder: Path, schools: Sequence[HubSchool]) -> None:
        self._schools = [_School(school) for school in schools]
        groups: dict[str, list[_School]] = {}
        for school in self._schools:
            groups.setdefault("|".join(_place(school)), []).append(school)
        self._replicators = [
            _Replicator(folder / str(number), group) for number, group in enumerate(groups.values())
        ]
        self._stop = asyncio.Event()
        self._threads = ThreadPoolExecutor(min(_MOST_THREADS, len(schools) + 4), "hub")

    def stop(self) -> None:
        """Ask `run` to end; call it from the event loop."""
        self._stop.set()

    async def run(self) -> None:
        """Serve every school until `stop`."""
        loop = asyncio.get_running_loop()
        for school in self._schools:
            loop.add_reader(school.keeper.fileno(), school.serve_keeper)
        for replicator in self._replicators:
            replicator.mind()
        tasks = [
            asyncio.create_task(self._serve(school, replicator.litestream))
            for replicator in self._replicators
            for school in replicator.schools
        ]
        try:
            await self._watch()
        finally:
            await self._end(tasks)

    async def _serve(self, school: _School, litestream: Litestream) -> None:
        """Let one school's exchange take step after step: when it is due, or when something was kept."""
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            school.news.clear()
            try:
                wait_s = await loop.run_in_executor(self._threads, school.turn, litestream)
            except Exception:  # noqa: BLE001 - whatever it is, it is tried again and holds up no other school
                wait_s = _AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(school.news.wait(), wait_s)
        with contextlib.suppress(KurabakoError):
            await loop.run_in_executor(self._threads, school.finish, litestream)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            for replicator in self._replicators:
                await loop.run_in_executor(self._threads, replicator.mind)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _TURN_S)
        for school in self._schools:
            school.news.set()  # nobody waits for what will not come

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*tasks, return_exceptions=True)
        for replicator in self._replicators:
            await loop.run_in_executor(self._threads, replicator.litestream.stop)
        for school in self._schools:
            loop.remove_reader(school.keeper.fileno())
            school.close()
        self._threads.shutdown(wait=False)


def _place(school: _School) -> tuple[str, str, str]:
    return school.store.endpoint, school.store.bucket, school.store.access_key
