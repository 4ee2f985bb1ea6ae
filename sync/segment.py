"""Segments: numbered, immutable objects that carry a run of a site's changes to the other sites.

Invariant: the bytes of a segment follow from its number and from the log alone, so a segment that is sent twice is
the same twice; whoever reads one in order knows that nothing was left out. Format: docs/formats.md, "Segment".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from crypto.errors import BadSignatureError, CryptoError
from crypto.framing import frame, unframe
from crypto.signing import SigningKey, Verifier
from sync.change import Batch, chain_hash, entry_digest, structure_fault
from sync.errors import BrokenSegmentChainError, SegmentError
from sync.ids import Origin

VERSION: Final = 1
DOMAIN: Final = "kurabako/segment/v1"
SEGMENT_BYTES: Final = 1_000_000
NO_SEGMENT: Final = bytes(32)  # what the first one follows
_UNREADABLE: Final = (CryptoError, msgspec.DecodeError, ValueError, RecursionError)  # the last three: msgspec


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    school: str
    site: str
    epoch: int
    number: int
    first: int
    last: int
    previous: bytes
    before: bytes
    chain: bytes
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment stands: its number (from 1) and the SHA-256 of the one before it."""

    number: int = 1
    previous: bytes = NO_SEGMENT


@dataclass(frozen=True, slots=True)
class Segment:
    """A read segment: changes `first` to `last` of `origin`, the chain before and after them."""

    origin: Origin
    number: int
    first: int
    last: int
    before: bytes
    chain: bytes
    batches: tuple[Batch, ...]
    hash: bytes

    @property
    def next(self) -> Place:
        """Return where the next segment stands."""
        return Place(self.number + 1, self.hash)


def segment_name(origin: Origin, number: int) -> str:
    """Return the name of a segment's object in the bucket."""
    return f"{origin.prefix}/changes/{number:08d}"


def write_segment(
    origin: Origin, place: Place, first: int, before: bytes, batches: Sequence[Batch], key: SigningKey
) -> bytes:
    """Put whole batches into a segment and sign it; `before` is the chain hash before `first`."""
    chain, seq = before, first - 1
    for batch in batches:
        for change in batch.changes:
            seq += 1
            chain = chain_hash(chain, seq, entry_digest(batch.author, change))
    body = msgspec.msgpack.encode(
        _Body(
            origin.school,
            str(origin.site),
            origin.epoch,
            place.number,
            first,
            seq,
            place.previous,
            before,
            chain,
            tuple(batches),
        )
    )
    return bytes((VERSION,)) + frame(body, key.sign(DOMAIN, bytes((VERSION,)) + body))


def read_segment(data: bytes, origin: Origin, place: Place) -> Segment:
    """Read a segment that must be of `origin` and stand at `place`; its signature is checked by `check_signature`.

    Raises SegmentError (damaged, of another place), BrokenSegmentChainError (does not follow the one before it).
    """
    body = _decode(data, origin)
    if (body.school, body.site, body.epoch) != (origin.school, str(origin.site), origin.epoch):
        raise _fault(origin, place.number, "another origin")
    if body.number != place.number:
        raise _fault(origin, place.number, "another number")
    if body.previous != place.previous:
        raise BrokenSegmentChainError(operation="read segment", subject=segment_name(origin, place.number))
    if not 1 <= body.first <= body.last < 1 << 63:
        raise _fault(origin, place.number, "sequence numbers")
    chain, seq = body.before, body.first - 1
    for batch in body.batches:
        fault = structure_fault(batch, origin.tag)
        if fault:
            raise _fault(origin, place.number, fault)
        for change in batch.changes:
            seq += 1
            chain = chain_hash(chain, seq, entry_digest(batch.author, change))
    if seq != body.last or chain != body.chain:
        raise _fault(origin, place.number, f"chain at {seq}")
    return Segment(
        origin, body.number, body.first, body.last, body.before, chain, body.batches, sha256(data).digest()
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """What a segment says of itself: its first and last seq, and the hash of the segment before it."""

    first: int
    last: int
    previous: bytes


def segment_extent(data: bytes) -> Extent:
    """Return what a segment says of itself, unchecked: to find one, not to believe it. Raises SegmentError."""
    if not data or data[0] != VERSION:
        raise SegmentError(operation="read segment", subject="version", fault="version")
    try:
        body = msgspec.msgpack.decode(unframe(data[1:], 2)[0], type=_Body)
    except _UNREADABLE as exc:
        raise SegmentError(operation="read segment", subject="shape", cause=exc, fault="shape") from exc
    return Extent(body.first, body.last, body.previous)


def check_signature(data: bytes, origin: Origin, key: Verifier) -> None:
    """Return when the site signed these bytes; raises SegmentError."""
    try:
        body, signature = unframe(data[1:], 2)
        key.verify(DOMAIN, data[:1] + body, signature)
    except (BadSignatureError, CryptoError) as exc:
        raise SegmentError(operation="read segment", subject=origin.prefix, cause=exc, fault="signature") from exc


def _decode(data: bytes, origin: Origin) -> _Body:
    if not data or data[0] != VERSION:
        raise _fault(origin, 0, "version")
    try:
        body, _ = unframe(data[1:], 2)
        return msgspec.msgpack.decode(body, type=_Body)
    except _UNREADABLE as exc:
        raise SegmentError(operation="read segment", subject=origin.prefix, cause=exc, fault="shape") from exc


def _fault(origin: Origin, number: int, fault: str) -> SegmentError:
    return SegmentError(operation="read segment", subject=segment_name(origin, number), fault=fault)
