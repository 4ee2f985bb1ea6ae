"""The hybrid seal, opened again by hand from RFC 9180 and docs/formats.md.

Invariant: only ML-KEM, X25519, SHA-3, HMAC and AES-GCM are taken from libraries, so a change of the HPKE draft in
`cryptography` that would make old blobs unreadable shows here and in the stored vectors.
"""

import hmac
from hashlib import sha3_256

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.crypto.running import Vector, load

KEM, KDF, AEAD = 0x647A, 0x0001, 0x0002
SUITE_ID = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (KEM, KDF, AEAD))
LABEL = b"\\.//^\\"
POSITIVE = [vector for vector in load() if vector.format == "hybrid" and vector.failure is None]


def _extract(salt: bytes, label: bytes, key: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE_ID + label + key, "sha256")


def _expand(secret: bytes, label: bytes, info: bytes, size: int) -> bytes:
    """Expand to at most one block of HMAC-SHA256, which is all that HPKE needs here."""
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + SUITE_ID + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:size]


def _decapsulate(private: bytes, encapsulated: bytes) -> bytes:
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64])
    curve = X25519PrivateKey.from_private_bytes(private[64:])
    point = encapsulated[1088:]
    shared = mlkem.decapsulate(encapsulated[:1088])
    agreed = curve.exchange(X25519PublicKey.from_public_bytes(point))
    return sha3_256(shared + agreed + point + curve.public_key().public_bytes_raw() + LABEL).digest()


def _open(private: bytes, sealed: bytes, info: bytes) -> bytes:
    shared = _decapsulate(private, sealed[2:1122])
    context = b"\x00" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", info)
    secret = _extract(shared, b"secret", b"")
    key, nonce = _expand(secret, b"key", context, 32), _expand(secret, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, sealed[1122:], b"")


@pytest.mark.parametrize("vector", POSITIVE, ids=[vector.name for vector in POSITIVE])
def test_hybrid_vector_opens_by_hand(vector: Vector) -> None:
    given = {name: bytes.fromhex(value) for name, value in vector.inputs.items()}
    assert [_open(given["private"], given["sealed"], given["info"]).hex()] == vector.values


def test_there_are_hybrid_vectors() -> None:
    assert POSITIVE
