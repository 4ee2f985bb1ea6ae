"""Signed checkpoints: a site's statement of how far its log goes and which heads follow from it.

Invariant: a checkpoint is itself a change, authored and signed by the site; whoever believes its signature needs
to check only the chain up to it, and signatures after it.
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from crypto.framing import frame
from sync.errors import WrongStoreError
from sync.ids import Origin
from sync.reader import Reader


class Known(msgspec.Struct, frozen=True, array_like=True):
    """How far a site knew another origin: its prefix, seq and chain hash."""

    prefix: str
    seq: int
    chain: bytes


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site states of its log up to `seq`.

    `heads` is the digest of all heads (but those of `site.*`) as they followed from its own changes up to `seq`
    and those of `others`, the origins that it had merged.
    """

    school: str
    site: str
    epoch: int
    seq: int
    chain: bytes
    heads: bytes
    at_ms: int
    others: tuple[Known, ...] = ()

    def of(self, origin: Origin) -> bool:
        """Say whether it speaks of this origin."""
        return (self.school, self.site, self.epoch) == (origin.school, str(origin.site), origin.epoch)


def site_person(origin: Origin) -> bytes:
    """Return the 16-byte person id under which a site signs."""
    return sha256(
        frame(b"site", origin.school.encode(), origin.site.encode(), str(origin.epoch).encode())
    ).digest()[:16]


def heads_digest(heads: Iterable[tuple[str, bytes, bytes]]) -> bytes:
    """Return SHA-256 over (kind, record, change id) of every head in order."""
    digest = sha256(b"kurabako/heads/v1")
    for kind, record, name in heads:
        digest.update(b"".join((kind.encode(), b"\0", record, name)))
    return digest.digest()


def make_checkpoint(reader: Reader, at_ms: int) -> Checkpoint:
    """Sum up the log as it stands, within one read transaction."""
    with reader.snapshot() as moment:
        position = moment.position()
        heads = heads_digest(moment.heads_by_name())
        others = known_origins(moment)
    origin = reader.origin
    return Checkpoint(
        origin.school, str(origin.site), origin.epoch, position.seq, position.chain, heads, at_ms, others
    )


def known_origins(reader: Reader) -> tuple[Known, ...]:
    """Return how far this store knows every origin but its own."""
    found = []
    for origin in sorted(reader.origins(), key=lambda origin: origin.prefix):
        if origin != reader.origin:
            position = reader.position(origin)
            found.append(Known(origin.prefix, position.seq, position.chain))
    return tuple(found)


def read_checkpoint(body: bytes) -> Checkpoint:
    """Read a checkpoint's body; raises WrongStoreError when it is none."""
    try:
        return msgspec.msgpack.decode(body, type=Checkpoint)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WrongStoreError(operation="read checkpoint", cause=exc) from exc
