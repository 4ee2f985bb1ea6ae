"""Open envelopes: the kinds that carry no sealed data (keys, people, checkpoints), and their record ids.

Invariant: what stands here is either encrypted or signed by itself (certificate, wrap, batch header, roster,
checkpoint), so it may lie open in the store. Ids are plain hashes; they are no secret.
"""

from typing import TYPE_CHECKING, Final

from crypto.importance import Importance
from sync.change import Change
from sync.ids import Origin, Site, public_record

if TYPE_CHECKING:  # `kurabako status` names kinds and needs no ciphers, which take their time to be imported
    from crypto.classkeys import ClassKeyId

CLASS_KEY: Final = "key.class"
WRAP: Final = "key.wrap"
BATCH_KEY: Final = "key.batch"
PEOPLE: Final = "people.roster"
CHECKPOINT: Final = "site.checkpoint"
COUNTERSIGN: Final = "site.countersign"
GRANT: Final = "people.grant"
LEASE: Final = "site.lease"  # signed by itself
LEASE_KEY: Final = "site.lease_key"  # a box's public half
SITE_LOCK: Final = "site.lock"  # a wrap locked to a lease key, by the hub …
BOARD_LOCK: Final = "key.lock"  # … or by the board when it lets somebody in
ESCROW: Final = "key.escrow"
POST_KEY: Final = "site.post_key"  # what the board seals to that is for one box alone: the public half
POST: Final = "key.identity"  # a sealed identity on its way to a box
COPY: Final = "site.copy"  # which sealed document every site of the school keeps a copy of
SITE_KINDS: Final = frozenset(
    (CHECKPOINT, COUNTERSIGN, LEASE, LEASE_KEY, SITE_LOCK, POST_KEY)
)  # what sites say to each other
BOARD_KINDS: Final = frozenset(
    (CLASS_KEY, WRAP, PEOPLE, GRANT, BOARD_LOCK, ESCROW, COPY, POST)
)  # what the board alone may change

LOCKED: Final = frozenset((Importance.I, Importance.II))  # what a box opens only under a lease


def class_key_record(key: "ClassKeyId") -> bytes:
    """Return the record of a class key's certificate."""
    return public_record(CLASS_KEY, key.to_bytes())


def wrap_record(key: "ClassKeyId", person: bytes) -> bytes:
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


def lease_record(box: Origin) -> bytes:
    """Return the record of a box's leases."""
    return public_record(LEASE, box.tag)


def lease_key_record(box: Origin) -> bytes:
    """Return the record of the lease keys that a box made."""
    return public_record(LEASE_KEY, box.tag)


def lock_record(kind: str, key: "ClassKeyId", person: bytes, box: Origin) -> bytes:
    """Return the record of one person's lock at a box; `kind` is BOARD_LOCK or SITE_LOCK."""
    return public_record(kind, key.to_bytes(), person, box.tag)


def escrow_record(key: "ClassKeyId", person: bytes) -> bytes:
    """Return the record of the escrow of one person's wrap."""
    return public_record(ESCROW, key.to_bytes(), person)


def post_key_record(box: Origin) -> bytes:
    """Return the record of the key that a box is sent things under."""
    return public_record(POST_KEY, box.tag)


def post_record(box: Origin, login: str) -> bytes:
    """Return the record of what the board sends to one login of a box."""
    return public_record(POST, box.tag, login.encode())


def copy_record(digest: bytes) -> bytes:
    """Return the record that says of a sealed document that every site keeps a copy."""
    return public_record(COPY, digest)


def open_change(change_id: bytes, kind: str, record: bytes, base: tuple[bytes, ...], body: bytes) -> Change:
    """Return an unsealed change. Its importance is IV: what it holds protects itself."""
    return Change(change_id, kind, record, base, Importance.IV, b"", body)
