"""Verified restore: bring a store back from object storage, to now or to a given second, and prove it.

Invariant: nothing appears in the target folder unless it was verified; when the newest state does not pass, the
newest one that does is taken, and the report says what is missing.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crypto.errors import KurabakoError
from crypto.signing import VerifyKey
from sync.atomic import atomic_write, sync_folder
from sync.errors import (
    NoPointError,
    NoReplicaError,
    ReplicaCorruptError,
    ReplicatorError,
    RestoreTargetError,
    StoreRefusedError,
    StoreUnreachableError,
    WrongSchoolError,
)
from sync.ids import Origin
from sync.litestream import environment, replica_path, replica_settings
from sync.objectstore import ObjectStore, StoreConfig
from sync.programs import find_program, start_child, stop_child
from sync.verify import Verified, verify_store

_LONGEST_S: Final = 3600.0
_ASK_S: Final = 5.0
_GONE_S: Final = 30.0
_UNANSWERED: Final = ("StatusCode: 0", "request send failed")
_NO_ANSWER: Final = (StoreUnreachableError, StoreRefusedError)
Stage = Callable[[str, int, int], None]
"""Called with ("fetch" | "verify", done, total); bytes when fetching, changes when verifying."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bring back. `at_ms` None is now; `known_seq` is the newest position that the board has seen."""

    origin: Origin
    root: VerifyKey
    at_ms: int | None = None
    known_seq: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came back. `problem` is the code of the error that the newest state failed with, if it did.

    `missing` is how many changes are known to exist and are not here: 0 when none is known to be missing.
    """

    verified: Verified
    path: Path
    seconds: float
    fell_back_to_ms: int | None
    problem: str
    missing: int

    @property
    def complete(self) -> bool:
        """Say whether it is all that is known to exist."""
        return not self.problem and self.missing == 0


@dataclass(frozen=True, slots=True)
class _Point:
    """A state that can be asked for: up to a transaction of Litestream, or None for the newest."""

    txid: int | None
    at_ms: int | None


class Restorer:
    """Restores of one origin from one bucket into `target`, which must not hold anything."""

    def __init__(self, store: StoreConfig, wanted: Wanted, target: Path, stage: Stage | None = None) -> None:
        self._store = store
        self._wanted = wanted
        self._target = target
        self._stage = stage or (lambda *_: None)
        self._work = target.with_name(f".{target.name}.restoring")
        self._path = replica_path(wanted.origin)
        self._objects = ObjectStore(store)
        self._sizes: dict[str, int] = {}

    def run(self) -> RestoreReport:
        """Restore and verify.

        Raises RestoreTargetError, StoreUnreachableError, StoreRefusedError, NoReplicaError, NoPointError,
        WrongSchoolError, ReplicaCorruptError; then nothing was left behind.
        """
        began = time.monotonic()
        if self._target.exists() and any(self._target.iterdir()):
            raise RestoreTargetError(operation="restore", subject=str(self._target), folder=str(self._target))
        self._sizes = self._objects.sizes(self._path)
        if not self._sizes:
            raise NoReplicaError(operation="restore", subject=self._path, place=self._path)
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700, parents=True)
        try:
            verified, point, problem = self._newest_that_passes()
            self._adopt()
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        missing = max(0, self._wanted.known_seq - verified.seq) if self._wanted.at_ms is None else 0
        seconds = time.monotonic() - began
        return RestoreReport(verified, self._target, seconds, point.at_ms if problem else None, problem, missing)

    def _newest_that_passes(self) -> tuple[Verified, _Point, str]:
        wanted = _Point(None, self._wanted.at_ms)
        try:
            return self._attempt(wanted), wanted, ""
        except (WrongSchoolError, NoPointError, *_NO_ANSWER):
            raise
        except KurabakoError as error:
            found = self._fall_back()
            if found is None:
                raise ReplicaCorruptError(
                    operation="restore", subject=error.code, cause=error, problem=error.code
                ) from error
            return *found, error.code

    def _fall_back(self) -> tuple[Verified, _Point] | None:
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

    def _passes(self, point: _Point) -> Verified | None:
        try:
            return self._attempt(point)
        except _NO_ANSWER:
            raise  # says nothing about the replica
        except KurabakoError:
            return None

    def _attempt(self, point: _Point) -> Verified:
        database = self._work / "school.db"
        for stale in self._work.glob("school.db*"):
            stale.unlink(missing_ok=True)
        self._fetch(database, point)
        verified = verify_store(
            database,
            self._wanted.root,
            self._wanted.origin.school,
            full=self._wanted.full,
            progress=lambda done, total: self._stage("verify", done, total),
        )
        if verified.origin != self._wanted.origin:
            found = f"{verified.origin.prefix}"
            raise WrongSchoolError(
                operation="restore", subject=found, found=found, wanted=self._wanted.origin.prefix
            )
        return verified

    def _fetch(self, database: Path, point: _Point) -> None:
        command = [find_program("litestream"), "restore", "-config", str(self._configure(database))]
        command += ["-o", str(database)]  # `verify_store` checks the structure: beside its own work, not before it
        if point.txid is not None:
            command += ["-txid", f"{point.txid:016x}"]
        elif point.at_ms is not None:
            # Exclusive in milliseconds: the last instant of what was asked for.
            command += ["-timestamp", _rfc3339(point.at_ms)]
        command.append(str(database))
        log = self._work / "litestream.log"
        with log.open("wb") as sink:
            child = start_child(command, environment(self._store), sink)
        try:
            self._watch(child, database)
        finally:
            stop_child(child, 2.0)
        if child.returncode != 0:
            self._explain(log.read_text("utf-8", "replace"), point)

    def _watch(self, child: subprocess.Popen[bytes], database: Path) -> None:
        expected, deadline = max(self._sizes.values(), default=0) * 2, time.monotonic() + _LONGEST_S
        asked = answered = time.monotonic()
        while child.poll() is None:
            written = max(map(_size, self._work.glob("school.db*")), default=0)
            self._stage("fetch", written, max(expected, written))
            if time.monotonic() > deadline:
                raise ReplicatorError(operation="restore", subject=str(database), retry_safe=True)
            if time.monotonic() - asked > _ASK_S:
                answered = self._last_answer(answered)
                asked = time.monotonic()
            time.sleep(0.02)

    def _last_answer(self, before: float) -> float:
        """Return when the store last answered; raises StoreUnreachableError when that is long ago.

        Litestream itself waits two minutes for a store that refuses, and a day for a line that hangs (measured).
        """
        try:
            self._objects.probe(self._path)
        except StoreUnreachableError:
            if time.monotonic() - before > _GONE_S:
                raise
            return before
        return time.monotonic()

    def _explain(self, log: str, point: _Point) -> None:
        if point.txid is None and point.at_ms is not None and ("no matching" in log or "not available" in log):
            asked = datetime.fromtimestamp(point.at_ms / 1000, UTC).astimezone().isoformat(timespec="seconds")
            raise NoPointError(operation="restore", subject=asked, at=asked)
        if any(word in log for word in _UNANSWERED):
            where = self._store.endpoint
            raise StoreUnreachableError(operation="restore", subject=where, retry_safe=True, endpoint=where)
        raise ReplicatorError(operation="restore", subject=log.strip()[-200:].replace("\n", " "))

    def _configure(self, database: Path) -> Path:
        config = self._work / "litestream.yml"
        entry = {"path": str(database), "replica": replica_settings(self._store, self._path)}
        atomic_write(config, json.dumps({"logging": {"level": "error"}, "dbs": [entry]}).encode())
        return config

    def _points(self) -> list[_Point]:
        """Return every state that Litestream lists, oldest first, up to the time asked for."""
        config = self._configure(self._work / "school.db")
        command = [find_program("litestream"), "ltx", "-level", "all", "-json", "-config", str(config)]
        command.append(str(self._work / "school.db"))
        done = subprocess.run(
            command, env=environment(self._store), capture_output=True, check=False, timeout=_LONGEST_S
        )
        if done.returncode != 0:
            self._objects.probe(self._path)
            return []
        ends: dict[int, int] = {}
        for entry in json.loads(done.stdout or b"[]"):
            txid = int(str(entry["max_txid"]), 16)
            # Whole seconds, cut off: up to 999 ms later than it says.
            at_ms = int(datetime.fromisoformat(str(entry["timestamp"])).timestamp() * 1000) + 999
            ends[txid] = max(at_ms, ends.get(txid, 0))
        limit = self._wanted.at_ms
        return [_Point(txid, ends[txid]) for txid in sorted(ends) if limit is None or ends[txid] <= limit]

    def _adopt(self) -> None:
        self._target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in sorted(self._work.glob("school.db*")):
            if part.suffix == ".db":
                with part.open("rb") as file:
                    os.fsync(file.fileno())
                part.rename(self._target / part.name)
        sync_folder(self._target)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # Litestream renames and removes its own files meanwhile
        return 0


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
