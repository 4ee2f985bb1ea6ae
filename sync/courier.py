"""A thread that carries a site's segments: the exchange of one site, step after step.

Invariant: it waits for no one but the store and the keeper; a line that hangs holds up nothing else.
"""

import threading
from typing import Final

from crypto.errors import KurabakoError
from sync.client import KeeperClient
from sync.errors import KeeperGoneError
from sync.exchange import Exchange, Told
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.settings import Settings
from sync.site import SitePaths

_AGAIN_S: Final = 1.0
_LAST_S: Final = 5.0


class Courier:
    """Runs an exchange over the keeper's socket; `exchange` is None until it could begin."""

    def __init__(self, paths: SitePaths, settings: Settings) -> None:
        self._paths = paths
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="courier", daemon=True)
        self.exchange: Exchange | None = None
        self._failure: KurabakoError | None = None

    @property
    def failure(self) -> KurabakoError | None:
        """Return why the exchange cannot begin or go on just now."""
        return self._failure or (self.exchange.failure if self.exchange else None)

    def told(self) -> Told:
        """Return what the exchange knows; nothing before it began."""
        return self.exchange.told() if self.exchange else Told()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End with a last checkpoint and, while the store answers, a last sending."""
        self._stop.set()
        self._thread.join(_LAST_S)

    def _loop(self) -> None:
        reader, client = Reader(self._paths.store), KeeperClient(self._paths.socket)
        try:
            while not self._stop.is_set():
                self._stop.wait(self._turn(reader, client))
            if self.exchange is not None:
                self.exchange.finish()
        except KeeperGoneError:
            pass  # what was not said now is said in the next life
        finally:
            reader.close()
            client.close()

    def _turn(self, reader: Reader, client: KeeperClient) -> float:
        try:
            if self.exchange is None:
                self.exchange = self._begin(reader, client)
            self._failure = None
            return self.exchange.step()
        except KurabakoError as error:
            self._failure = error
            return _AGAIN_S

    def _begin(self, reader: Reader, client: KeeperClient) -> Exchange:
        settings = self._settings
        store = ObjectStore(settings.store)
        library = ObjectStore(settings.library) if settings.library else store
        return Exchange(reader, client, settings, store, library)
