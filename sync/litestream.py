"""Litestream: the one module that knows its configuration, its process and its traps.

Invariant: the replica path, the local meta path and the credentials belong to one epoch; `auto-recover` is never
on (it makes a replica that no longer restores: measured); nothing here believes Litestream's own word for health.
One process at a time: it holds a lock as long as it lives, so that the Litestream of a site that was killed has
ended before the next one begins or Litestream's own files are touched.
"""

import contextlib
import fcntl
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sync.atomic import atomic_write
from sync.database import DatabaseError, open_writer
from sync.errors import ReplicatorError
from sync.ids import Origin
from sync.objectstore import StoreConfig
from sync.programs import clean_environment, find_program, start_child, stop_child
from sync.site import SitePaths
from sync.sockets import socket_address

_STOP_S: Final = 6.0
_FORMER_S: Final = 2.0  # the kernel ends the Litestream of a site that was killed at once
# Every level sends what it holds once more: a rare first level is what makes a single entry cheap (measured).
SETTINGS: Final[dict[str, Any]] = {
    "snapshot": {"interval": "24h", "retention": "720h"},
    "levels": [{"interval": "15m"}, {"interval": "2h"}, {"interval": "12h"}],
    "l0-retention": "24h",  # any second of the last day exactly, then the minute
    "l0-retention-check-interval": "1h",  # the default lists everything every 15 s
    "shutdown-sync-timeout": "1s",
    "logging": {"level": "warn", "type": "json", "stderr": True},
}
INTERVALS: Final[dict[str, Any]] = {"monitor-interval": "30s", "checkpoint-interval": "5m"}
SYNC_INTERVAL: Final = "30s"


@dataclass(frozen=True, slots=True)
class Synced:
    """Litestream's position after a sync: its own transaction counter."""

    txid: int


def replica_path(origin: Origin) -> str:
    """Return where an origin's database is in the bucket."""
    return f"{origin.prefix}/db"


def ltx_name(txid: int) -> str:
    """Return the name of a level-0 file below the replica path."""
    return f"0000/{txid:016x}-{txid:016x}.ltx"


def replica_settings(store: StoreConfig, path: str) -> dict[str, Any]:
    """Return the replica section; the key pair comes from the environment, so no file holds it."""
    return {
        "type": "s3",
        "endpoint": store.endpoint,
        "bucket": store.bucket,
        "path": path,
        "region": store.region,
        "force-path-style": True,
        "access-key-id": "${KURABAKO_STORE_ACCESS}",
        "secret-access-key": "${KURABAKO_STORE_SECRET}",
        "sync-interval": SYNC_INTERVAL,
    }


def environment(store: StoreConfig) -> dict[str, str]:
    """Return the child's environment: ours without the traps, with the store's key pair."""
    return clean_environment() | {
        "KURABAKO_STORE_ACCESS": store.access_key,
        "KURABAKO_STORE_SECRET": store.secret_key.reveal().decode(),
        "GOMEMLIMIT": "64MiB",
    }


@dataclass(frozen=True, slots=True)
class Replicated:
    """A database that is replicated: where it is, and whose it is."""

    paths: SitePaths
    origin: Origin

    @property
    def meta(self) -> Path:
        """Litestream's own folder for this life of the database."""
        return self.paths.litestream_meta / str(self.origin.epoch)


class Litestream:
    """The one replicating process over one or more databases. Start and stop it from the main thread.

    `run` is a folder for its configuration, socket and log. Where a method takes a database, the first is meant
    by default.
    """

    def __init__(self, run: Path, databases: Sequence[Replicated], store: StoreConfig) -> None:
        self._run = run
        self._databases = tuple(databases)
        self._store = store
        self._config = run / "litestream.yml"
        self._socket = run / "litestream.sock"
        self._log = run / "litestream.log"
        self._lock = run / "litestream.lock"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Say whether the process runs; not whether it replicates."""
        return self._child is not None and self._child.poll() is None

    @property
    def ended(self) -> bool:
        """Say whether the process ran and ended by itself."""
        return self._child is not None and self._child.poll() is not None

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        return self._child.pid if self._child is not None and self.alive else None

    def start(self, *, snapshot: bool = False) -> None:
        """Write the configuration and start the process; with `snapshot`, one that sends a snapshot and ends.

        Raises ReplicatorError while another one runs.
        """
        command = [find_program("litestream"), "replicate", "-config", str(self._config)]
        command += ["-once", "-force-snapshot"] if snapshot else []
        with self._alone() as lock:
            self._configure()
            self._socket.unlink(missing_ok=True)
            keep = self._log.read_bytes()[-100_000:] if self._log.exists() else b""
            atomic_write(self._log, keep, durable=False)
            with self._log.open("ab") as log:
                # In its own folder, since the socket's name is relative: a deep path is too long for the kernel.
                # SIGKILL: without a line it would go on for good after one SIGTERM (measured), and loses nothing.
                self._child = start_child(
                    command, environment(self._store), log, folder=self._run, signal="KILL", held=[lock]
                )

    def stop(self) -> None:
        """Stop the process, whatever it hangs on."""
        stop_child(self._child, _STOP_S)
        self._child = None

    def kill(self) -> None:
        """End the process at once: it loses nothing (measured), while a stop without a line takes seconds."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child = None

    def reset(self, database: Replicated | None = None, *, forget: bool = True) -> None:
        """Make the next start send a whole database; only while stopped. Raises ReplicatorError.

        With `forget` also what Litestream keeps here is dropped; it then fetches the newest object of the replica,
        and is stuck for good when that one is damaged (measured).
        """
        database = database or self._databases[0]
        store = str(database.paths.store)
        with self._alone():
            self._configure()
            if forget:
                command = [find_program("litestream"), "reset", "-config", str(self._config), store]
                done = subprocess.run(
                    command, env=environment(self._store), capture_output=True, check=False, timeout=60
                )
                if done.returncode != 0:
                    raise ReplicatorError(operation="reset replica", subject=str(done.returncode))
            _empty_log(database)

    def sync(self, timeout_s: float, database: Replicated | None = None) -> Synced:
        """Ask for everything committed before this call to be sent, and wait; raises ReplicatorError.

        A hung connection or a store that was away at Litestream's start makes this hang: hence the time-out.
        """
        database = database or self._databases[0]
        body = {"path": str(database.paths.store), "wait": True, "timeout": max(1, int(timeout_s))}
        connection = _UnixConnection(self._socket, timeout_s + 1)
        try:
            connection.request("POST", "/sync", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise ReplicatorError(operation="send changes", subject=str(answer.status), retry_safe=True)
            return Synced(int(json.loads(text)["txid"]))
        except (OSError, http.client.HTTPException, ValueError, KeyError) as exc:
            raise ReplicatorError(operation="send changes", retry_safe=True, cause=exc) from exc
        finally:
            connection.close()

    def local_ltx(self, txid: int, database: Replicated | None = None) -> bytes | None:
        """Return the bytes of a level-0 file that Litestream wrote here before it sent it."""
        database = database or self._databases[0]
        try:
            return (database.meta / "ltx" / "0" / ltx_name(txid).removeprefix("0000/")).read_bytes()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[int]:
        """Hold the lock that a running Litestream holds, and give its descriptor to keep it open in a child."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = time.monotonic() + _FORMER_S
            while not _locked(lock):
                if time.monotonic() > end:
                    raise ReplicatorError(operation="begin", subject="another Litestream runs", retry_safe=True)
                time.sleep(0.01)
            yield lock
        finally:
            os.close(lock)

    def _configure(self) -> None:
        for database in self._databases:
            database.meta.mkdir(mode=0o700, parents=True, exist_ok=True)
        entries = [
            {
                "path": str(database.paths.store),
                "meta-path": str(database.meta),
                **INTERVALS,
                "replica": replica_settings(self._store, replica_path(database.origin)),
            }
            for database in self._databases
        ]
        control = {"enabled": True, "path": self._socket.name, "permissions": 0o600}
        atomic_write(self._config, json.dumps({"socket": control, **SETTINGS, "dbs": entries}).encode())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _empty_log(database: Replicated) -> None:
    # Litestream takes up from the newest object and carries on after it when the write-ahead log seems to fit,
    # even if that object holds a transaction that SQLite discarded (measured: then it is stuck or corrupt for
    # good). An empty log makes it read the database itself.
    try:
        with contextlib.closing(open_writer(database.paths.store)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except DatabaseError as exc:
        raise ReplicatorError(operation="reset replica", subject="log", retry_safe=True, cause=exc) from exc
    if busy:
        raise ReplicatorError(operation="reset replica", subject="log in use", retry_safe=True)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("litestream", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with socket_address(self._path) as address:
            self.sock.connect(address)
