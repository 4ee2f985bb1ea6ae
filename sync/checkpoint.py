"""Signed checkpoints: a site's statement of how far its log goes and which heads follow from it.

Invariant: a checkpoint is itself a change, authored and signed by the site; whoever believes its signature needs
to check only the chain up to it, and signatures after it.
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from crypto.framing import frame
from crypto.signing import SigningKey
from sync.change import BATCH_DOMAIN, Batch
from sync.client import KeeperClient
from sync.clock import HybridClock, wall_ms
from sync.errors import WrongStoreError
from sync.ids import Origin, change_id
from sync.log import signed_payload
from sync.openrecords import CHECKPOINT, checkpoint_record, open_change
from sync.protocol import Ack
from sync.reader import Reader


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site states. `heads` is the digest of all heads as of `seq`."""

    school: str
    site: str
    epoch: int
    seq: int
    chain: bytes
    heads: bytes
    at_ms: int

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
    origin = reader.origin
    return Checkpoint(origin.school, str(origin.site), origin.epoch, position.seq, position.chain, heads, at_ms)


def read_checkpoint(body: bytes) -> Checkpoint:
    """Read a checkpoint's body; raises WrongStoreError when it is none."""
    try:
        return msgspec.msgpack.decode(body, type=Checkpoint)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WrongStoreError(operation="read checkpoint", cause=exc) from exc


class CheckpointWriter:
    """The site's own session: it can sign for the site and open nothing."""

    def __init__(self, reader: Reader, client: KeeperClient, key: SigningKey, writer: bytes) -> None:
        self._reader = reader
        self._client = client
        self._key = key
        self._person = site_person(reader.origin)
        self._writer = writer
        self._number = 0
        self._covered = 0

    @property
    def dirty(self) -> bool:
        """Say whether something was kept since the last checkpoint."""
        return self._reader.position().seq > self._covered

    def write(self) -> Ack:
        """Keep a signed checkpoint of everything so far."""
        origin, welcome = self._reader.origin, self._client.hello()
        clock = HybridClock(wall_ms, welcome.clock)
        checkpoint = make_checkpoint(self._reader, wall_ms())
        record = checkpoint_record(origin)
        base = tuple(row.change_id for row in self._reader.heads(CHECKPOINT, [record]))
        name = change_id(clock.next(), origin.tag, self._writer)
        change = open_change(name, CHECKPOINT, record, base, msgspec.msgpack.encode(checkpoint))
        batch = Batch(self._writer, self._number, self._person, (change,), bytes(64))
        signature = self._key.sign(BATCH_DOMAIN, signed_payload(origin.tag, batch))
        self._number += 1
        ack = self._client.submit(Batch(batch.writer, batch.number, batch.author, batch.changes, signature))
        self._covered = ack.last_seq
        return ack
