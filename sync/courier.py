"""A thread that carries a site's segments: the exchange of one site, step after step.

Invariant: it waits for no one but the store and the keeper; a line that hangs holds up nothing else.
"""

import contextlib
import threading
from typing import Final

from crypto.errors import KurabakoError
from sync.client import KeeperClient
from sync.errors import KeeperGoneError, ReplicatorError
from sync.exchange import Exchange, Told
from sync.openstore import open_store
from sync.reader import Reader
from sync.settings import Settings
from sync.site import SitePaths

_AGAIN_S: Final = 1.0
_LOOK_S: Final = 0.1  # what people keep is looked for as often
_LAST_S: Final = 5.0


class Courier:
    """Runs an exchange over the keeper's socket; `exchange` is None until it could begin.

    `start` and `stop` run it in a thread of its own; whoever has threads already calls `turn`, `finish`, `close`.
    """

    def __init__(self, paths: SitePaths, settings: Settings) -> None:
        self._settings = settings
        self._reader, self._client = Reader(paths.store), KeeperClient(paths.socket)
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

    @property
    def answered_at(self) -> float | None:
        """Return when the store last answered (monotonic clock)."""
        return self.exchange.answered_at if self.exchange else None

    def hurry(self) -> None:
        """Have the others asked for news at the next turn; may be called from another thread."""
        if self.exchange is not None:
            self.exchange.hurry()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread with a last checkpoint and, while the store answers, a last sending."""
        self._stop.set()
        self._thread.join(_LAST_S)

    def turn(self) -> float:
        """Do what is due; return the seconds until the next turn."""
        try:
            if self.exchange is None:
                store = open_store(self._settings.segments or self._settings.store)
                library = open_store(self._settings.library) if self._settings.library else store
                self.exchange = Exchange(self._reader, self._client, self._settings, store, library)
            self._failure = None
            return self.exchange.step()
        except KurabakoError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - a thread that died would never send again
            self._failure = ReplicatorError(operation="exchange segments", subject=type(error).__name__)
            self.exchange = None
        return _AGAIN_S

    def finish(self) -> None:
        """Say a last word."""
        if self.exchange is not None:
            with contextlib.suppress(KeeperGoneError):  # what is not said now is said in the next life
                self.exchange.finish()

    def close(self) -> None:
        """Close what the exchange used."""
        self._reader.close()
        self._client.close()

    def _loop(self) -> None:
        while not self._stop.is_set():
            wait_s = self.turn()
            # A failure is left its pause: else a store in trouble is sent everything unproven ten times a second.
            self._stop.wait(wait_s if self.failure else min(wait_s, _LOOK_S))
        self.finish()
        self.close()
