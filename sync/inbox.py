"""Other sites' segments on their way in.

Invariant: the next segment is asked for by name and taken in order; where the reading stands is written down after
its changes are on disk, so a segment may be read twice but never passed over.
"""

from dataclasses import dataclass

import msgspec

from crypto.signing import Verifier, VerifyKey
from sync.checkpoint import site_person
from sync.client import Keeping
from sync.errors import SegmentError
from sync.grants import read_grants
from sync.ids import Origin
from sync.localstore import FENCE
from sync.merge import Merger, rosters_in
from sync.outbox import SPACE
from sync.reader import Reader
from sync.segment import NO_SEGMENT, Place, Segment, check_signature, read_segment, segment_name


class _State(msgspec.Struct, frozen=True, array_like=True):
    number: int = 0
    hash: bytes = NO_SEGMENT


@dataclass(frozen=True, slots=True)
class Wanted:
    """The next segment of an origin."""

    origin: Origin
    place: Place

    @property
    def name(self) -> str:
        """Return the name of its object."""
        return segment_name(self.origin, self.place.number)


class Inbox:
    """What one site reads of the others. Used by one thread at a time."""

    def __init__(self, reader: Reader, client: Keeping, root: VerifyKey, merger: Merger) -> None:
        self._reader = reader
        self._client = client
        self._root = root
        self._merger = merger
        self._peers: list[Origin] = []
        self._states: dict[Origin, _State] = {}
        self.superseded = client.local_get(*FENCE) is not None
        self.look_at_grants()

    @property
    def peers(self) -> tuple[Origin, ...]:
        """Return the origins that are read: every one that the board granted but this site's own."""
        return tuple(self._peers)

    def wanted(self, origin: Origin) -> Wanted:
        """Return the next segment of an origin."""
        state = self._state(origin)
        return Wanted(origin, Place(state.number + 1, state.hash))

    def check(self, wanted: Wanted, data: bytes) -> Segment:
        """Return the segment that was read; raises SegmentError, BrokenSegmentChainError."""
        segment = read_segment(data, wanted.origin, wanted.place)
        check_signature(data, wanted.origin, self._site_key(segment))
        return segment

    def take(self, wanted: Wanted, data: bytes) -> int:
        """Merge a segment that was read; return how many changes were new.

        Raises SegmentError, BrokenSegmentChainError, ForgedChangeError; then the reading stays where it stands.
        """
        segment = self.check(wanted, data)
        new = self._merger.take(segment)
        self.look_at_grants()  # before the note: a life that ends in between does it again
        state = _State(segment.number, segment.hash)
        self._client.local_put(SPACE, f"in/{wanted.origin.prefix}", msgspec.msgpack.encode(state))
        self._states[wanted.origin] = state
        return new

    def look_at_grants(self) -> None:
        """Learn whom to read, and whether this site was replaced."""
        own, grants = self._reader.origin, read_grants(self._reader, self._root)
        self._peers = [grant.origin for grant in grants if grant.origin != own]
        if any(grant.site == own.site and grant.epoch > own.epoch for grant in grants):
            self.give_way()

    def give_way(self) -> None:
        """Write nothing more here, now and after any restart: a newer box took over."""
        if not self.superseded:
            self._client.local_put(*FENCE, b"1")
            self.superseded = True

    def _site_key(self, segment: Segment) -> Verifier:
        """Return the key that a site signs with; a first segment may bring the roster that names it."""
        person = site_person(segment.origin)
        key: Verifier | None = self._merger.authority.keys.get(person)
        if key is None:
            for roster in rosters_in(segment.batches, self._root, segment.origin.school):
                found = roster.person(person)
                key = found.verify_key if found else key
        if key is None:
            raise SegmentError(operation="read segment", subject=segment.origin.prefix, fault="unknown site")
        return key

    def _state(self, origin: Origin) -> _State:
        if origin not in self._states:
            raw = self._client.local_get(SPACE, f"in/{origin.prefix}")
            self._states[origin] = msgspec.msgpack.decode(raw, type=_State) if raw else _State()
        return self._states[origin]


def known_place(client: Keeping, origin: Origin) -> tuple[int, bytes]:
    """Return number and hash of the last segment that a site has read of an origin."""
    raw = client.local_get(SPACE, f"in/{origin.prefix}")
    state = msgspec.msgpack.decode(raw, type=_State) if raw else _State()
    return state.number, state.hash


def give_place(client: Keeping, origin: Origin, number: int, digest: bytes) -> None:
    """Let a site whose store holds an origin up to a segment go on reading after that segment."""
    client.local_put(SPACE, f"in/{origin.prefix}", msgspec.msgpack.encode(_State(number, digest)))
