"""What happened when at a school, told by the segments in object storage: times, counts and kinds, no content.

Invariant: needs no key and opens nothing. Signatures are not checked here: it helps to choose a second, and the
restore to that second proves it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from crypto.errors import KurabakoError
from sync.change import Change
from sync.clock import change_clock, clock_ms
from sync.countersigns import read_countersign
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.ids import Origin, Site
from sync.openrecords import CHECKPOINT, COUNTERSIGN, GRANT
from sync.segment import NO_SEGMENT, Place, Segment, read_segment, segment_extent, segment_name
from sync.stores import Store

QUARTER_MS: Final = 15 * 60_000
_NO_ANSWER: Final = (StoreUnreachableError, StoreRefusedError)
_LOOK_AHEAD: Final = 64
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Quarter:
    """Changes that people made at one site within the quarter of an hour that begins at `start_ms`."""

    start_ms: int
    origin: Origin
    changes: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` is checkpoint, countersign, grant, gap or damaged; `seq` is how far it speaks.

    `at_ms` is when the site wrote it; for a gap and a damaged segment, when the site last wrote before it.
    """

    at_ms: int
    origin: Origin
    kind: str
    seq: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the segments tell of [from_ms, until_ms), quarters and events in order of time."""

    from_ms: int
    until_ms: int
    quarters: tuple[Quarter, ...]
    events: tuple[Event, ...]

    @property
    def changes(self) -> int:
        """Return how many changes people made in that time."""
        return sum(quarter.changes for quarter in self.quarters)


def read_timeline(
    library: Store, school: str, span: tuple[int, int], progress: Progress | None = None
) -> Timeline:
    """Read what happened within [from, until), ms since 1970; raises StoreUnreachableError, StoreRefusedError."""
    gathered = _Gathered(*span)
    for origin in known_origins(library, school):
        for found in _segments(library, origin, span):
            gathered.take(origin, found)
            if progress:
                progress(gathered.segments)
    return gathered.timeline()


def known_origins(library: Store, school: str) -> list[Origin]:
    """Return every origin of the school that sent a segment: sites by kind, epochs from 1 on without a gap."""
    found = []
    for site in Site:
        epoch = 1
        while library.get(segment_name(origin := Origin(school, site, epoch), 1)) is not None:
            found.append(origin)
            epoch += 1
    return found


@dataclass(frozen=True, slots=True)
class _Broken:
    """A place where the segments do not go on: nothing there (gap), or nothing that can be read (damaged)."""

    kind: str
    after_ms: int
    seq: int


@dataclass(slots=True)
class _Gathered:
    from_ms: int
    until_ms: int
    segments: int = 0
    counts: Counter[tuple[int, Origin]] = field(default_factory=Counter)
    times: dict[tuple[int, Origin], tuple[int, int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def take(self, origin: Origin, found: Segment | _Broken) -> None:
        self.segments += 1
        if isinstance(found, _Broken):
            if self.from_ms <= found.after_ms < self.until_ms:
                self.events.append(Event(found.after_ms, origin, found.kind, found.seq))
            return
        seq = found.first
        for batch in found.batches:
            for change in batch.changes:
                at_ms = made_ms(change)
                if self.from_ms <= at_ms < self.until_ms:
                    self._change(origin, change, at_ms, seq)
                seq += 1

    def _change(self, origin: Origin, change: Change, at_ms: int, seq: int) -> None:
        if change.kind == CHECKPOINT:
            self.events.append(Event(at_ms, origin, "checkpoint", seq))
        elif change.kind == COUNTERSIGN:
            self.events.append(Event(at_ms, origin, "countersign", _countersigned(change)))
        elif change.kind == GRANT:
            self.events.append(Event(at_ms, origin, "grant", seq))
        if not change.kind.startswith("site."):
            key = (at_ms - at_ms % QUARTER_MS, origin)
            first, last = self.times.get(key, (at_ms, at_ms))
            self.times[key] = (min(first, at_ms), max(last, at_ms))
            self.counts[key] += 1

    def timeline(self) -> Timeline:
        keys = sorted(self.counts, key=lambda key: (key[0], key[1].prefix))
        quarters = (
            Quarter(start, origin, self.counts[start, origin], *self.times[start, origin])
            for start, origin in keys
        )
        events = sorted(self.events, key=lambda event: (event.at_ms, event.origin.prefix))
        return Timeline(self.from_ms, self.until_ms, tuple(quarters), tuple(events))


def made_ms(change: Change) -> int:
    """Return when a change was made, in ms since 1970."""
    return clock_ms(change_clock(change.id))


def _countersigned(change: Change) -> int:
    try:
        return read_countersign(change.body).seq
    except KurabakoError:
        return 0


def _segments(library: Store, origin: Origin, span: tuple[int, int]) -> Iterator[Segment | _Broken]:
    """Yield the segments that reach into the span, and where they break off; a site's clock only goes forward."""
    number = _first_reaching(library, origin, span[0])
    previous, last_ms, seq = b"", span[0], 0
    while True:
        data = library.get(segment_name(origin, number))
        if data is None:
            after = _next_present(library, origin, number)
            if after is None:
                return
            yield _Broken("gap", last_ms, seq)
            number, previous = after, b""
            continue
        found = _read(data, origin, number, previous)
        if found is None:
            yield _Broken("damaged", last_ms, seq)
            number, previous = number + 1, b""
            continue
        yield found
        last_ms, seq = _last_ms(found), found.last
        if made_ms(found.batches[0].changes[0]) >= span[1]:
            return
        number, previous = found.number + 1, found.hash


def _read(data: bytes, origin: Origin, number: int, previous: bytes) -> Segment | None:
    try:
        before = previous or (NO_SEGMENT if number == 1 else segment_extent(data).previous)
        return read_segment(data, origin, Place(number, before))
    except _NO_ANSWER:
        raise
    except KurabakoError:
        return None


def _last_ms(segment: Segment) -> int:
    return made_ms(segment.batches[-1].changes[-1])


def _next_present(library: Store, origin: Origin, number: int) -> int | None:
    """Return the next segment after a missing one, None when nothing follows."""
    for ahead in range(1, _LOOK_AHEAD + 1):
        if library.get(segment_name(origin, number + ahead)) is not None:
            return number + ahead
    return None


def _first_reaching(library: Store, origin: Origin, from_ms: int) -> int:
    """Return the number of the first segment that ends at or after a time, found by halving."""
    low, high = 0, 1
    while not _reaches(library, origin, high, from_ms):
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        if _reaches(library, origin, middle, from_ms):
            high = middle
        else:
            low = middle
    return high


def _reaches(library: Store, origin: Origin, number: int, from_ms: int) -> bool:
    """Say whether a segment ends at or after a time; one that is not there or cannot be read counts so too."""
    data = library.get(segment_name(origin, number))
    found = None if data is None else _read(data, origin, number, b"")
    return found is None or _last_ms(found) >= from_ms
