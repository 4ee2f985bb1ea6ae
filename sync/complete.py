"""What segments know and a store does not: completing a restored store, and building a whole one from nothing.

Invariant: a change comes in here as it does at any site, through the inbox and the merge, with every hash and
signature checked; what comes out still has to pass `verify`.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from crypto.signing import VerifyKey
from sync.authority import Rules
from sync.change import Batch
from sync.clock import change_clock, clock_ms
from sync.errors import SegmentError
from sync.ids import Origin, Site
from sync.inbox import Inbox, give_place
from sync.merge import Merger
from sync.offlinelog import OfflineLog
from sync.reader import Reader
from sync.segment import NO_SEGMENT, Segment, segment_extent, segment_name
from sync.stores import Store

Progress = Callable[[int], None]
_FIRST: Final = (0, NO_SEGMENT)


@dataclass(frozen=True, slots=True)
class Completed:
    """How many changes came from segments, by origin."""

    added: dict[Origin, int]

    @property
    def changes(self) -> int:
        """Return how many there were in all."""
        return sum(self.added.values())


def complete(
    path: Path,
    library: Store,
    root: VerifyKey,
    rules: Rules,
    progress: Progress | None = None,
    until_ms: int | None = None,
) -> Completed:
    """Add to the store at `path`, which was proven, what the segments in `library` hold beyond it.

    Nobody else has it open, and what it holds is not proven again where a roster comes with the segments.

    With `until_ms` only what was made up to then, by the clocks of those who made it.

    Raises SegmentError, BrokenSegmentChainError, ForgedChangeError, StoreUnreachableError; what was added before
    stands.
    """
    log = OfflineLog(path)
    with contextlib.closing(Reader(path)) as reader, contextlib.closing(log):
        merger = Merger(reader, log, root, rules, judged=reader.position().seq)
        inbox, added = Inbox(reader, log, root, merger), dict[Origin, int]()
        for origin in _sources(reader.origin, inbox):
            number, previous = _before(library, origin, reader.position(origin).seq)
            give_place(log, origin, number, previous)
        drain = _Drain(inbox, merger, library, added, progress, until_ms)
        while sum(drain.run(origin) for origin in _sources(reader.origin, inbox)):
            pass  # a roster that came with one origin may let another one's changes be read
    return Completed(added)


def rebuild(
    path: Path, origin: Origin, library: Store, root: VerifyKey, rules: Rules, progress: Progress | None = None
) -> Completed:
    """Make the store of `origin` at `path` from segments alone; raises as `complete` does."""
    from sync.schema import create_store

    create_store(path, origin)
    return complete(path, library, root, rules, progress)


def _sources(own: Origin, inbox: Inbox) -> tuple[Origin, ...]:
    """Return whose segments to read: first the founding box's, which begin with the board's roster of people."""
    return tuple(dict.fromkeys((Origin(own.school, Site.BOX, 1), own, *inbox.peers)))


@dataclass(frozen=True, slots=True)
class _Drain:
    """Reads the segments of origins until there is none, or until a time."""

    inbox: Inbox
    merger: Merger
    library: Store
    added: dict[Origin, int]
    progress: Progress | None
    until_ms: int | None

    def run(self, origin: Origin) -> int:
        new, going = 0, True
        while going and (data := self.library.get((wanted := self.inbox.wanted(origin)).name)) is not None:
            segment = self.inbox.check(wanted, data)
            part = segment if self.until_ms is None else _made_by(segment, self.until_ms)
            going = part is segment
            if going:
                new += self.inbox.take(wanted, data)
            elif part is not None:
                new += self.merger.take(part)
            if self.progress:
                self.progress(sum(self.added.values()) + new)
        if new:
            self.added[origin] = self.added.get(origin, 0) + new
        return new


def _made_by(segment: Segment, until_ms: int) -> Segment | None:
    """Return the part of a segment up to a time: itself when it is whole, None when nothing of it is."""
    count = 0
    while count < len(segment.batches) and _made_ms(segment.batches[count]) <= until_ms:
        count += 1
    if count == len(segment.batches):
        return segment
    batches = segment.batches[:count]
    last = segment.first - 1 + sum(len(batch.changes) for batch in batches)
    return replace(segment, batches=batches, last=last) if batches else None


def _made_ms(batch: Batch) -> int:
    return clock_ms(change_clock(batch.changes[-1].id))


def first_beyond(library: Store, origin: Origin, seq: int) -> int:
    """Return the number of the first segment that goes beyond `seq`, or is not there, or cannot be read.

    It is found by halving: which numbers there are is told by asking for them, never by a listing.
    """
    low, high = 0, 1  # `low` ends at or before seq (0 always does), `high` does not
    while not _beyond(library, origin, high, seq):
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        if _beyond(library, origin, middle, seq):
            high = middle
        else:
            low = middle
    return high


def _before(library: Store, origin: Origin, seq: int) -> tuple[int, bytes]:
    """Return number and hash of the segment before the first that goes beyond `seq`; (0, …) is before them all."""
    if seq == 0:
        return _FIRST
    number = first_beyond(library, origin, seq)
    data = library.get(segment_name(origin, number))
    if data is not None:
        return number - 1, segment_extent(data).previous
    last = library.get(segment_name(origin, number - 1))  # what a site says from now on follows it
    return number - 1, sha256(last).digest() if last else NO_SEGMENT


def _beyond(library: Store, origin: Origin, number: int, seq: int) -> bool:
    data = library.get(segment_name(origin, number))
    try:
        return data is None or segment_extent(data).last > seq
    except SegmentError:
        return True
