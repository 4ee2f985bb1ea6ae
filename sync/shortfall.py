"""What a restored store is known to lack: segments beyond it, and what sites vouched for that is not here.

Invariant: only asks and reads, and never says that nothing is lacking when something speaks of more. Claims of
segments that could not be merged are unchecked: they tell that there was more, not what.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync.checkpoint import read_checkpoint
from sync.complete import first_beyond
from sync.countersigns import read_countersign
from sync.errors import SegmentError
from sync.ids import Origin, Site
from sync.openrecords import CHECKPOINT, COUNTERSIGN
from sync.reader import Reader
from sync.segment import segment_extent, segment_name
from sync.stores import Store

BOARD, SEGMENT, COUNTERSIGNED, CHECKPOINTED = "board", "segment", "countersign", "checkpoint"
_AHEAD: Final = (0, 1, 2, 4, 8, 16, 32, 64)  # segments looked for after the last that was read


@dataclass(frozen=True, slots=True)
class Lacking:
    """An origin of which more is known than is here: it is complete up to `held` (made at `held_ms`).

    `source` is who says that there were changes up to `known`: board, segment, countersign or checkpoint.
    """

    origin: Origin
    held: int
    known: int
    source: str
    held_ms: int | None

    @property
    def changes(self) -> int:
        """Return how many changes are known to be missing."""
        return self.known - self.held


def find_lacking(path: Path, library: Store | None, known_seq: int = 0) -> tuple[Lacking, ...]:
    """Return what the store at `path` lacks, by origin.

    `known_seq` is the newest position of its own origin that the caller knows of; without a `library` no segments
    are looked for. Raises StoreUnreachableError, StoreRefusedError.
    """
    with closing(Reader(path)) as reader:
        newest: dict[Origin, tuple[int, str]] = {}
        claims = [(reader.origin, known_seq, BOARD), *_vouched(reader)]
        if library is not None:
            claims += [(origin, _in_segments(reader, library, origin), SEGMENT) for origin in reader.origins()]
        for origin, seq, source in claims:
            if seq > max(reader.position(origin).seq, newest.get(origin, (0, ""))[0]):
                newest[origin] = (seq, source)
        return tuple(
            Lacking(origin, reader.position(origin).seq, seq, source, _made_ms(reader, origin))
            for origin, (seq, source) in sorted(newest.items(), key=lambda found: found[0].prefix)
        )


def _vouched(reader: Reader) -> Iterator[tuple[Origin, int, str]]:
    for row in reader.heads(COUNTERSIGN):
        told = read_countersign(row.body)
        yield _origin(told.prefix), told.seq, COUNTERSIGNED
    for row in reader.heads(CHECKPOINT):
        for known in read_checkpoint(row.body).others:
            yield _origin(known.prefix), known.seq, CHECKPOINTED


def _in_segments(reader: Reader, library: Store, origin: Origin) -> int:
    """Return the newest seq that a segment speaks of; one that cannot be read speaks of one change more."""
    held = reader.position(origin).seq
    first, newest = first_beyond(library, origin, held), 0
    for ahead in _AHEAD:
        data = library.get(segment_name(origin, first + ahead))
        if data is None:
            continue
        try:
            newest = max(newest, segment_extent(data).last)
        except SegmentError:
            newest = max(newest, held + 1)
    return newest


def _made_ms(reader: Reader, origin: Origin) -> int | None:
    seq = reader.position(origin).seq
    rows = reader.since(seq - 1, 1, origin) if seq else []
    return rows[0].at_ms if rows else None


def _origin(prefix: str) -> Origin:
    school, site, epoch = prefix.split("/")
    return Origin(school, Site(site), int(epoch))
