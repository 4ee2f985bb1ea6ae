"""Open envelopes: the kinds that carry no sealed data (keys, people, checkpoints), and their record ids.

Invariant: what stands here is either encrypted or signed by itself (certificate, wrap, batch header, roster,
checkpoint), so it may lie open in the store. Ids are plain hashes; they are no secret.
"""

from typing import Final

from crypto.classkeys import ClassKeyId
from crypto.importance import Importance
from sync.change import Change
from sync.ids import Origin, Site, public_record

CLASS_KEY: Final = "key.class"
WRAP: Final = "key.wrap"
BATCH_KEY: Final = "key.batch"
PEOPLE: Final = "people.roster"
CHECKPOINT: Final = "site.checkpoint"
COUNTERSIGN: Final = "site.countersign"
GRANT: Final = "people.grant"
SITE_KINDS: Final = frozenset((CHECKPOINT, COUNTERSIGN))  # what sites say to each other
BOARD_KINDS: Final = frozenset((CLASS_KEY, WRAP, PEOPLE, GRANT))  # what the board alone may change


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


def countersign_record(signer: Origin, signed: Origin) -> bytes:
    """Return the record of what one site countersigned of another's log."""
    return public_record(COUNTERSIGN, signer.tag, signed.tag)


def grant_record(school: str, site: Site) -> bytes:
    """Return the record of the grants of a school's site: one for each epoch, in its history."""
    return public_record(GRANT, school.encode(), site.encode())


def open_change(change_id: bytes, kind: str, record: bytes, base: tuple[bytes, ...], body: bytes) -> Change:
    """Return an unsealed change. Its importance is IV: what it holds protects itself."""
    return Change(change_id, kind, record, base, Importance.IV, b"", body)
