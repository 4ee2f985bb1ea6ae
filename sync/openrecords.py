"""Open envelopes: the kinds that carry no sealed data (keys, people, checkpoints), and their record ids.

Invariant: what stands here is either encrypted or signed by itself (certificate, wrap, batch header, roster,
checkpoint), so it may lie open in the store. Ids are plain hashes; they are no secret.
"""

from typing import Final

from crypto.classkeys import ClassKeyId
from crypto.importance import Importance
from sync.change import Change
from sync.ids import Origin, public_record

CLASS_KEY: Final = "key.class"
WRAP: Final = "key.wrap"
BATCH_KEY: Final = "key.batch"
PEOPLE: Final = "people.roster"
CHECKPOINT: Final = "site.checkpoint"


def class_key_record(key: ClassKeyId) -> bytes:
    """Return the record of a class key's certificate."""
    return public_record(CLASS_KEY, key.to_bytes())


def wrap_record(key: ClassKeyId, person: bytes) -> bytes:
    """Return the record of one person's wrap of a class key."""
    return public_record(WRAP, key.to_bytes(), person)


def people_record(school: str) -> bytes:
    """Return the record of a school's roster of people."""
    return public_record(PEOPLE, school.encode())


def checkpoint_record(origin: Origin) -> bytes:
    """Return the record of a site's checkpoints."""
    return public_record(CHECKPOINT, origin.tag)


def open_change(change_id: bytes, kind: str, record: bytes, base: tuple[bytes, ...], body: bytes) -> Change:
    """Return an unsealed change. Its importance is IV: what it holds protects itself."""
    return Change(change_id, kind, record, base, Importance.IV, b"", body)
