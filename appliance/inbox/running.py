"""The drop folder's process: woken by events, looking at everything once a minute, tidying every ten minutes.

It also mixes the ballots of questionnaires: like what lies in the drop folder they are only sealed, never opened.

Invariant: one process for each drop folder; it never dies of what lies in it, and no key that opens
anything is in it.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from appliance.documents.intake import Reading
from appliance.documents.reading import read_document
from appliance.inbox import walking
from appliance.inbox.folders import make_folders
from appliance.inbox.intakebox import InboxWorker
from appliance.inbox.janitor import Janitor
from appliance.inbox.refusals import InboxBusyError
from appliance.inbox.settled import Quiet
from appliance.inbox.shielding import shield
from appliance.inbox.told import folder_of
from appliance.inbox.watcher import Watcher
from appliance.site import SiteFolder
from appliance.surveys.counting import BallotCounter
from crypto.errors import KurabakoError
from crypto.signing import SigningKey, VerifyKey
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.database import DatabaseError
from sync.reader import Reader
from sync.sealed import SealedStore
from sync.servicemanager import Pulse, leaving, serving
from sync.site import SitePaths
from sync.sitesession import site_session

SCAN_S: Final = 60.0
TIDY_S: Final = 600.0
LOCK: Final = "lock"
_SHORTEST_S: Final = 0.1
_PATIENCE_S: Final = 3.0  # a plain file can wait, and so can whoever stops this
_TICK_S: Final = 0.2  # a signal handler sets `stop`, an event `woken`: both are looked at


def run_inbox(
    folder: SiteFolder, stop: threading.Event, reading: Reading | None = None, quiet: Quiet | None = None
) -> None:
    """Look after a site's drop folder until `stop`; raises InboxBusyError, CredentialMissingError."""
    shield()
    paths, key = folder.paths, folder.signing_key()
    with _only_one(paths):
        make_folders(paths.inbox)
        _sweep(paths)
        woken, pulse = threading.Event(), Pulse()

        def stopping() -> bool:
            pulse.beat()  # asked before every file: one turn may take many
            return stop.is_set()

        watcher = Watcher(os.path.realpath(paths.inbox), woken)  # the folder itself may be a link to a mount
        worker = InboxWorker(
            paths,
            lambda: open_session(paths, folder.root, key),
            reading or read_document,
            quiet,
            stopping=stopping,
        )
        watcher.start()
        worker.polling = watcher.polling
        try:
            serving()
            counter = BallotCounter(paths, lambda: open_session(paths, folder.root, key))
            _loop(worker, _Tidying(paths), woken, stopping, counter)
        finally:
            leaving()
            watcher.stop()
            worker.close()


def open_session(paths: SitePaths, root: VerifyKey, key: SigningKey) -> SealedStore:
    """Open the site's own session, which seals and opens nothing; raises KeeperGoneError and of the roster."""
    reader, client = Reader(paths.store), KeeperClient(paths.socket, _PATIENCE_S)
    try:
        return site_session(reader, client, root, key)
    except BaseException:
        reader.close()
        client.close()
        raise


def _loop(
    worker: InboxWorker,
    tidying: "_Tidying",
    woken: threading.Event,
    stopping: Callable[[], bool],
    counter: BallotCounter | None = None,
) -> None:
    while not stopping():
        woken.clear()
        due_s = worker.turn()
        tidying.turn()
        if counter is not None:
            with contextlib.suppress(KurabakoError, DatabaseError, OSError):  # the ballots stay for the next time
                counter.turn()
        until = time.monotonic() + (SCAN_S if due_s is None else min(SCAN_S, due_s + _SHORTEST_S))
        while not stopping() and not woken.is_set() and (left := until - time.monotonic()) > 0:
            woken.wait(min(left, _TICK_S))


class _Tidying:
    """Has the janitor look every ten minutes."""

    def __init__(self, paths: SitePaths) -> None:
        self._paths, self._janitor, self._due = paths, Janitor(Blobs(paths.blobs)), 0.0

    def turn(self) -> None:
        """Tidy if it is time; while the keeper is away, or the disk refuses, it is for the next time."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + TIDY_S
        with contextlib.suppress(KurabakoError), contextlib.closing(KeeperClient(self._paths.socket)) as client:
            self._janitor.turn(client)


@contextlib.contextmanager
def _only_one(paths: SitePaths) -> Iterator[None]:
    """Hold the lock of the drop folder; raises InboxBusyError."""
    own = folder_of(paths)
    own.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(own / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise InboxBusyError(operation="open drop folder", cause=exc) from exc
        yield
    finally:
        os.close(descriptor)


def _sweep(paths: SitePaths) -> None:
    with contextlib.suppress(OSError):
        root = os.open(paths.inbox, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            walking.sweep(root)
        finally:
            os.close(root)
