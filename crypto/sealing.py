"""Row sealing: one AES-256-GCM blob for each row × importance.

Invariant: a blob opens only at its own place; school, importance, batch key, kind, record and change id are
bound as associated data. Its length tells the plaintext's length only in steps of 64 bytes.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag

from crypto.batchkeys import ROW_VERSION, SEAL_LIMIT, BatchKey
from crypto.errors import MalformedError, OpenFailedError, SealBudgetError, UnknownVersionError

BLOCK: Final = 64
NONCE_BYTES: Final = 12
_OVERHEAD: Final = 1 + NONCE_BYTES + 16
_HEAD: Final = bytes((ROW_VERSION,))
_PADDING: Final = b"\x80" + bytes(BLOCK - 1)
_16: Final = (16).to_bytes(4, "big")
_24: Final = (24).to_bytes(4, "big")


def seal_row(key: BatchKey, kind: str, record: bytes, change_id: bytes, plaintext: bytes) -> bytes:
    """Seal a row: version, nonce (12 random bytes), ciphertext of the padded plaintext, tag.

    `record` is 16 bytes and `change_id` 24. Raises SealBudgetError when the batch key is used up.
    """
    if key.seals >= SEAL_LIMIT:
        raise SealBudgetError(operation="seal row")
    key.seals += 1
    nonce = os.urandom(NONCE_BYTES)
    padded = plaintext + _PADDING[: BLOCK - len(plaintext) % BLOCK]
    return _HEAD + nonce + key.aead.encrypt(nonce, padded, _bound(key, kind, record, change_id))


def open_row(key: BatchKey, kind: str, record: bytes, change_id: bytes, sealed: bytes) -> bytes:
    """Open a row at its place; raises MalformedError, UnknownVersionError, OpenFailedError."""
    size = len(sealed) - _OVERHEAD
    if size < BLOCK or size % BLOCK:
        raise MalformedError(operation="open row", subject=f"{len(sealed)} bytes")
    if sealed[0] != ROW_VERSION:
        raise UnknownVersionError(operation="open row", subject=f"version {sealed[0]}", version=sealed[0])
    try:
        padded = key.aead.decrypt(sealed[1:13], sealed[13:], _bound(key, kind, record, change_id))
    except InvalidTag as exc:
        raise OpenFailedError(operation="open row", subject=kind, cause=exc) from exc
    plaintext = padded.rstrip(b"\x00")
    if not plaintext.endswith(b"\x80") or len(padded) - len(plaintext) >= BLOCK:
        raise MalformedError(operation="open row", subject="padding")
    return plaintext[:-1]


def _bound(key: BatchKey, kind: str, record: bytes, change_id: bytes) -> bytes:
    """Return frame(version, school, importance, key id, kind, record, change id), written out for speed."""
    if len(record) != 16 or len(change_id) != 24:
        raise MalformedError(operation="bind row", subject=kind)
    name = kind.encode()
    return b"".join((key.prefix, len(name).to_bytes(4, "big"), name, _16, record, _24, change_id))
