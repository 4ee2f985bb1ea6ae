"""Segments by hand: the same bytes on a medium, when there is no line at all or a box has none any more.

Invariant: what leaves is sealed and signed as on the line; what comes in is read in order, proven and judged as on
the line. A medium may be carried twice, late or in part; nothing is taken twice and nothing is passed over.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from crypto.signing import SigningKey, VerifyKey
from sync.client import Keeping
from sync.complete import first_beyond
from sync.countersigns import newest_confirmed, owed_countersigns
from sync.errors import BrokenSegmentChainError
from sync.grants import read_grants
from sync.ids import Origin
from sync.inbox import Inbox, Wanted
from sync.merge import Merger
from sync.outbox import Outbox
from sync.reader import Reader
from sync.segment import segment_extent, segment_name
from sync.settings import Settings
from sync.sitevoice import SiteVoice
from sync.stores import Store

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was put on a medium: how many segments with changes `first` to `last`; none: 0, 0, 0."""

    segments: int = 0
    first: int = 0
    last: int = 0

    def and_then(self, more: "Exported") -> "Exported":
        """Return both as one, `more` being what comes after."""
        if not (self.segments and more.segments):
            return self if self.segments else more
        return Exported(self.segments + more.segments, self.first, more.last)


@dataclass(slots=True)
class Imported:
    """New changes by origin. `gaps` are the segments without which later ones on the medium cannot be read.

    `peers` are the origins whose segments were looked for.
    """

    new: dict[Origin, int] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    peers: tuple[Origin, ...] = ()

    @property
    def changes(self) -> int:
        """Return how many changes were new."""
        return sum(self.new.values())


def export_segments(
    reader: Reader, client: Keeping, key: SigningKey, medium: Store, progress: Progress | None = None
) -> Exported:
    """Put every segment of this site that is not proven to be in the object store on a medium."""
    outbox = Outbox(reader, client, key)
    count, first = 0, outbox.last + 1
    while (outgoing := outbox.next()) is not None:
        medium.put(outgoing.name, outgoing.data)
        count += 1
        if progress:
            progress(outgoing.last)
    return Exported(count, first, outbox.last) if count else Exported()


def copy_unconfirmed(reader: Reader, root: VerifyKey, library: Store, medium: Store) -> Exported:
    """Put what stands in the object store, and what no other site has countersigned yet, on a medium.

    It is how a site without a line hears of what this one sent. Raises StoreUnreachableError, StoreRefusedError,
    RolledBackError.
    """
    own = reader.origin
    peers = [grant.origin for grant in read_grants(reader, root) if grant.origin != own]
    first = newest_confirmed(reader, own, peers).seq + 1
    start = number = first_beyond(library, own, first - 1)
    last = 0
    while (data := library.get(name := segment_name(own, number))) is not None:
        medium.put(name, data)
        last, number = segment_extent(data).last, number + 1
    return Exported(number - start, first, last) if last else Exported()


def import_segments(
    reader: Reader,
    client: Keeping,
    settings: Settings,
    medium: Store,
    keep: Store | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Merge what other sites put on a medium, and countersign it.

    With `keep`, each segment is also stored there first, for the other sites: how the board brings in what an old
    box could not send. Raises SegmentError, BrokenSegmentChainError, ForgedChangeError; what came before stands.
    """
    merger = Merger(reader, client, settings.root, settings.rules)
    merger.judge_all()
    inbox, found = Inbox(reader, client, settings.root, merger), Imported()
    while sum(_drain(inbox, origin, medium, keep, found, progress) for origin in inbox.peers):
        pass  # a roster or grant that came with one origin may let another one be read
    found.peers = inbox.peers
    found.gaps = [wanted.name for origin in inbox.peers if _later(medium, wanted := inbox.wanted(origin))]
    owed = owed_countersigns(reader, inbox.peers)
    if owed and not inbox.superseded:
        SiteVoice(reader, client, settings.key).countersign(owed)
    return found


def _drain(
    inbox: Inbox, origin: Origin, medium: Store, keep: Store | None, found: Imported, progress: Progress | None
) -> int:
    new = 0
    while (data := medium.get((wanted := inbox.wanted(origin)).name)) is not None:
        inbox.check(wanted, data)
        if keep is not None and not keep.create(wanted.name, data) and keep.get(wanted.name) != data:
            raise BrokenSegmentChainError(operation="store segment", subject=wanted.name)
        new += inbox.take(wanted, data)
        if progress:
            progress(found.changes + new)
    if new:
        found.new[origin] = found.new.get(origin, 0) + new
    return new


def _later(medium: Store, wanted: Wanted) -> bool:
    folder = PurePosixPath(wanted.name).parent
    return any(PurePosixPath(name).name > wanted.name.rpartition("/")[2] for name in medium.sizes(str(folder)))
