"""Locks: a person's wrap of a class key, sealed once more to the lease key of the box that they work at.

Invariant: a lock opens only with the lease's private key and then only gives the wrap, which still needs the
person's own key; so whoever lacks either gets nothing. The wrap itself is handed on inside an escrow, which only
the hub opens: it can lock a wrap anew without being able to read the class key in it.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from crypto.classkeys import ClassKeyId, WrapHeader, read_wrap
from crypto.errors import ContextMismatchError, MalformedError
from crypto.framing import frame, unframe
from crypto.hybrid import HybridPrivateKey, HybridPublicKey, hybrid_open, hybrid_seal
from crypto.signedform import versioned

VERSION: Final = 1
LEASE_KEY_DOMAIN: Final = b"kurabako/lease-key/v1"
LOCK_DOMAIN: Final = b"kurabako/lock/v1"
ESCROW_DOMAIN: Final = b"kurabako/escrow/v1"
KEY_ID_BYTES: Final = 16


def lease_key_id(public: HybridPublicKey) -> bytes:
    """Return the 16-byte id of a lease key."""
    return sha256(frame(LEASE_KEY_DOMAIN, public.to_bytes())).digest()[:KEY_ID_BYTES]


def escrow_id(escrow: bytes) -> bytes:
    """Return the 16 bytes by which a lock names the escrow that its wrap came from."""
    return sha256(frame(ESCROW_DOMAIN, escrow)).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class LockHeader:
    """What a lock says in clear: class key, person, epoch of the box, lease key id, id of the escrow."""

    class_key: ClassKeyId
    person: bytes
    epoch: int
    lease_key: bytes
    escrow: bytes


def lock_wrap(wrap: bytes, epoch: int, lease: HybridPublicKey, escrow: bytes) -> bytes:
    """Lock a wrap to a box's lease key; `escrow` is the id of the escrow that holds the same wrap.

    Raises UnknownVersionError, MalformedError for what is no wrap.
    """
    told = read_wrap(wrap)
    context = (told.class_key.to_bytes(), told.person, epoch.to_bytes(4, "big"), lease_key_id(lease), escrow)
    sealed = hybrid_seal(lease, wrap, frame(LOCK_DOMAIN, *context))
    return bytes((VERSION,)) + frame(*context, sealed)


def read_lock(blob: bytes) -> LockHeader:
    """Read what a lock says in clear; raises UnknownVersionError, MalformedError."""
    return _lock(blob)[0]


def open_lock(blob: bytes, epoch: int, lease: HybridPrivateKey) -> bytes:
    """Return the wrap inside a lock.

    Raises UnknownVersionError, MalformedError, ContextMismatchError (another box, lease key or wrap),
    OpenFailedError.
    """
    header, context, sealed = _lock(blob)
    if header.epoch != epoch or header.lease_key != lease_key_id(lease.public):
        raise ContextMismatchError(operation="open lock", subject="box or lease key")
    wrap = hybrid_open(lease, sealed, frame(LOCK_DOMAIN, *context))
    if read_wrap(wrap) != WrapHeader(header.class_key, header.person):
        raise ContextMismatchError(operation="open lock", subject="wrap")
    return wrap


def seal_escrow(wrap: bytes, hub: HybridPublicKey) -> bytes:
    """Hand a wrap to the hub: version, class key id, person, hybrid seal. Raises as `read_wrap` does."""
    told = read_wrap(wrap)
    context = (told.class_key.to_bytes(), told.person)
    return bytes((VERSION,)) + frame(*context, hybrid_seal(hub, wrap, frame(ESCROW_DOMAIN, *context)))


def read_escrow(blob: bytes) -> WrapHeader:
    """Read what an escrow says in clear; raises UnknownVersionError, MalformedError."""
    key_id, person, _ = unframe(versioned(blob, VERSION, "read escrow"), 3)
    return WrapHeader(ClassKeyId.from_bytes(key_id), person)


def open_escrow(blob: bytes, hub: HybridPrivateKey) -> bytes:
    """Return the wrap inside an escrow.

    Raises UnknownVersionError, MalformedError, ContextMismatchError (another wrap than it says), OpenFailedError.
    """
    header = read_escrow(blob)
    key_id, person, sealed = unframe(blob[1:], 3)
    wrap = hybrid_open(hub, sealed, frame(ESCROW_DOMAIN, key_id, person))
    if read_wrap(wrap) != header:
        raise ContextMismatchError(operation="open escrow", subject="wrap")
    return wrap


def _lock(blob: bytes) -> tuple[LockHeader, list[bytes], bytes]:
    *context, sealed = unframe(versioned(blob, VERSION, "read lock"), 6)
    key_id, person, epoch, lease_key, escrow = context
    if len(epoch) != 4 or len(lease_key) != KEY_ID_BYTES or len(escrow) != KEY_ID_BYTES:
        raise MalformedError(operation="read lock")
    header = LockHeader(ClassKeyId.from_bytes(key_id), person, int.from_bytes(epoch, "big"), lease_key, escrow)
    return header, context, sealed
