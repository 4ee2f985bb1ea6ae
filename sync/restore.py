"""Verified restore: bring a store back from object storage, to now or to a given second, and prove it.

Invariant: nothing appears in the target folder unless it was verified; when the newest state does not pass, the
newest one that does is taken. What the database lacks is completed from the segments, and the report says what is
missing after that.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.errors import KurabakoError
from crypto.signing import VerifyKey
from sync.atomic import sync_folder
from sync.authority import Rules
from sync.complete import complete, rebuild
from sync.errors import (
    MixedEpochsError,
    NoPointError,
    NoReplicaError,
    ReplicaCorruptError,
    RestoreTargetError,
    RolledBackError,
    StoreRefusedError,
    StoreUnreachableError,
    WrongSchoolError,
)
from sync.fetch import Fetcher, Point
from sync.ids import Origin
from sync.litestream import replica_path
from sync.objectstore import ObjectStore, StoreConfig
from sync.reader import Reader
from sync.shortfall import Lacking, find_lacking
from sync.stores import Store
from sync.verify import verify_store
from sync.verifypass import Verified

_NO_ANSWER: Final = (StoreUnreachableError, StoreRefusedError)
Stage = Callable[[str, int, int], None]
"""Called with ("fetch" | "verify", done, total); bytes when fetching, changes when verifying."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bring back. `at_ms` None is now; `known_seq` is the newest position that anybody vouched for.

    `known_chain` is the chain hash there: with it a store that holds less or something else was rolled back.
    `rules` are what the sites judge merged changes by. Without `segments` only the replica itself is looked at.
    """

    origin: Origin
    root: VerifyKey
    at_ms: int | None = None
    known_seq: int = 0
    full: bool = False
    known_chain: bytes = b""
    rules: Rules | None = None
    segments: bool = True


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came back. `problem` is the code of the error that the newest state failed with, if it did.

    `missing` is how many changes are known to exist and are not here: 0 when none is known to be missing;
    `lacking` tells it by origin, with who says so.
    `completed` is how many changes the database lacked and the segments had.
    """

    verified: Verified
    path: Path
    seconds: float
    fell_back_to_ms: int | None
    problem: str
    missing: int
    completed: int = 0
    lacking: tuple[Lacking, ...] = ()

    @property
    def complete(self) -> bool:
        """Say whether it is all that is known to exist."""
        return not self.problem and self.missing == 0

    @property
    def complete_to_ms(self) -> int | None:
        """Return up to when nothing is known to be missing, in ms since 1970; None when that is not known."""
        times = [lack.held_ms for lack in self.lacking]
        if None in times or not self.verified.newest_ms:
            return None
        return min([self.verified.newest_ms, *(at_ms for at_ms in times if at_ms is not None)])


class Restorer:
    """Restores of one origin from one bucket into `target`, which must not hold anything.

    `library` is where the segments are, by default the same bucket.
    """

    def __init__(
        self,
        store: StoreConfig,
        wanted: Wanted,
        target: Path,
        stage: Stage | None = None,
        library: Store | None = None,
    ) -> None:
        self._wanted = wanted
        self._target = target
        self._stage = stage or (lambda *_: None)
        self._work = target.with_name(f".{target.name}.restoring")
        self._database = self._work / "school.db"
        self._path = replica_path(wanted.origin)
        objects = ObjectStore(store)
        self._library = library or objects
        self._fetcher = Fetcher(store, objects, self._path, self._work, lambda *told: self._stage("fetch", *told))
        self._completed = 0

    def run(self) -> RestoreReport:
        """Restore and verify.

        Raises RestoreTargetError, StoreUnreachableError, StoreRefusedError, NoReplicaError, NoPointError,
        WrongSchoolError, MixedEpochsError, ReplicaCorruptError; then nothing was left behind.
        """
        began, wanted = time.monotonic(), self._wanted
        if self._target.exists() and any(self._target.iterdir()):
            raise RestoreTargetError(operation="restore", subject=str(self._target), folder=str(self._target))
        if not self._fetcher.look():
            raise NoReplicaError(operation="restore", subject=self._path, place=self._path)
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700, parents=True)
        try:
            verified, point, problem = self._newest_that_passes()
            if wanted.segments:
                verified, problem = self._complete(verified, problem)
            lacking = self._lacking()
            self._adopt()
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        if wanted.at_ms is None and verified.seq < wanted.known_seq and wanted.known_chain and not problem:
            problem = RolledBackError.code
        fell_back = (point.at_ms or verified.newest_ms) if problem else None
        seconds = time.monotonic() - began
        missing = sum(lack.changes for lack in lacking)
        return RestoreReport(
            verified, self._target, seconds, fell_back, problem, missing, self._completed, lacking
        )

    def _lacking(self) -> tuple[Lacking, ...]:
        """Return what is known to be missing; of an earlier state that was asked for, nothing is."""
        wanted = self._wanted
        if wanted.at_ms is not None:
            return ()
        return find_lacking(self._database, self._library if wanted.segments else None, wanted.known_seq)

    def _complete(self, verified: Verified, problem: str) -> tuple[Verified, str]:
        """Add what the segments hold beyond the database, and prove the whole again."""
        wanted, before = self._wanted, verified.changes
        try:
            complete(self._database, self._library, wanted.root, wanted.rules or Rules(), until_ms=wanted.at_ms)
        except _NO_ANSWER:
            raise
        except KurabakoError as error:  # a bad segment ends the completion; what came before it counts
            problem = problem or error.code
        if _changes(self._database) == before:
            return verified, problem
        proven = self._verify(verified)
        self._completed = proven.changes - before
        return proven, problem

    def _newest_that_passes(self) -> tuple[Verified, Point, str]:
        wanted = Point(None, self._wanted.at_ms)
        try:
            return self._attempt(wanted), wanted, ""
        except (WrongSchoolError, NoPointError, *_NO_ANSWER):
            raise
        except KurabakoError as error:
            found = self._fall_back() or self._from_segments()
            if found is None:
                if isinstance(error, MixedEpochsError):
                    raise
                raise ReplicaCorruptError(
                    operation="restore", subject=error.code, cause=error, problem=error.code
                ) from error
            return *found, error.code

    def _from_segments(self) -> tuple[Verified, Point] | None:
        """Build the store from segments alone, when nothing of the replica passes."""
        wanted = self._wanted
        if wanted.at_ms is not None or not wanted.segments:
            return None
        self._clear()
        try:
            rebuild(self._database, wanted.origin, self._library, wanted.root, wanted.rules or Rules())
            verified = self._verify()
        except _NO_ANSWER:
            raise
        except KurabakoError:
            return None
        self._completed = verified.changes
        return verified, Point(None, None)

    def _fall_back(self) -> tuple[Verified, Point] | None:
        """Go back in doubling steps to a point that passes, then forward again by halves to the newest one."""
        points = self._points()
        step, low, best = 1, len(points) - 1, None
        while low >= 0 and best is None:
            best = self._passes(points[low])
            if best is None:
                step, low = step * 2, low - step
        if best is None:
            low = 0
            best = self._passes(points[0]) if points else None
        if best is None:
            return None
        high = min(len(points), low + step // 2 + 1)
        while low + 1 < high:
            middle = (low + high) // 2
            better = self._passes(points[middle])
            if better is not None:
                low, best = middle, better
            else:
                high = middle
        return self._attempt(points[low]), points[low]

    def _points(self) -> list[Point]:
        return self._fetcher.points(self._wanted.at_ms)

    def _passes(self, point: Point) -> Verified | None:
        try:
            return self._attempt(point)
        except _NO_ANSWER:
            raise  # says nothing about the replica
        except KurabakoError:
            return None

    def _attempt(self, point: Point) -> Verified:
        self._clear()
        self._fetcher.fetch(self._database, point)
        verified = self._verify()
        if verified.origin != self._wanted.origin:
            raise MixedEpochsError(operation="restore", subject=verified.origin.prefix)
        return verified

    def _clear(self) -> None:
        for stale in self._work.glob("school.db*"):
            stale.unlink(missing_ok=True)

    def _verify(self, proven: Verified | None = None) -> Verified:
        wanted = self._wanted
        verified = verify_store(
            self._database,
            wanted.root,
            wanted.origin.school,
            full=wanted.full,
            rules=wanted.rules,
            progress=lambda done, total: self._stage("verify", done, total),
            proven=proven,
        )
        if wanted.known_chain and verified.seq >= wanted.known_seq:
            with closing(Reader(self._database)) as reader:
                if reader.chain_at(wanted.origin, wanted.known_seq) != wanted.known_chain:
                    raise RolledBackError(operation="restore", subject=wanted.origin.prefix, seq=wanted.known_seq)
        return verified

    def _adopt(self) -> None:
        self._target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in sorted(self._work.glob("school.db*")):
            if part.suffix == ".db":
                with part.open("rb") as file:
                    os.fsync(file.fileno())
                part.rename(self._target / part.name)
        sync_folder(self._target)


def _changes(path: Path) -> int:
    with closing(Reader(path)) as reader:
        return reader.changes()
