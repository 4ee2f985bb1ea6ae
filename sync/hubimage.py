"""Bringing a hub up where nothing of it is: from an image of its store in the bucket, and from segments.

Invariant: an image is only ever a shortcut. It is proven before it is used, completed from the segments, and left
aside when it does not pass; there is one whenever the log has grown by a quarter, so all of them together are five
times the store at most.
"""

import contextlib
from typing import Final

from crypto.errors import KurabakoError
from sync.complete import complete
from sync.ids import Origin, Site
from sync.openstore import open_store
from sync.places import give_places
from sync.reader import Reader
from sync.segment import segment_name
from sync.settings import Settings
from sync.site import SitePaths, create_site
from sync.stores import Store
from sync.verify import verify_store
from sync.visitlog import VisitLog

_SPACE: Final = "hub"
_IMAGED: Final = "imaged"
_LEAST: Final = 500  # changes that are as quickly read from segments


def image_due(log: VisitLog, changes: int) -> bool:
    """Say whether so many changes are enough for another image."""
    last = int(log.local_get(_SPACE, _IMAGED) or 0)
    return changes >= last + last // 4 + _LEAST


def keep_image(log: VisitLog, reader: Reader, store: Store) -> None:
    """Put the store's file into the bucket, named by how much it holds."""
    changes = reader.changes()
    store.create(_name(reader.origin, changes), log.image())
    log.local_put(_SPACE, _IMAGED, str(changes).encode())


def lay_down(paths: SitePaths, settings: Settings, store: Store | None = None) -> None:
    """Put an image of the hub at `paths` into the bucket while its box was never switched on.

    What a school was founded with comes with its box's first segment; until then only the hub has it.
    """
    store = store or open_store(settings.segments or settings.store)
    with contextlib.closing(VisitLog(paths)) as log, contextlib.closing(Reader(paths.store)) as reader:
        if store.get(segment_name(Origin(reader.origin.school, Site.BOX, 1), 1)) is None:
            keep_image(log, reader, store)


def bring_up(paths: SitePaths, origin: Origin, settings: Settings, store: Store | None = None) -> None:
    """Make a hub's databases at `paths`, where nothing is; `store` as for a visit.

    Raises StoreUnreachableError, StoreRefusedError, and what the merge raises for what the segments hold.
    """
    store = store or open_store(settings.segments or settings.store)
    create_site(paths.root, origin)
    changes = _lay_image(paths, origin, settings, store)
    complete(paths.store, store, settings.root, settings.rules)
    with contextlib.closing(VisitLog(paths)) as log, contextlib.closing(Reader(paths.store)) as reader:
        give_places(reader, log, store, settings.root)
        log.local_put(_SPACE, _IMAGED, str(changes).encode())


def _lay_image(paths: SitePaths, origin: Origin, settings: Settings, store: Store) -> int:
    """Put the newest image that passes in the place of the empty store; return how many changes it holds."""
    beside = paths.root / ".image.db"
    for name in sorted(store.sizes(f"{origin.prefix}/image"), reverse=True):
        data = store.get(name)
        if data is None:
            continue
        beside.write_bytes(data)
        try:
            verified = verify_store(beside, settings.root, origin.school, rules=settings.rules)
            if verified.origin == origin:
                beside.replace(paths.store)
                return verified.changes
        except KurabakoError:
            pass  # the segments hold it all
        finally:
            for left in paths.root.glob(".image.db*"):
                left.unlink()
    return 0


def _name(origin: Origin, changes: int) -> str:
    return f"{origin.prefix}/image/{changes:012d}"
