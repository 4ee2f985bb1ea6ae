"""What a site itself writes: checkpoints of its own log and countersigns over other sites' logs.

Invariant: authored and signed by the site's key, which opens nothing; a countersign is written only over what was
merged here, with every hash and signature checked. What sites say to each other needs no answer, so it never makes
a log dirty.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from crypto.signing import SigningKey
from sync.change import BATCH_DOMAIN, Batch, Change
from sync.checkpoint import Known, make_checkpoint, read_checkpoint, site_person
from sync.client import Keeping
from sync.clock import HybridClock, change_clock, wall_ms
from sync.ids import WRITER_BYTES, Origin, change_id
from sync.log import signed_payload
from sync.openrecords import CHECKPOINT, COUNTERSIGN, checkpoint_record, countersign_record, open_change
from sync.protocol import Ack
from sync.reader import Reader


class Countersign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one site vouches for of another's log: everything up to `seq`, whose chain hash is `chain`.

    `heads_agree` says that both sites had the same heads when it was made: None where they could not be compared
    because each knew changes that the other did not.
    """

    prefix: str
    seq: int
    chain: bytes
    at_ms: int
    heads_agree: bool | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    record: bytes
    body: bytes


class SiteVoice:
    """A site's own session over its log."""

    def __init__(self, reader: Reader, client: Keeping, key: SigningKey) -> None:
        self._reader = reader
        self._client = client
        self._key = key
        self._person = site_person(reader.origin)
        self._writer = os.urandom(WRITER_BYTES)
        self._number = 0
        self._covered, self._others = _newest_checkpoint(reader)

    @property
    def dirty(self) -> bool:
        """Say whether people's work was kept, here or from another site, since the last checkpoint."""
        return self._reader.content_after(self._covered) > 0 or any(
            self._reader.content_after(self._seq_of(origin), origin) for origin in self._reader.origins()
        )

    def checkpoint(self) -> Ack:
        """Keep a signed checkpoint of everything so far."""
        ack = self._write([self._summary()])
        self._covered = ack.last_seq
        return ack

    def countersign(self, signed: Sequence[tuple[Origin, Countersign]], *, checkpoint: bool = False) -> Ack:
        """Keep countersigns over other origins' logs, with a checkpoint of everything before them."""
        own = self._reader.origin
        entries = [self._summary()] if checkpoint else []
        entries += [
            _Entry(COUNTERSIGN, countersign_record(own, origin), msgspec.msgpack.encode(countersign))
            for origin, countersign in signed
        ]
        ack = self._write(entries)
        if checkpoint:
            self._covered = ack.first_seq
        return ack

    def say(self, entries: Sequence[tuple[str, bytes, bytes]]) -> Ack:
        """Keep other things that this site says, each (kind, record, body), in one batch."""
        return self._write([_Entry(*entry) for entry in entries])

    def _summary(self) -> _Entry:
        summary = make_checkpoint(self._reader, wall_ms())
        self._others = summary.others
        return _Entry(CHECKPOINT, checkpoint_record(self._reader.origin), msgspec.msgpack.encode(summary))

    def _seq_of(self, origin: Origin) -> int:
        if origin == self._reader.origin:
            return self._covered
        return next((known.seq for known in self._others if known.prefix == origin.prefix), 0)

    def _write(self, entries: Sequence[_Entry]) -> Ack:
        origin, welcome = self._reader.origin, self._client.hello()
        clock = HybridClock(wall_ms, welcome.clock)
        changes: list[Change] = []
        for entry in entries:
            base = tuple(row.change_id for row in self._reader.heads(entry.kind, [entry.record]))
            for replaced in base:
                if replaced[8:16] == origin.tag:
                    clock.observe(change_clock(replaced))
            name = change_id(clock.next(), origin.tag, self._writer)
            changes.append(open_change(name, entry.kind, entry.record, base, entry.body))
        batch = Batch(self._writer, self._number, self._person, tuple(changes), bytes(64))
        signature = self._key.sign(BATCH_DOMAIN, signed_payload(origin.tag, batch))
        self._number += 1
        return self._client.submit(Batch(batch.writer, batch.number, batch.author, batch.changes, signature))


def _newest_checkpoint(reader: Reader) -> tuple[int, tuple[Known, ...]]:
    """Return how far the last life's newest checkpoint covered."""
    covered: tuple[int, tuple[Known, ...]] = (0, ())
    for row in reader.heads(CHECKPOINT, [checkpoint_record(reader.origin)]):
        checkpoint = read_checkpoint(row.body)
        if checkpoint.of(reader.origin) and row.seq > covered[0]:
            covered = (row.seq, checkpoint.others)
    return covered
