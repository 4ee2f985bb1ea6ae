"""A thread that carries a site's documents, beside the one that carries its segments.

Invariant: it has connections of its own, so no segment ever waits for a document's request to end; while something
that people entered is not yet proven to be in the store, it sends and fetches nothing.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Final

from crypto.errors import KurabakoError
from sync.blobcopies import Copies
from sync.blobs import Blobs
from sync.blobtransfer import BlobTransfer, Told
from sync.client import KeeperClient
from sync.errors import BlobFolderError, KeeperGoneError, StoreUnreachableError
from sync.exchange import Told as SegmentsTold
from sync.openstore import open_store
from sync.reader import Reader
from sync.settings import Settings
from sync.site import SitePaths

_AGAIN_S: Final = 5.0
_LAST_S: Final = 5.0


class BlobCourier:
    """Runs a transfer over the keeper's socket; `transfer` is None until it could begin.

    `segments` says how far the log was sent, and whether a newer box took over. `start` and `stop` run it in a
    thread of its own; whoever has threads already calls `turn` and `close`.
    """

    def __init__(self, paths: SitePaths, settings: Settings, segments: Callable[[], SegmentsTold]) -> None:
        self._settings, self._segments, self._reader = settings, segments, Reader(paths.store)
        self._blobs, self._client = Blobs(paths.blobs), KeeperClient(paths.socket)
        self._copies = Copies(self._reader, self._client, self._blobs)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="documents", daemon=True)
        self.transfer: BlobTransfer | None = None
        self._failure: KurabakoError | None = None

    @property
    def failure(self) -> KurabakoError | None:
        """Return why nothing can be carried just now; failures of single documents are in `told`."""
        return self._failure or (self.transfer.failure if self.transfer else None)

    def told(self) -> tuple[Told, ...]:
        """Return what is under way; nothing before it began."""
        return self.transfer.told() if self.transfer else ()

    def faults(self) -> tuple[str, ...]:
        """Return the codes of what is wrong with the store or with a document; a line that is away is no fault."""
        failures = [self.failure, *(told.failure for told in self.told())]
        found = [f.code for f in failures if f and not isinstance(f, StoreUnreachableError | KeeperGoneError)]
        return tuple(dict.fromkeys(found))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a request under way may take its time, so not for long."""
        self._stop.set()
        self._thread.join(_LAST_S)

    def turn(self) -> float:
        """Do what is due; return the seconds until the next turn."""
        try:
            if self.transfer is None:
                store = open_store(self._settings.segments or self._settings.store)
                library = open_store(self._settings.library) if self._settings.library else None
                origin = self._reader.origin
                self.transfer = BlobTransfer(self._blobs, self._client, store, origin, self._busy, library)
            if self._copies.look():
                self.transfer.hurry()
            wait_s = self.transfer.turn()
            self._failure = None
            return wait_s
        except KurabakoError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - a thread that died would never send again
            self._failure = BlobFolderError(operation="carry documents", subject=type(error).__name__, cause=error)
            self.transfer = None
        return _AGAIN_S

    def close(self) -> None:
        """Close what it used."""
        self._client.close()
        self._reader.close()

    def _busy(self) -> bool:
        told = self._segments()
        return told.superseded or self._reader.content_after(told.sent) > 0

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.turn())
        with contextlib.suppress(OSError):
            self.close()
