"""A sender and a receiver of documents over a real site, and a document to send."""

import os
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from sync.blobnotes import Way, Wish, ask_to_fetch, ask_to_send, wishes
from sync.blobs import Blobs
from sync.blobtransfer import BlobTransfer, Told
from sync.client import KeeperClient
from sync.ids import Origin, Site
from sync.stores import Store
from tests.sync.site import SCHOOL, TestSite

BOX: Final = Origin(SCHOOL, Site.BOX, 1)
HUB: Final = Origin(SCHOOL, Site.HUB, 1)
PART: Final = 1024
DATA: Final = os.urandom(40 * PART + 17)
DIGEST: Final = sha256(DATA).digest()
SEND: Final = Wish(Way.SEND, DIGEST)
KILLED: Final = """
import sys
from pathlib import Path
from sync.blobs import Blobs
from sync.blobtransfer import BlobTransfer
from sync.client import KeeperClient
from sync.folderstore import FolderConfig, FolderStore
from tests.sync.blobtransfer.bench import BOX, PART
site, medium = Path(sys.argv[1]), Path(sys.argv[2])
store = FolderStore(FolderConfig(medium))
client = KeeperClient(site / "run" / "keeper.sock")
transfer = BlobTransfer(Blobs(site / "blobs"), client, store, BOX, lambda: False, part_bytes=PART, share=1.0)
while True:
    transfer.turn()
    print("turn", flush=True)
"""


class Counting:
    """A store that counts what it is asked, by verb and last name of the key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: Counter[tuple[str, str]] = Counter()

    def get(self, key: str) -> bytes | None:
        self._count("get", key)
        return self._store.get(key)

    def put(self, key: str, data: bytes) -> None:
        self._count("put", key)
        self._store.put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._count("create", key)
        return self._store.create(key, data)

    def probe(self, prefix: str) -> None:
        self._count("probe", prefix)
        self._store.probe(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        self._count("sizes", prefix)
        return self._store.sizes(prefix)

    def of(self, verb: str) -> list[str]:
        return sorted(name for asked, name in self.asked if asked == verb)

    def _count(self, verb: str, key: str) -> None:
        self.asked[verb, key.rpartition("/")[2]] += 1


class Clock:
    """A clock that stands, so that pauses can be told; `rest` lets what a turn asked for pass."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Bench:
    """A site with a real keeper, a document, and a transfer over some store."""

    def __init__(self, site: TestSite) -> None:
        self.site, self.clock = site, Clock()
        self.blobs, self.notes = Blobs(site.paths.root / "blobs"), KeeperClient(site.paths.socket)
        self.busy = False
        self.keep(DATA)

    def keep(self, data: bytes) -> bytes:
        digest = sha256(data).digest()
        with self.blobs.receive() as incoming:
            incoming.file.write(data)
            incoming.keep(digest)
        return digest

    def transfer(self, store: Store, spare_bytes: int = 0) -> BlobTransfer:
        """Begin a new life of the transfer."""
        return BlobTransfer(
            self.blobs,
            self.notes,
            store,
            BOX,
            lambda: self.busy,
            share=1.0,
            part_bytes=PART,
            spare_bytes=spare_bytes,
            now=self.clock,
        )

    def run(self, transfer: BlobTransfer, until: Callable[[], object], seconds: float = 60) -> None:
        """Turn until something holds; the pauses cost no time."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, transfer.told() or transfer.failure
            self.clock.at += transfer.turn()

    def send(self, store: Store) -> BlobTransfer:
        ask_to_send(self.notes, DIGEST)
        transfer = self.transfer(store)
        self.run(transfer, lambda: transfer.sent(DIGEST))
        return transfer

    def fetch(self, transfer: BlobTransfer) -> None:
        """Lose the document and fetch it again."""
        self.blobs.remove(DIGEST)
        ask_to_fetch(self.notes, DIGEST, BOX)
        transfer.hurry()
        self.run(transfer, lambda: not transfer.told() and not wishes(self.notes))
        with self.blobs.open(DIGEST) as file:
            assert file.read() == DATA


def only(transfer: BlobTransfer) -> Told:
    (told,) = transfer.told()
    return told
