"""Batch keys: the symmetric keys that seal rows, each wrapped to a class public key.

Invariant: a batch key seals fewer than 2³¹ rows, and its header is signed by the person who made it; anyone
may add what only the cleared can read.
"""

import os
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.classkeys import ClassKeyId, ClassKeyPair, ClassPublic
from crypto.errors import ContextMismatchError, MalformedError
from crypto.framing import frame, unframe
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.secret import Secret
from crypto.signedform import versioned
from crypto.signing import SigningKey, Verifier

VERSION: Final = 1
HEADER_DOMAIN: Final = "kurabako/batch-key/v1"
ROW_VERSION: Final = 1
SEAL_LIMIT: Final = 2**31 - 1
ID_BYTES: Final = 16
_KEY_BYTES: Final = 32


@dataclass(slots=True)
class BatchKey:
    """An opened batch key. `prefix` is the constant head of every row's associated data."""

    id: bytes
    class_key: ClassKeyId
    secret: Secret
    seals: int = 0
    aead: AESGCM = field(init=False, repr=False)
    prefix: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.aead = AESGCM(self.secret.reveal())
        self.prefix = frame(
            bytes((ROW_VERSION,)),
            self.class_key.school.encode(),
            bytes((self.class_key.importance,)),
            self.id,
        )


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What a header says in clear: 16-byte key id, class key, 16-byte author."""

    id: bytes
    class_key: ClassKeyId
    author: bytes


def new_batch_key(public: ClassPublic, author: bytes, signer: SigningKey) -> tuple[BatchKey, bytes]:
    """Make a batch key and its signed header for a class public key."""
    key_id, secret = os.urandom(ID_BYTES), os.urandom(_KEY_BYTES)
    class_key = public.id.to_bytes()
    sealed = hybrid_seal(public.key, secret, _info(key_id, class_key, author))
    body = frame(key_id, class_key, author, sealed)
    signature = signer.sign(HEADER_DOMAIN, bytes((VERSION,)) + body)
    return BatchKey(key_id, public.id, Secret(secret)), bytes((VERSION,)) + frame(body, signature)


def read_batch_header(header: bytes) -> BatchHeader:
    """Read what a header says in clear; raises UnknownVersionError, MalformedError."""
    (key_id, class_key, author, _), _, _ = _split(header)
    return BatchHeader(key_id, ClassKeyId.from_bytes(class_key), author)


def open_batch_key(header: bytes, pair: ClassKeyPair, author_key: Verifier) -> BatchKey:
    """Check the author's signature and open the key.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError, OpenFailedError.
    """
    (key_id, class_key, author, sealed), body, signature = _split(header)
    author_key.verify(HEADER_DOMAIN, bytes((VERSION,)) + body, signature)
    if class_key != pair.id.to_bytes():
        raise ContextMismatchError(operation="open batch key", subject="class key")
    secret = hybrid_open(pair.private, sealed, _info(key_id, class_key, author))
    if len(secret) != _KEY_BYTES:
        raise MalformedError(operation="open batch key", subject=f"{len(secret)} bytes")
    return BatchKey(key_id, pair.id, Secret(secret))


def _info(key_id: bytes, class_key: bytes, author: bytes) -> bytes:
    return frame(HEADER_DOMAIN.encode(), key_id, class_key, author)


def _split(header: bytes) -> tuple[list[bytes], bytes, bytes]:
    body, signature = unframe(versioned(header, VERSION, "read batch header"), 2)
    parts = unframe(body, 4)
    if len(parts[0]) != ID_BYTES:
        raise MalformedError(operation="read batch header", subject="key id")
    return parts, body, signature
