"""What segments know and a store does not: completing a restored store, and building a whole one from nothing.

Invariant: a change comes in here as it does at any site, through the inbox and the merge, with every hash and
signature checked; what comes out still has to pass `verify`.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.signing import VerifyKey
from sync.authority import Rules
from sync.checkpoint import heads_digest
from sync.ids import Origin, Site
from sync.inbox import Inbox, give_place
from sync.merge import Merger
from sync.offlinelog import OfflineLog
from sync.reader import Reader
from sync.segment import NO_SEGMENT, segment_extent, segment_name
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
    path: Path, library: Store, root: VerifyKey, rules: Rules, progress: Progress | None = None
) -> Completed:
    """Add to the store at `path` what the segments in `library` hold beyond it; nobody else has it open.

    Raises SegmentError, BrokenSegmentChainError, ForgedChangeError, StoreUnreachableError; what was added before
    stands.
    """
    log = OfflineLog(path)
    with contextlib.closing(Reader(path)) as reader, contextlib.closing(log):
        inbox = Inbox(reader, log, root, Merger(reader, log, root, rules))
        added: dict[Origin, int] = {}
        for origin in _sources(reader.origin, inbox):
            number, previous = _before(library, origin, reader.position(origin).seq)
            give_place(log, origin, number, previous)
        while sum(_drain(inbox, library, origin, added, progress) for origin in _sources(reader.origin, inbox)):
            pass  # a roster that came with one origin may let another one's changes be read
    return Completed(added)


def rebuild(
    path: Path, origin: Origin, library: Store, root: VerifyKey, rules: Rules, progress: Progress | None = None
) -> Completed:
    """Make the store of `origin` at `path` from segments alone; raises as `complete` does."""
    from sync.schema import create_store

    create_store(path, origin)
    return complete(path, library, root, rules, progress)


def same_content(one: Path, other: Path) -> bool:
    """Say whether two stores hold the same changes and the same heads."""
    return _content(one) == _content(other)


def _content(path: Path) -> tuple[dict[str, tuple[int, bytes]], bytes]:
    with contextlib.closing(Reader(path)) as reader, reader.snapshot():
        tails = {origin.prefix: reader.position(origin) for origin in reader.origins()}
        known = {prefix: (tail.seq, tail.chain) for prefix, tail in tails.items() if tail.seq}
        return known, heads_digest(reader.heads_by_name())


def _sources(own: Origin, inbox: Inbox) -> tuple[Origin, ...]:
    """Return whose segments to read: first the founding box's, which begin with the board's roster of people."""
    return tuple(dict.fromkeys((Origin(own.school, Site.BOX, 1), own, *inbox.peers)))


def _drain(
    inbox: Inbox, library: Store, origin: Origin, added: dict[Origin, int], progress: Progress | None
) -> int:
    new = 0
    while (data := library.get((wanted := inbox.wanted(origin)).name)) is not None:
        new += inbox.take(wanted, data)
        if progress:
            progress(sum(added.values()) + new)
    if new:
        added[origin] = added.get(origin, 0) + new
    return new


def _before(library: Store, origin: Origin, seq: int) -> tuple[int, bytes]:
    """Return number and hash of the segment before the first that goes beyond `seq`; (0, …) is before them all.

    It is found by halving: which numbers there are is told by asking for them, never by a listing.
    """
    if seq == 0:
        return _FIRST
    low, high = 0, 1  # `low` ends at or before seq (0 always does), `high` is not there or goes beyond it
    while not _beyond(library, origin, high, seq):
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        if _beyond(library, origin, middle, seq):
            high = middle
        else:
            low = middle
    data = library.get(segment_name(origin, high))
    if data is None:
        return high - 1, NO_SEGMENT  # nothing beyond: what it would follow is never compared
    return high - 1, segment_extent(data).previous


def _beyond(library: Store, origin: Origin, number: int, seq: int) -> bool:
    data = library.get(segment_name(origin, number))
    return data is None or segment_extent(data).last > seq
