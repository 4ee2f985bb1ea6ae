"""Fetching a replica's states with Litestream, into a folder where nothing counts yet.

Invariant: ends when Litestream does or when the store is gone, never hangs on either; what it leaves is unproven.
"""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sync.atomic import atomic_write
from sync.errors import NoPointError, ReplicatorError, StoreUnreachableError
from sync.litestream import environment, replica_settings
from sync.objectstore import ObjectStore, StoreConfig
from sync.programs import find_program, start_child, stop_child

SNAPSHOT_LEVEL: Final = 9
_LONGEST_S: Final = 3600.0
_ASK_S: Final = 5.0
_GONE_S: Final = 30.0
_UNANSWERED: Final = ("StatusCode: 0", "request send failed")
Bytes = Callable[[int, int], None]
"""Called with (bytes written, bytes expected)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A state that can be asked for: up to a transaction of Litestream, or None for the newest."""

    txid: int | None
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class State:
    """An object of a replica: a state up to a transaction of Litestream, from `at_ms` or the second before.

    `whole`: it holds the whole database (a snapshot), not what changed since another object.
    """

    txid: int
    at_ms: int
    whole: bool


class Fetcher:
    """Fetches states of the replica at `path` in a bucket into the folder `work`."""

    def __init__(self, store: StoreConfig, objects: ObjectStore, path: str, work: Path, told: Bytes) -> None:
        self._store = store
        self._objects = objects
        self._path = path
        self._work = work
        self._told = told
        self._sizes: dict[str, int] = {}

    def look(self) -> bool:
        """Say whether there is a replica; raises StoreUnreachableError, StoreRefusedError."""
        self._sizes = self._objects.sizes(self._path)
        return bool(self._sizes)

    def fetch(self, database: Path, point: Point) -> None:
        """Fetch a state; raises StoreUnreachableError, NoPointError, ReplicatorError."""
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
            self._told(written, max(expected, written))
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

    def _explain(self, log: str, point: Point) -> None:
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

    def points(self, limit: int | None) -> list[Point]:
        """Return every state that Litestream lists, oldest first, up to `limit` (ms since 1970)."""
        ends: dict[int, int] = {}
        for state in self.states():
            ends[state.txid] = max(state.at_ms, ends.get(state.txid, 0))
        return [Point(txid, ends[txid]) for txid in sorted(ends) if limit is None or ends[txid] <= limit]

    def states(self) -> list[State]:
        """Return what Litestream lists, in its order; raises StoreUnreachableError."""
        config = self._configure(self._work / "school.db")
        command = [find_program("litestream"), "ltx", "-level", "all", "-json", "-config", str(config)]
        command.append(str(self._work / "school.db"))
        done = subprocess.run(
            command, env=environment(self._store), capture_output=True, check=False, timeout=_LONGEST_S
        )
        if done.returncode != 0:
            self._objects.probe(self._path)
            return []
        return [_state(entry) for entry in json.loads(done.stdout or b"[]")]


def _state(entry: dict[str, object]) -> State:
    # Whole seconds, cut off: up to 999 ms later than it says.
    at_ms = int(datetime.fromisoformat(str(entry["timestamp"])).timestamp() * 1000) + 999
    return State(int(str(entry["max_txid"]), 16), at_ms, int(str(entry["level"])) == SNAPSHOT_LEVEL)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # Litestream renames and removes its own files meanwhile
        return 0


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
