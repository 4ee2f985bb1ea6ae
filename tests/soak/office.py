"""The office of a town: sessions that save marks and remember what was acknowledged, outside of what is killed.

Invariant: an entry is noted only after `put` returned, so every noted one was promised to somebody.
"""

import random
import threading
import time
from dataclasses import dataclass, field

from crypto.errors import KurabakoError
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.clock import HybridClock, wall_ms
from sync.ids import Origin
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from tests.sync.pair import Party

_KIND = "mark"


@dataclass
class Ledger:
    """What was acknowledged: sequence number at `origin` → payload; `refused` saves were not."""

    origin: Origin
    entries: dict[int, bytes] = field(default_factory=dict)
    refused: int = 0

    @property
    def last(self) -> int:
        """Return the newest acknowledged sequence number."""
        return max(self.entries, default=0)

    def between(self, first: int, last: int) -> int:
        """Count the acknowledged entries after `first` and up to `last`."""
        return sum(first < seq <= last for seq in list(self.entries))


class Clerk:
    """One session; `shift_ms` is how wrong the clock of its machine is."""

    def __init__(
        self, party: Party, ledger: Ledger, name: str, shift_ms: int = 0, patience_s: float = 30.0
    ) -> None:
        paths, identity = party.site.paths, party.site.people["sato"]
        reader = Reader(paths.store)
        keyring = open_keyring(reader, identity, party.site.root.sign.verify_key)
        self._store = SealedStore(reader, KeeperClient(paths.socket, patience_s), identity, keyring)
        self._store.clock = HybridClock(lambda: wall_ms() + shift_ms, self._store.clock.last)
        self._ledger = ledger
        self._name = name
        self._count = 0

    def save(self, count: int = 1, size: int = 60) -> int:
        """Save marks as one batch; return the newest sequence number, 0 when it was refused."""
        drafts = []
        for _ in range(count):
            self._count += 1
            label = f"{self._name}-{self._count}"
            payload = label.encode().ljust(size, b".")
            record = self._store.record_id(_KIND, Importance.III, label)
            drafts.append(Draft(_KIND, record, Importance.III, payload))
        try:
            put = self._store.put(drafts)
        except KurabakoError:
            self._ledger.refused += 1
            return 0
        for place, draft in enumerate(drafts):
            self._ledger.entries[put.last_seq - count + 1 + place] = draft.payload
        return put.last_seq

    def close(self) -> None:
        self._store.close()


class Busy:
    """Several clerks that save all the time, between `resume` and `pause`."""

    def __init__(
        self,
        party: Party,
        ledger: Ledger,
        name: str,
        clerks: int = 1,
        *,
        pause_s: float = 0.0,
        most: int = 1,
        size: int = 60,
        seed: int = 0,
        patience_s: float = 30.0,
    ) -> None:
        self._going, self._over = threading.Event(), threading.Event()
        self._resting = [threading.Event() for _ in range(clerks)]
        self._pause_s, self._most, self._size = pause_s, most, size
        self.failures: list[Exception] = []
        self._threads = [
            threading.Thread(
                target=self._work,
                args=(
                    Clerk(party, ledger, f"{name}{number}", patience_s=patience_s),
                    random.Random(seed + number),
                ),
                kwargs={"resting": resting},
                daemon=True,
            )
            for number, resting in enumerate(self._resting)
        ]
        for thread in self._threads:
            thread.start()

    def resume(self) -> None:
        self._going.set()

    def pause(self) -> None:
        """Let everybody finish what is being saved."""
        self._going.clear()
        for resting in self._resting:
            resting.clear()
        for resting, thread in zip(self._resting, self._threads, strict=True):
            while thread.is_alive() and not resting.wait(0.2):
                pass

    def work(self, seconds: float) -> None:
        """Let everybody save for a while."""
        self.resume()
        time.sleep(seconds)
        self.pause()

    def close(self) -> None:
        """End the sessions; raises what went wrong in one of them."""
        self._over.set()
        self._going.set()
        for thread in self._threads:
            thread.join(60)
        if self.failures:
            raise self.failures[0]

    def _work(self, clerk: Clerk, source: random.Random, resting: threading.Event) -> None:
        try:
            while not self._over.is_set():
                if not self._going.is_set():
                    resting.set()
                    self._going.wait(0.05)
                    continue
                clerk.save(source.randint(1, self._most), self._size)
                self._over.wait(self._pause_s)
        except Exception as error:  # noqa: BLE001 - raised again where it is looked at
            self.failures.append(error)
        finally:
            clerk.close()
