"""The log of a store that no keeper serves: one that was just restored, or is being built from segments.

Invariant: used on a file that nobody else has open; unlike a keeper it also takes changes of the store's own
origin, since they were made in a life of the site that this store continues.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sync.change import Batch
from sync.clock import HybridClock
from sync.database import open_writer
from sync.errors import ReadOnlyError
from sync.ids import Origin
from sync.log import ChangeLog
from sync.protocol import Ack, Welcome


class OfflineLog:
    """Answers what a keeper answers, in this process. What belongs into `local.db` is kept in memory."""

    def __init__(self, path: Path) -> None:
        self._connection = open_writer(path)
        self._log = ChangeLog(self._connection, HybridClock(), restoring=True)
        self._local: dict[tuple[str, str], bytes] = {}

    def hello(self) -> Welcome:
        """Return whose log it is and how far it goes."""
        origin, log = self._log.origin, self._log
        return Welcome(origin.school, str(origin.site), origin.epoch, log.seq, log.chain, 0, 0)

    def submit(self, batch: Batch) -> Ack:
        """Refuse: nobody writes anything new here."""
        raise ReadOnlyError(operation="keep batch", subject=self._log.origin.prefix)

    def take(self, origin: Origin, first_seq: int, batches: Sequence[Batch], withheld: Mapping[int, str]) -> Ack:
        """Keep changes that a site made."""
        mark = self._log.mark()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            kept = self._log.take(origin, first_seq, batches, withheld)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._log.back(mark)
            raise
        return Ack(kept.first_seq, kept.last_seq, 0)

    def judge(self, withheld: Mapping[int, str], released: Iterable[int]) -> None:
        """Put rows into quarantine (row id → reason) and take others out."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._log.judge(withheld, released)
        self._connection.execute("COMMIT")

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return what was put there."""
        return self._local.get((space, key))

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Remember a value while this object lives; None forgets it."""
        if value is None:
            self._local.pop((space, key), None)
        else:
            self._local[space, key] = value

    def local_swap(self, space: str, key: str, old: bytes | None, new: bytes) -> bytes | None:
        """Remember `new` if the value is still `old`; return the value that stands there then."""
        if self._local.get((space, key)) == old:
            self._local[space, key] = new
        return self._local.get((space, key))

    def close(self) -> None:
        """Close the file, leaving no write-ahead log beside it."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()


def rebase(path: Path, origin: Origin) -> None:
    """Make a restored store the store of another life: what it held becomes the past, `origin` begins empty."""
    connection = open_writer(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        values = {"site": str(origin.site), "epoch": str(origin.epoch)}
        connection.executemany("UPDATE meta SET value = ? WHERE key = ?", [(v, k) for k, v in values.items()])
        connection.execute(
            "INSERT INTO origin SELECT max(no) + 1, ?, ?, ?, ? FROM origin",
            (origin.school, str(origin.site), origin.epoch, origin.tag),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
