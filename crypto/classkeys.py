"""Class keys: one key pair per school × importance × key epoch, and its wraps, one for each cleared person.

Invariant: a class key is believed only with a certificate signed by the board's root key, and an opened wrap
only when it fits that certificate; so whoever can write to the store cannot slip in a key of their own.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from crypto.errors import ContextMismatchError, MalformedError
from crypto.framing import frame, unframe
from crypto.hybrid import (
    PRIVATE_BYTES,
    HybridPrivateKey,
    HybridPublicKey,
    hybrid_open,
    hybrid_seal,
)
from crypto.importance import Importance
from crypto.secret import Secret
from crypto.signedform import versioned
from crypto.signing import SigningKey, VerifyKey

VERSION: Final = 1
CERTIFICATE_DOMAIN: Final = "kurabako/class-key/v1"
WRAP_DOMAIN: Final = b"kurabako/wrap/v1"
NAMING_DOMAIN: Final = b"kurabako/naming/v1"
NAMING_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ClassKeyId:
    """Which class key: school code, importance, key epoch (from 1)."""

    school: str
    importance: Importance
    key_epoch: int

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        return frame(self.school.encode(), bytes((self.importance,)), self.key_epoch.to_bytes(4, "big"))

    @classmethod
    def from_bytes(cls, raw: bytes) -> "ClassKeyId":
        """Read the canonical bytes; raises MalformedError."""
        school, importance, key_epoch = unframe(raw, 3)
        if len(importance) != 1 or importance[0] not in (1, 2, 3, 4) or len(key_epoch) != 4:
            raise MalformedError(operation="read class key id")
        try:
            return cls(school.decode(), Importance(importance[0]), int.from_bytes(key_epoch, "big"))
        except UnicodeDecodeError as exc:
            raise MalformedError(operation="read class key id", cause=exc) from exc


@dataclass(frozen=True, slots=True)
class ClassPublic:
    """The public half: what the hub, the inbox and every writer may have. `naming` is a commitment."""

    id: ClassKeyId
    key: HybridPublicKey
    naming: bytes


@dataclass(frozen=True, slots=True)
class ClassKeyPair:
    """The private half with the naming secret, which is the same in every key epoch of one importance."""

    id: ClassKeyId
    private: HybridPrivateKey
    naming: Secret

    @classmethod
    def generate(cls, id: ClassKeyId, naming: Secret | None = None) -> "ClassKeyPair":  # noqa: A002 - field name
        """Make a new pair; give the former epoch's naming secret when a key is rotated."""
        return cls(id, HybridPrivateKey.generate(), naming or Secret(os.urandom(NAMING_BYTES)))

    @property
    def public(self) -> ClassPublic:
        """Return the public half."""
        return ClassPublic(self.id, self.private.public, naming_commitment(self.naming))

    def record_id(self, kind: str, *natural: str) -> bytes:
        """Return the 16-byte record id of a thing that has a natural key, such as (pupil, date).

        Two sites that enter the same thing name the same record, so they meet as a conflict and not as two
        records; without the naming secret the id cannot be told from random bytes.
        """
        return record_id(self.naming, kind, *natural)


def record_id(naming: Secret, kind: str, *natural: str) -> bytes:
    """Return HMAC-SHA256 over the framed kind and natural key, cut to 16 bytes."""
    pieces = []
    for part in (kind, *natural):  # frame(), written out for speed
        raw = part.encode()
        pieces.append(len(raw).to_bytes(4, "big"))
        pieces.append(raw)
    return hmac.digest(naming.reveal(), b"".join(pieces), "sha256")[:16]


def naming_commitment(naming: Secret) -> bytes:
    """Return the 32-byte commitment to a naming secret that stands in the certificate."""
    return sha256(frame(NAMING_DOMAIN, naming.reveal())).digest()


def certify_class_key(public: ClassPublic, root: SigningKey) -> bytes:
    """Certify a class key: version, id, public key, naming commitment, signature of the board's root."""
    body = frame(public.id.to_bytes(), public.key.to_bytes(), public.naming)
    signature = root.sign(CERTIFICATE_DOMAIN, bytes((VERSION,)) + body)
    return bytes((VERSION,)) + frame(body, signature)


def open_class_certificate(blob: bytes, root: VerifyKey) -> ClassPublic:
    """Check and read a certificate; raises UnknownVersionError, MalformedError, BadSignatureError."""
    body, signature = unframe(versioned(blob, VERSION, "read class certificate"), 2)
    root.verify(CERTIFICATE_DOMAIN, bytes((VERSION,)) + body, signature)
    key_id, key, naming = unframe(body, 3)
    return ClassPublic(ClassKeyId.from_bytes(key_id), HybridPublicKey.from_bytes(key), naming)


@dataclass(frozen=True, slots=True)
class WrapHeader:
    """What a wrap says in clear: which class key, for whom (16-byte person id)."""

    class_key: ClassKeyId
    person: bytes


def wrap_class_key(pair: ClassKeyPair, person: bytes, person_key: HybridPublicKey) -> bytes:
    """Encrypt a class key to one person: version, class key id, person, hybrid seal."""
    key_id = pair.id.to_bytes()
    secret = pair.private.to_bytes().reveal() + pair.naming.reveal()
    sealed = hybrid_seal(person_key, secret, frame(WRAP_DOMAIN, key_id, person))
    return bytes((VERSION,)) + frame(key_id, person, sealed)


def read_wrap(blob: bytes) -> WrapHeader:
    """Read what a wrap says in clear; raises UnknownVersionError, MalformedError."""
    key_id, person, _ = unframe(versioned(blob, VERSION, "read wrap"), 3)
    return WrapHeader(ClassKeyId.from_bytes(key_id), person)


def open_wrap(blob: bytes, certified: ClassPublic, person: bytes, person_key: HybridPrivateKey) -> ClassKeyPair:
    """Open a wrap and check it against the certificate.

    Raises UnknownVersionError, MalformedError, ContextMismatchError (another class, person or key than
    certified), OpenFailedError.
    """
    key_id, owner, sealed = unframe(versioned(blob, VERSION, "read wrap"), 3)
    if key_id != certified.id.to_bytes() or owner != person:
        raise ContextMismatchError(operation="open wrap", subject="class key or person")
    secret = hybrid_open(person_key, sealed, frame(WRAP_DOMAIN, key_id, owner))
    if len(secret) != PRIVATE_BYTES + NAMING_BYTES:
        raise MalformedError(operation="open wrap", subject=f"{len(secret)} bytes")
    pair = ClassKeyPair(
        certified.id,
        HybridPrivateKey.from_bytes(Secret(secret[:PRIVATE_BYTES])),
        Secret(secret[PRIVATE_BYTES:]),
    )
    if pair.public != certified:
        raise ContextMismatchError(operation="open wrap", subject="certificate")
    return pair
