"""The board's side: the hubs of all its schools in one asynchronous process.

Invariant: a hub is a site like any other (its own keeper, log, segments, replica); here the keepers share one
event loop, the exchanges a few threads, the replicas one Litestream. One school's trouble holds up no other's.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from crypto.errors import KurabakoError
from sync.hubreplicas import Replicator
from sync.hubschool import HubSchool, School
from sync.litestream import Litestream

_TURN_S: Final = 1.0
_AGAIN_S: Final = 5.0
_MOST_THREADS: Final = 32


class Hub:
    """Runs the hubs of a board. `run` returns after `stop`."""

    def __init__(self, folder: Path, schools: Sequence[HubSchool]) -> None:
        self._schools = [School(school) for school in schools]
        groups: dict[str, list[School]] = {}
        for school in self._schools:
            groups.setdefault("|".join(_place(school)), []).append(school)
        self._replicators = [
            Replicator(folder / str(number), group) for number, group in enumerate(groups.values())
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
        tasks = [
            asyncio.create_task(self._serve(school, replicator.litestream))
            for replicator in self._replicators
            for school in replicator.schools
        ]
        try:
            await self._watch()
        finally:
            await self._end(tasks)

    async def _serve(self, school: School, litestream: Litestream) -> None:
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
            wait_s = _TURN_S
            for replicator in self._replicators:
                try:
                    await loop.run_in_executor(self._threads, replicator.mind)
                except Exception:  # noqa: BLE001 - a full disk, say: tried again, and the exchanges go on meanwhile
                    wait_s = _AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait_s)
        for school in self._schools:
            school.news.set()  # nobody waits for what will not come

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*tasks, return_exceptions=True)
        for replicator in self._replicators:
            await loop.run_in_executor(self._threads, replicator.stop)
        for school in self._schools:
            loop.remove_reader(school.keeper.fileno())
            school.close()
        self._threads.shutdown(wait=False)


def _place(school: School) -> tuple[str, str, str]:
    return school.store.endpoint, school.store.bucket, school.store.access_key
