"""A hub that is with the region: any worker may speak for it, and the board's own copy follows what they said.

Invariant: while a hub is with the region (its mark stands) its truth is in object storage. Whoever works on the
board's copy holds it alone, brings it up to date first and sends afterwards; what could not be sent stays here and
is sent by the next who can. So a hub goes to the region and comes back without anything being lost.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.site import SiteFolder, open_site
from crypto.errors import KurabakoError
from sync.atomic import atomic_write, sync_folder
from sync.blobcourier import BlobCourier
from sync.errors import AnotherWriterError
from sync.exchange import Told
from sync.healing import OPERATOR, ask_for_healing
from sync.hubimage import lay_down
from sync.hubrebase import rebase_hub
from sync.hubvisit import Visited, visit
from sync.reader import Reader
from sync.site import SitePaths
from sync.stores import Store

_MARK: Final = "region"
REGION_LOCK: Final = "region.lock"  # in the folder of all hubs: held by whoever runs the region
_LOCK: Final = "region.lock"
_PENDING: Final = "region.pending"
_PATIENCE_S: Final = 60.0
_DOCUMENTS_S: Final = 600.0
_TRIES: Final = 5
_held: set[tuple[Path, int]] = set()  # by which thread: another one's work is no reason to go on beside it


class RegionBusyError(ApplianceError):
    """Somebody else works on this hub, or runs the region."""

    code = "APP-694"


def in_region(paths: SitePaths) -> bool:
    """Say whether a hub is with the region."""
    return (paths.run / _MARK).exists()


def unsent(paths: SitePaths) -> bool:
    """Say whether the board's copy of a hub may hold what was not sent."""
    return (paths.run / _PENDING).exists()


def enter_region(hub: SiteFolder, store: Store | None = None) -> None:
    """Give a hub to the region; raises RegionBusyError, SecondKeeperError (it runs here), what a visit raises.

    `store` is a client that the caller has of its segments.
    """
    with held(hub.paths.run / _LOCK):
        follow(hub, store)
        lay_down(hub.paths, hub.daemon_settings(), store)
        atomic_write(hub.paths.run / _MARK, b"")


def leave_region(hub: SiteFolder) -> None:
    """Take a hub back, to be run by this machine; raises as `enter_region`."""
    with held(hub.paths.run / _LOCK):
        follow(hub)
        ask_for_healing(hub.paths, OPERATOR)  # its replica stood still meanwhile
        (hub.paths.run / _MARK).unlink(missing_ok=True)
        sync_folder(hub.paths.run)


def follow(hub: SiteFolder, store: Store | None = None) -> Visited:
    """Bring the board's copy of a hub up to date and send what only it has."""
    for _ in range(_TRIES):
        try:
            return visit(hub.paths, hub.daemon_settings(), store=store)
        except AnotherWriterError:
            rebase_hub(hub.paths, hub.daemon_settings())
    raise AnotherWriterError(operation="follow hub", subject=hub.config.site.school, retry_safe=True)


@contextlib.contextmanager
def alone(paths: SitePaths, patience_s: float = 0.0) -> Iterator[None]:
    """Keep others from a hub that is with the region; raises RegionBusyError."""
    with held(paths.run / _LOCK, patience_s):
        yield


@contextlib.contextmanager
def borrowed(paths: SitePaths) -> Iterator[None]:
    """Work on the board's copy of a hub: it is up to date in here, and what was done is sent at the end.

    Of a hub that is not with the region nothing is asked. What cannot be sent at the end stays, and is owed.
    """
    mine = paths.run, threading.get_ident()
    if not in_region(paths) or mine in _held:
        yield
        return
    hub = open_site(paths.root)
    with held(paths.run / _LOCK, _PATIENCE_S):
        _held.add(mine)
        try:
            follow(hub)
            atomic_write(paths.run / _PENDING, b"")
            yield
        finally:
            _held.discard(mine)
        with contextlib.suppress(KurabakoError):  # it is owed: whoever runs the region sends it
            follow(hub)
            (paths.run / _PENDING).unlink(missing_ok=True)


def carry_documents(hub: SiteFolder) -> None:
    """Send the documents of the board's copy of a hub whose keeper runs; what does not get through is owed."""
    if not in_region(hub.paths) or not any(file.is_file() for file in hub.paths.blobs.rglob("*")):
        return
    with contextlib.closing(Reader(hub.paths.store)) as reader:
        everything = Told(sent=reader.position().seq)
        courier, end = BlobCourier(hub.paths, hub.daemon_settings(), lambda: everything), time.monotonic()
        try:
            while True:
                wait_s = courier.turn()
                if not courier.told() or courier.failure or time.monotonic() > end + _DOCUMENTS_S:
                    return
                time.sleep(min(wait_s, 1.0))
        finally:
            courier.close()


@contextlib.contextmanager
def held(lock: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold a lock for a while; it ends with the process. Raises RegionBusyError."""
    descriptor, end = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), time.monotonic() + patience_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as exc:
                if time.monotonic() > end:
                    raise RegionBusyError(
                        operation="work on hub", subject=str(lock.parent.parent), cause=exc
                    ) from exc
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
