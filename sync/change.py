"""Changes and batches: what an author makes, what is signed, and how changes are chained.

Invariant: the digest of a change covers every byte that a reader relies on; the author signs the digests of a
whole batch; the chain covers digests in order. Formats: docs/formats.md, "Store".
"""

from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from sync.ids import CHANGE_ID_BYTES, PERSON_BYTES, RECORD_BYTES, WRITER_BYTES

BATCH_DOMAIN: Final = "kurabako/batch/v1"
OPEN_KINDS: Final = ("key.", "site.", "people.")
CHAIN_START: Final = bytes(32)
_CHANGE: Final = b"kurabako/change/v1"
_CHAIN: Final = b"kurabako/chain/v1"


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry as its author made it.

    `id` 24 bytes, `record` 16, `base` the ids of the heads it replaces, `key_id` 16 bytes or empty for an open
    envelope (kinds `key.*`, `site.*`, `people.*`), `body` sealed bytes or the envelope.
    """

    id: bytes
    kind: str
    record: bytes
    base: tuple[bytes, ...]
    importance: int
    key_id: bytes
    body: bytes


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Changes of one author that are kept together or not at all. (`writer`, `number`) makes it exactly-once."""

    writer: bytes
    number: int
    author: bytes
    changes: tuple[Change, ...]
    signature: bytes


def entry_digest(author: bytes, change: Change) -> bytes:
    """Return the 32-byte digest of a change."""
    return digest_parts(
        author,
        change.id,
        change.kind,
        change.record,
        b"".join(change.base),
        change.importance,
        change.key_id,
        change.body,
    )


def digest_parts(
    author: bytes,
    change_id: bytes,
    kind: str,
    record: bytes,
    base: bytes,
    importance: int,
    key_id: bytes,
    body: bytes,
) -> bytes:
    """Return the digest from columns; `base` is the ids joined. Every part has a fixed or a written length."""
    name = kind.encode()
    lengths = bytes((importance, len(name), len(key_id), len(base) // CHANGE_ID_BYTES))
    return sha256(b"".join((_CHANGE, author, change_id, record, lengths, name, key_id, base, body))).digest()


def batch_payload(tag: bytes, writer: bytes, number: int, author: bytes, digests: list[bytes]) -> bytes:
    """Return what the author signs: origin tag, writer, number, author, count and digests."""
    return b"".join((tag, writer, number.to_bytes(8, "big"), author, len(digests).to_bytes(4, "big"), *digests))


def chain_hash(previous: bytes, seq: int, digest: bytes) -> bytes:
    """Return the chain's hash at `seq`; the first change follows 32 zero bytes."""
    return sha256(b"".join((_CHAIN, previous, seq.to_bytes(8, "big"), digest))).digest()


def structure_fault(batch: Batch, tag: bytes) -> str | None:
    """Say what is wrong with a batch's structure, or None. Knows no key and reads no body."""
    if len(batch.writer) != WRITER_BYTES or len(batch.author) != PERSON_BYTES or len(batch.signature) != 64:
        return "batch"
    if not batch.changes or not 0 <= batch.number < 1 << 63:  # SQLite's integers end there
        return "empty batch or number"
    suffix = tag + batch.writer
    before = b""
    for change in batch.changes:
        fault = _change_fault(change, suffix)
        if fault:
            return fault
        if change.id <= before:
            return "order of change ids"
        before = change.id
    return None


def _change_fault(change: Change, suffix: bytes) -> str | None:
    if len(change.id) != CHANGE_ID_BYTES or change.id[8:] != suffix:
        return "change id"
    if len(change.record) != RECORD_BYTES or change.importance not in (1, 2, 3, 4):
        return "record or importance"
    if not _is_kind(change.kind):
        return "kind"
    fault = _base_fault(change)
    if fault:
        return fault
    open_envelope = change.kind.startswith(OPEN_KINDS)
    if len(change.key_id) != (0 if open_envelope else 16) or not change.body:
        return "key id or body"
    return None


@lru_cache(1024)  # a school has some dozens, and every change names one
def _is_kind(kind: str) -> bool:
    return kind.isascii() and 0 < len(kind) <= 48 and kind.replace(".", "a").isidentifier()


def _base_fault(change: Change) -> str | None:
    if len(change.base) > 64:
        return "base"
    future = None
    for base in change.base:
        if len(base) != CHANGE_ID_BYTES:
            return "base"
        if base[8:16] == change.id[8:16] and base[:8] >= change.id[:8]:
            future = "base of the future"  # two changes of one site that replace each other would hide a record
    return future
