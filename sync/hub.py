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

from sync.clock import wall_ms
from sync.courier import Courier
from sync.errors import ReplicatorError, SyncError
from sync.keeper import Keeper
from sync.litestream import Litestream, Replicated
from sync.objectstore import ObjectStore, StoreConfig
from sync.reader import Reader
from sync.replica import Sent, prove
from sync.settings import Settings
from sync.site import SitePaths
from sync.status import LinkState, Status, write_status

_TURN_S: Final = 1.0
_MOST_THREADS: Final = 32
_PROVE_EVERY_S: Final = 15.0
_PROVE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class HubSchool:
    """One school's hub: where it is and what it needs."""

    paths: SitePaths
    settings: Settings


class _School:
    """What runs for one school."""

    def __init__(self, school: HubSchool) -> None:
        self.paths = SitePaths(school.paths.root.resolve())
        self.keeper = Keeper(self.paths)
        self.reader = Reader(self.paths.store)
        self.database = Replicated(self.paths, self.reader.origin)
        self.courier = Courier(self.paths, school.settings)
        self.store = ObjectStore(school.settings.store)
        self.proven = Sent()
        self.since_ms = wall_ms()
        self.task: asyncio.Task[None] | None = None

    def prove(self, litestream: Litestream) -> None:
        """Have the replica sent and read it back, if there is something new."""
        seq = self.reader.position().seq
        if seq > self.proven.seq:
            with contextlib.suppress(SyncError):  # the next round tries again; nothing is claimed meanwhile
                self.proven = prove(litestream, self.database, self.store, seq, _PROVE_S)

    def status(self) -> Status:
        """Return what is known of this school."""
        saved, told = self.reader.position().seq, self.courier.told()
        confirmed = told.confirmed if self.reader.content_after(told.confirmed) else saved
        failure = self.courier.failure
        sent = max(told.sent, self.proven.seq)
        return Status(
            link=LinkState.OFFLINE if failure is not None else LinkState.ONLINE,
            link_since_ms=self.since_ms,
            saved=saved,
            sent=sent,
            waiting=max(0, saved - sent),
            sent_at_ms=told.sent_at_ms,
            verified_at_ms=None,
            verified_seq=0,
            replica_resets=0,
            litestream_restarts=0,
            warnings=(failure.code,) if failure is not None else (),
            at_ms=wall_ms(),
            boot_s=time.monotonic(),
            confirmed=confirmed,
            confirmed_at_ms=told.confirmed_at_ms,
            clock_skew_ms=told.clock_skew_ms,
            superseded=told.superseded,
            quarantined=len(self.reader.quarantined()),
        )


class Hub:
    """Runs the hubs of a board. `run` returns after `stop`."""

    def __init__(self, folder: Path, schools: Sequence[HubSchool], store: StoreConfig) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._schools = [_School(school) for school in schools]
        databases = [school.database for school in self._schools]
        self._litestream = Litestream(folder, databases, store)
        self._stop = asyncio.Event()
        self._threads = ThreadPoolExecutor(min(_MOST_THREADS, len(schools) + 4), "hub")

    def stop(self) -> None:
        """Ask `run` to end; call it from the event loop."""
        self._stop.set()

    async def run(self) -> None:
        """Serve every school until `stop`."""
        loop = asyncio.get_running_loop()
        for school in self._schools:
            loop.add_reader(school.keeper.fileno(), school.keeper.turn, 0)
        self._start_litestream()
        try:
            for school in self._schools:
                school.task = asyncio.create_task(self._serve(school))
            await self._watch()
        finally:
            await self._end()

    async def _serve(self, school: _School) -> None:
        """Let one school's exchange take step after step."""
        loop = asyncio.get_running_loop()
        due = time.monotonic() + _PROVE_EVERY_S
        while not self._stop.is_set():
            wait_s = await loop.run_in_executor(self._threads, school.courier.turn)
            if time.monotonic() > due:
                await loop.run_in_executor(self._threads, school.prove, self._litestream)
                due = time.monotonic() + _PROVE_EVERY_S
            await asyncio.sleep(wait_s)
        await loop.run_in_executor(self._threads, school.courier.finish)

    async def _watch(self) -> None:
        """Keep Litestream running and the status files fresh."""
        while not self._stop.is_set():
            if not self._litestream.alive or any(school.paths.reset_mark.exists() for school in self._schools):
                self._litestream.kill()
                self._start_litestream()
            for school in self._schools:
                school.keeper.turn(0)
                write_status(school.paths, school.status())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _TURN_S)

    def _start_litestream(self) -> None:
        """Start it; a replica whose keeper ended uncleanly is sent anew and whole first."""
        owed = [school for school in self._schools if school.paths.reset_mark.exists()]
        with contextlib.suppress(ReplicatorError):  # still owed: the next turn tries again
            for school in owed:
                self._litestream.reset(school.database)
                school.paths.reset_mark.unlink(missing_ok=True)
                school.proven = Sent()
        self._litestream.start(snapshot=bool(owed))

    async def _end(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(school.task for school in self._schools if school.task), return_exceptions=True)
        for school in self._schools:
            school.courier.close()
            await loop.run_in_executor(self._threads, school.prove, self._litestream)
        self._litestream.stop()
        for school in self._schools:
            loop.remove_reader(school.keeper.fileno())
            school.reader.close()
            school.keeper.close()
            school.paths.status.unlink(missing_ok=True)
        self._threads.shutdown(wait=False)
