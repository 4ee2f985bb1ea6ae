"""Giving way: a copy of a hub in which people worked while another visit spoke in the hub's name.

Invariant: nothing of it is lost. What only this copy holds of other sites is merged again, and what people made
here, signed as it is, comes after what stands in the object store; what the hub itself had said is said anew.
"""

import contextlib
import shutil
from typing import Final

from sync.change import Batch
from sync.hubimage import bring_up
from sync.merge import Merger, copy_log
from sync.openrecords import CHECKPOINT, COUNTERSIGN
from sync.openstore import open_store
from sync.outbox import OutboxState, give_outbox, read_outbox
from sync.places import give_places
from sync.reader import Reader
from sync.settings import Settings
from sync.site import SitePaths
from sync.visitlog import VisitLog

_ALL_BYTES: Final = 1 << 62
_SAID: Final = frozenset((CHECKPOINT, COUNTERSIGN))


def rebase_hub(paths: SitePaths, settings: Settings) -> None:
    """Bring the hub at `paths` up anew, with everything that only this copy of it has.

    Raises SecondKeeperError and what `bring_up` raises; then the copy is as it was.
    """
    fresh = SitePaths(paths.run / "rebasing")
    shutil.rmtree(fresh.root, ignore_errors=True)
    with contextlib.closing(VisitLog(paths)) as log:
        with contextlib.closing(Reader(paths.store)) as old:
            bring_up(fresh, old.origin, settings)
            state = read_outbox(log)
            _carry(old, state.last, fresh, settings)
        # From here on this copy is no longer sent as it was planned, whatever dies in between.
        give_outbox(log, OutboxState(state.number, state.last, state.hash))
        log.image()
        for stale in ("-wal", "-shm"):
            paths.store.with_name(paths.store.name + stale).unlink(missing_ok=True)
        fresh.store.replace(paths.store)
    with contextlib.closing(VisitLog(paths)) as log, contextlib.closing(Reader(paths.store)) as reader:
        give_places(reader, log, open_store(settings.segments or settings.store), settings.root)
    shutil.rmtree(fresh.root)


def _carry(old: Reader, sent: int, fresh: SitePaths, settings: Settings) -> None:
    with contextlib.closing(VisitLog(fresh)) as log, contextlib.closing(Reader(fresh.store)) as new:
        merger = Merger(new, log, settings.root, settings.rules)
        for origin in old.origins():
            if origin != old.origin:
                copy_log(old, origin, merger, new.position(origin).seq)
        for batch in old.batches(old.origin, sent, _ALL_BYTES):
            if not _mere_word(batch):
                log.submit(batch)
        merger.judge_own()


def _mere_word(batch: Batch) -> bool:
    return all(change.kind in _SAID for change in batch.changes)
