"""What really stands where: compared with what was promised and with what the lights say.

Invariant: nothing here believes a site's word; it opens databases, objects and restored copies itself, beside the
line and beside every fault.
"""

import contextlib
import itertools
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from crypto.errors import KurabakoError
from sync.errors import StoreUnreachableError
from sync.ids import Origin
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.restore import Restorer, Wanted
from sync.sealed import SealedStore
from sync.segment import segment_extent, segment_name
from tests.soak.office import Ledger
from tests.soak.town import PATIENCE_S, Side, Town
from tests.sync.cloud import store_of
from tests.sync.pair import RULES, Party

_LOOK_S = 0.1
_TRIES = 20
_AGAIN_S = 2.0
_numbers = itertools.count()


def contents(path: Path, party: Party, origin: Origin, after: int = 0) -> dict[int, bytes]:
    """Return seq → opened payload of an origin's sealed changes in a store."""
    root = party.site.root
    with contextlib.closing(Reader(path)) as reader:
        store = SealedStore(reader, None, root, open_keyring(reader, root, root.sign.verify_key))
        rows = reader.since(after, 10_000_000, origin)
        return {row.seq: store.open_row(row).payload for row in rows if row.key_id}


def missing(path: Path, party: Party, ledger: Ledger, after: int = 0) -> int:
    """Count the acknowledged entries after a seq that do not stand in a store as they were saved."""
    found = contents(path, party, ledger.origin, after)
    return sum(found.get(seq) != payload for seq, payload in list(ledger.entries.items()) if seq > after)


def missing_anywhere(town: Town, ledgers: Mapping[Side, Ledger]) -> int:
    """Count acknowledged entries that box or hub lack, once all is said to be confirmed."""
    return sum(
        missing(side.party.site.paths.store, side.party, ledger)
        for side in town.sides
        for ledger in ledgers.values()
    )


def disagreeing(town: Town) -> int:
    """Count the records whose values differ between box and hub."""
    found = []
    for side in town.sides:
        root = side.party.site.root
        with contextlib.closing(Reader(side.party.site.paths.store)) as reader:
            store = SealedStore(reader, None, root, open_keyring(reader, root, root.sign.verify_key))
            found.append({plain.record: (plain.payload, plain.heads) for plain in store.heads("mark")})
    one, other = found
    return sum(one.get(record) != other.get(record) for record in one.keys() | other.keys())


def replica_faults(town: Town, side: Side, ledger: Ledger, patience_s: float = PATIENCE_S) -> tuple[int, str]:
    """Restore a side's replica alone and verify it; return how many acknowledged entries it lacks, and its fault.

    Segments are left out, so it is Litestream's work that is looked at. That may lag behind what was confirmed and
    may be tidied up while it is fetched: only what stays so for a while is a fault.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            lacking, fault = _replica(town, side, ledger)
        except StoreUnreachableError:  # a busy machine; it says nothing about the replica
            if time.monotonic() > deadline:
                raise
        else:
            if not (lacking or fault) or time.monotonic() > deadline:
                return lacking, fault and f"{side.role}'s replica: {fault}"
        time.sleep(_AGAIN_S)


def _replica(town: Town, side: Side, ledger: Ledger) -> tuple[int, str]:
    target = town.folder / f"restored-{next(_numbers)}"
    wanted = Wanted(ledger.origin, side.party.site.root.sign.verify_key, rules=RULES, segments=False)
    try:
        report = Restorer(town.cloud.direct, wanted, target).run()
    except StoreUnreachableError:
        raise
    except KurabakoError as error:
        return 0, f"{error.code} {error.subject}"
    lacking = missing(report.path / "school.db", side.party, ledger)
    shutil.rmtree(target)
    return lacking, report.problem


class Lights:
    """A thread that compares what a box shows with what store and hub hold; `false` counts its false lights."""

    def __init__(self, town: Town, ledger: Ledger) -> None:
        self._town, self._ledger = town, ledger
        self._store = store_of(town.cloud.direct, 10.0)
        self._number = self._held = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="lights", daemon=True)
        self.false: list[str] = []
        self.failure: Exception | None = None
        self.looked = 0
        self._thread.start()

    def close(self) -> int:
        """End; return the number of false lights."""
        self._over.set()
        self._thread.join(30)
        if self.failure is not None:
            raise self.failure
        return len(self.false)

    def _loop(self) -> None:
        try:
            while not self._over.wait(_LOOK_S):
                self._look()
        except Exception as error:  # noqa: BLE001 - raised again by `close`
            self.failure = error

    def _look(self) -> None:
        status = self._town.box.status
        if status is None:
            return
        self.looked += 1
        ledger = self._ledger
        with contextlib.closing(Reader(self._town.hub.party.site.paths.store)) as reader:
            merged = reader.position(ledger.origin).seq
        if ledger.between(merged, status.confirmed or 0):
            self.false.append(f"確認済 {status.confirmed}, the hub holds {merged}")
        if ledger.between(self._held, status.sent) and ledger.between(self._segments(), status.sent):
            held = self._replica()
            if ledger.between(max(held, self._segments()), status.sent):
                self.false.append(f"送信済 {status.sent}, the store holds {self._held} and {held}")

    def _segments(self) -> int:
        """Return up to which seq the store holds segments without a gap."""
        while (data := self._read(segment_name(self._ledger.origin, self._number + 1))) is not None:
            self._number, self._held = self._number + 1, segment_extent(data).last
        return self._held

    def _read(self, name: str) -> bytes | None:
        """Read an object; rclone breaks an answer off whose object is being written at that moment."""
        for _ in range(_TRIES):
            with contextlib.suppress(StoreUnreachableError):
                return self._store.get(name)
            time.sleep(_LOOK_S)
        return self._store.get(name)

    def _replica(self) -> int:
        """Return up to which seq the replica restores."""
        target = self._town.folder / f"lights-{next(_numbers)}"
        wanted = Wanted(
            self._ledger.origin, self._town.box.party.site.root.sign.verify_key, rules=RULES, segments=False
        )
        try:
            return Restorer(self._town.cloud.direct, wanted, target).run().verified.seq
        except KurabakoError:
            return 0
        finally:
            shutil.rmtree(target, ignore_errors=True)


@contextlib.contextmanager
def lights_over(town: Town, ledger: Ledger) -> Iterator[Lights]:
    """Watch the box's lights for a while."""
    lights = Lights(town, ledger)
    try:
        yield lights
    finally:
        lights.close()
