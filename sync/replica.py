"""Proof of what the object store holds: the only source of 送信済.

Invariant: a sequence number counts as sent only after the object that carries it was fetched from the store by
another program than the one that wrote it, and is byte for byte what Litestream had here.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sync.clock import wall_ms
from sync.errors import ReplicatorError, SyncError
from sync.lineprobe import LineProbe
from sync.litestream import Litestream, Replicated, ltx_name, replica_path
from sync.status import LinkState
from sync.stores import Store

_ATTEMPTS: Final = 3
_SYNC_S: Final = 30.0
_PAUSE_S: Final = 0.25
_RETRY_S: Final = 1.0
_RARE_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Sent:
    """How far the store was read back: sequence number, Litestream's transaction, when (ms since 1970)."""

    seq: int = 0
    txid: int = 0
    at_ms: int | None = None


def prove(litestream: Litestream, database: Replicated, store: Store, seq: int, timeout_s: float) -> Sent:
    """Have everything up to `seq` (already committed) sent, and read it back; raises SyncError."""
    path = replica_path(database.origin)
    for _ in range(_ATTEMPTS):
        txid = litestream.sync(timeout_s, database).txid
        here, there = litestream.local_ltx(txid, database), store.get(f"{path}/{ltx_name(txid)}")
        if here is not None and here == there:
            return Sent(seq, txid, wall_ms())
        if here is not None and there is not None:
            raise ReplicatorError(operation="read back", subject=f"{txid:016x} differs")
    raise ReplicatorError(operation="read back", subject=f"{txid:016x} is not there", retry_safe=True)


class Prover:
    """A thread that proves whenever something waits and the line is not down.

    `position` returns the newest sequence number; called in this thread. While segments carry the changes too
    (`carrying`) a proof in five minutes is enough: it costs one object, not one for every entry.
    """

    def __init__(
        self,
        litestream: Litestream,
        database: Replicated,
        store: Store,
        probe: LineProbe,
        position: Callable[[], int],
        carrying: Callable[[], bool] = lambda: False,
    ) -> None:
        self._litestream = litestream
        self._database = database
        self._store = store
        self._probe = probe
        self._position = position
        self._carrying = carrying
        self._due = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="prover", daemon=True)
        self._life = 0
        self.sent = Sent()
        self.last_failure: SyncError | None = None
        self.stuck_since: float | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it may be waiting for the store, so not for long."""
        self._stop.set()
        self._thread.join(2)

    def distrust(self) -> None:
        """Forget what was proven: the replica is about to be reset."""
        self._life += 1
        self._due = 0.0
        self.sent = Sent()

    def step(self, timeout_s: float = _SYNC_S, *, now: bool = False) -> float:
        """Prove what waits, with `now` also what could wait; return the seconds until the next step."""
        seq, life = self._position(), self._life
        if seq <= self.sent.seq or (not now and time.monotonic() < self._due and self._carrying()):
            return _PAUSE_S
        if self._probe.link.state is LinkState.OFFLINE:
            self.stuck_since = None
            return _PAUSE_S
        try:
            sent = prove(self._litestream, self._database, self._store, seq, timeout_s)
            if life == self._life:
                self.sent = sent
            self.last_failure, self.stuck_since = None, None
            self._due = time.monotonic() + _RARE_S
        except SyncError as error:
            self.last_failure = error
            self.stuck_since = self.stuck_since or time.monotonic()
            return _RETRY_S
        return _PAUSE_S

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.step())
