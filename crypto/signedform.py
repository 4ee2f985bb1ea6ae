"""Signed forms: a version byte, then framed a msgpack body, its signature, and what else lies beside them.

Invariant: version and body are signed together, so neither counts without the other; what lies beside is not
signed, and a body that has such parts names their hashes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from crypto.errors import MalformedError, UnknownVersionError
from crypto.framing import frame, unframe
from crypto.signing import SigningKey, Verifier

T = TypeVar("T", bound=msgspec.Struct)


def versioned(blob: bytes, version: int, operation: str) -> bytes:
    """Return what follows a version byte; raises UnknownVersionError, MalformedError."""
    if not blob:
        raise MalformedError(operation=operation, subject="no bytes")
    if blob[0] != version:
        raise UnknownVersionError(operation=operation, subject=f"version {blob[0]}", version=blob[0])
    return blob[1:]


@dataclass(frozen=True, slots=True)
class SignedForm(Generic[T]):
    """One kind of signed form. `name` is what errors call it."""

    body: type[T]
    version: int
    domain: str
    name: str

    def sign(self, body: T, key: SigningKey, *beside: bytes) -> bytes:
        """Return the bytes of a form."""
        raw = msgspec.msgpack.encode(body)
        return bytes((self.version,)) + frame(raw, key.sign(self.domain, self._message(raw)), *beside)

    def open(self, blob: bytes, key: Verifier) -> T:
        """Check and read a form; raises UnknownVersionError, MalformedError, BadSignatureError."""
        return self.open_beside(blob, key, 0)[0]

    def open_beside(self, blob: bytes, key: Verifier, count: int) -> tuple[T, list[bytes]]:
        """Check and read a form with so many parts beside its body; raises as `open` does."""
        raw, signature, *beside = self._parts(blob, count)
        key.verify(self.domain, self._message(raw), signature)
        return self._read(raw), beside

    def open_by(self, blob: bytes, key_of: Callable[[T], Verifier]) -> T:
        """Check and read a form whose body names the key that signed it; raises as `open` and `key_of` do."""
        raw, signature = self._parts(blob, 0)
        body = self._read(raw)
        key_of(body).verify(self.domain, self._message(raw), signature)
        return body

    def _parts(self, blob: bytes, beside: int) -> list[bytes]:
        return unframe(versioned(blob, self.version, self._operation), 2 + beside)

    def _message(self, raw: bytes) -> bytes:
        return bytes((self.version,)) + raw

    def _read(self, raw: bytes) -> T:
        try:
            return msgspec.msgpack.decode(raw, type=self.body)
        except (msgspec.DecodeError, ValueError) as exc:  # bad UTF-8 is a ValueError, and no DecodeError
            raise MalformedError(operation=self._operation, cause=exc) from exc

    @property
    def _operation(self) -> str:
        return f"open {self.name}"
