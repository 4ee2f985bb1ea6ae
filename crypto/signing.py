"""Ed25519 signatures with a domain in front of every message.

Invariant: a signature made for one purpose never verifies for another, because the domain is signed too.
"""

import base64
import contextlib
from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.errors import BadSignatureError, MalformedError
from crypto.framing import frame
from crypto.secret import Secret

SIGNATURE_BYTES = 64
KEY_BYTES = 32


class VerifyKey:
    """The public half."""

    __slots__ = ("_key", "_raw")

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self._raw = key.public_bytes_raw()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "VerifyKey":
        """Load 32 bytes; raises MalformedError."""
        if len(raw) != KEY_BYTES:
            raise MalformedError(operation="load verify key", subject=f"{len(raw)} bytes")
        return cls(Ed25519PublicKey.from_public_bytes(raw))

    def to_bytes(self) -> bytes:
        """Return the 32 bytes of the key."""
        return self._raw

    def verify(self, domain: str, message: bytes, signature: bytes) -> None:
        """Return if the signature is this key's over the message in this domain; raises BadSignatureError."""
        try:
            self._key.verify(signature, frame(domain.encode(), message))
        except InvalidSignature as exc:
            raise BadSignatureError(operation="verify signature", subject=domain, cause=exc) from exc

    @property
    def fingerprint(self) -> str:
        """Return 20 characters in groups of four, fit to be read over a telephone."""
        text = base64.b32encode(sha256(self._raw).digest()).decode()[:20]
        return "-".join(text[i : i + 4] for i in range(0, 20, 4))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"<VerifyKey {self.fingerprint}>"


class Verifier(Protocol):
    """Whatever can check a signature: one key, or all that somebody had."""

    def verify(self, domain: str, message: bytes, signature: bytes) -> None:
        """Return if the signature fits the message in this domain; raises BadSignatureError."""
        ...


class VerifyKeys:
    """The keys that one person had one after another; a signature by any of them is theirs."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[VerifyKey]) -> None:
        self._keys = tuple(dict.fromkeys(keys))

    def verify(self, domain: str, message: bytes, signature: bytes) -> None:
        """Return if the signature is by one of the keys; raises BadSignatureError."""
        for key in self._keys[:-1]:
            with contextlib.suppress(BadSignatureError):
                key.verify(domain, message, signature)
                return self._try_first(key)
        self._keys[-1].verify(domain, message, signature)
        return self._try_first(self._keys[-1])

    def _try_first(self, key: VerifyKey) -> None:
        """Begin with this key the next time: what is read one after the other is mostly signed by one of them."""
        if key is not self._keys[0]:
            self._keys = (key, *(other for other in self._keys if other is not key))


class SigningKey:
    """The private half."""

    __slots__ = ("_key", "verify_key")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verify_key = VerifyKey(key.public_key())

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: Secret) -> "SigningKey":
        """Load 32 secret bytes; raises MalformedError."""
        if len(raw) != KEY_BYTES:
            raise MalformedError(operation="load signing key", subject=f"{len(raw)} bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(raw.reveal()))

    def to_bytes(self) -> Secret:
        """Return the 32 secret bytes."""
        return Secret(self._key.private_bytes_raw())

    def sign(self, domain: str, message: bytes) -> bytes:
        """Sign a message in a domain; 64 bytes."""
        return self._key.sign(frame(domain.encode(), message))

    def sign_foreign(self, message: bytes) -> bytes:
        """Sign bytes of a format that is not ours and has no domain; such a key signs nothing else. 64 bytes."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return "<redacted>"
