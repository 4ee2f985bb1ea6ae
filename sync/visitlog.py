"""A site's databases for one visit: what a keeper answers, in this process, while nobody else has the site open.

Invariant: it holds the site's lock from beginning to end; like a restored store's log it also takes changes of the
site's own origin, since another visit, elsewhere, may have made them.
"""

import os
from collections.abc import Mapping

from sync.change import Batch
from sync.clock import HybridClock
from sync.database import open_writer
from sync.keeperlock import take_lock
from sync.localstore import LocalStore
from sync.log import ChangeLog
from sync.offlinelog import OfflineLog
from sync.protocol import Ack, Welcome
from sync.site import SitePaths

Name = tuple[str, str]


class VisitLog(OfflineLog):
    """Raises SecondKeeperError while somebody else has the site. `secrets` are answered, and never written."""

    def __init__(self, paths: SitePaths, secrets: Mapping[Name, bytes] | None = None) -> None:
        self._paths = paths
        self._secrets = dict(secrets or {})
        self._lock = take_lock(paths)
        try:
            self._connection = open_writer(paths.store)
            self._clock = HybridClock()
            self._log = ChangeLog(self._connection, self._clock, restoring=True)
            self._store = LocalStore(paths.local)
        except BaseException:
            os.close(self._lock)
            raise

    def hello(self) -> Welcome:
        """Return whose log it is, how far it goes, and its clock."""
        origin, log = self._log.origin, self._log
        return Welcome(origin.school, str(origin.site), origin.epoch, log.seq, log.chain, self._clock.last, 0)

    def submit(self, batch: Batch) -> Ack:
        """Keep a batch of this site; raises BadBatchError, ClockAheadError."""
        self._log.check(batch)
        mark = self._log.mark()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            kept = self._log.append(batch)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._log.back(mark)
            raise
        self._log.committed()
        return Ack(kept.first_seq, kept.last_seq, self._clock.last)

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value that never leaves the site."""
        return self._secrets.get((space, key)) or self._store.get(space, key)

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value that never leaves the site."""
        self._store.put(space, key, value)

    def local_swap(self, space: str, key: str, old: bytes | None, new: bytes) -> bytes | None:
        """Write `new` if the value is still `old`; return the value that stands there then."""
        if self._store.get(space, key) == old:
            self._store.put(space, key, new)
        return self._store.get(space, key)

    def image(self) -> bytes:
        """Return the store's file as it stands, with everything that was kept."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._paths.store.read_bytes()

    def close(self) -> None:
        """Close the files, and let the next one in."""
        try:
            super().close()
            self._store.close()
        finally:
            os.close(self._lock)
