"""A person's identity: one hybrid key pair and one signing key, sealed under a passphrase.

Invariant: the sealed form opens only with passphrase and pepper together. The cost of key derivation is one of a
few named profiles, never free numbers, so nobody can make a box spend memory or quietly weaken it.
"""

import os
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.errors import (
    BadPassphraseError,
    KdfCostError,
    MalformedError,
    UnknownVersionError,
    WrongPassphraseError,
)
from crypto.framing import frame
from crypto.hybrid import HybridPrivateKey, HybridPublicKey
from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey

VERSION: Final = 1
DOMAIN: Final = b"kurabako/identity/v1"
PERSON_BYTES: Final = 16
_SALT, _NONCE, _BODY, _TAG = 16, 12, PERSON_BYTES + 96 + 32, 16
SEALED_BYTES: Final = 2 + _SALT + _NONCE + _BODY + _TAG


class KdfProfile(IntEnum):
    """Argon2id cost. QUICK is for tests only: no command offers it."""

    STANDARD = 1
    QUICK = 2


_COST: Final = {KdfProfile.STANDARD: (262_144, 3, 2), KdfProfile.QUICK: (1_024, 1, 1)}  # KiB, passes, lanes


@dataclass(frozen=True, slots=True)
class PersonKeys:
    """The public half of an identity."""

    person: bytes
    seal: HybridPublicKey
    sign: VerifyKey


@dataclass(frozen=True, slots=True)
class Identity:
    """An opened identity: 16-byte person id and the two private keys."""

    person: bytes
    seal: HybridPrivateKey
    sign: SigningKey

    @classmethod
    def generate(cls, person: bytes) -> "Identity":
        """Make new keys for a person."""
        if len(person) != PERSON_BYTES:
            raise MalformedError(operation="make identity", subject=f"{len(person)} byte person id")
        return cls(person, HybridPrivateKey.generate(), SigningKey.generate())

    @classmethod
    def from_bytes(cls, raw: Secret) -> "Identity":
        """Load the 144 secret bytes that `to_bytes` gives; raises MalformedError."""
        if len(raw) != _BODY:
            raise MalformedError(operation="load identity", subject=f"{len(raw)} bytes")
        value = raw.reveal()
        return cls(
            value[:PERSON_BYTES],
            HybridPrivateKey.from_bytes(Secret(value[PERSON_BYTES:112])),
            SigningKey.from_bytes(Secret(value[112:])),
        )

    def to_bytes(self) -> Secret:
        """Return person id (16), private hybrid key (96) and private signing key (32)."""
        return Secret(self.person + self.seal.to_bytes().reveal() + self.sign.to_bytes().reveal())

    @property
    def public(self) -> PersonKeys:
        """Return the public half."""
        return PersonKeys(self.person, self.seal.public, self.sign.verify_key)


def seal_identity(
    identity: Identity, passphrase: str, pepper: Secret, profile: KdfProfile = KdfProfile.STANDARD
) -> bytes:
    """Seal an identity: version, profile, salt, nonce, ciphertext with tag (190 bytes).

    The passphrase is NFKC-normalised, so full-width typing opens what half-width typing sealed. Raises
    BadPassphraseError when it is empty or not text.
    """
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    body = identity.to_bytes().reveal()
    key = _derive(passphrase, pepper, salt, profile)
    head = bytes((VERSION, profile)) + salt + nonce
    return head + AESGCM(key).encrypt(nonce, body, frame(DOMAIN, head))


def open_identity(blob: bytes, passphrase: str, pepper: Secret) -> Identity:
    """Open a sealed identity.

    Raises MalformedError, UnknownVersionError, KdfCostError (all before any costly work), BadPassphraseError,
    WrongPassphraseError.
    """
    if len(blob) != SEALED_BYTES:
        raise MalformedError(operation="open identity", subject=f"{len(blob)} bytes")
    if blob[0] != VERSION:
        raise UnknownVersionError(operation="open identity", subject=f"version {blob[0]}", version=blob[0])
    if blob[1] not in _COST:
        raise KdfCostError(operation="open identity", subject=f"profile {blob[1]}", profile=blob[1])
    head, salt, nonce = blob[:30], blob[2:18], blob[18:30]
    key = _derive(passphrase, pepper, salt, KdfProfile(blob[1]))
    try:
        body = AESGCM(key).decrypt(nonce, blob[30:], frame(DOMAIN, head))
    except InvalidTag as exc:
        raise WrongPassphraseError(operation="open identity", retry_safe=True, cause=exc) from exc
    return Identity.from_bytes(Secret(body))


def _derive(passphrase: str, pepper: Secret, salt: bytes, profile: KdfProfile) -> bytes:
    try:
        normal = unicodedata.normalize("NFKC", passphrase).encode()
    except UnicodeEncodeError:  # bytes from a terminal that are no UTF-8; the cause would carry the passphrase
        normal = b""
    if not normal:
        raise BadPassphraseError(operation="derive key", retry_safe=True)
    memory_kib, passes, lanes = _COST[profile]
    kdf = Argon2id(
        salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib, secret=pepper.reveal()
    )
    return kdf.derive(normal)
