"""Pair wraps: the board's root identity under two officers' keys at once, a seal inside a seal.

Invariant: a pair wrap opens with both private keys and fits the root's public key, or nothing comes out; each seal
names both officers, so neither half can be put into another pair. Any two of n open: one wrap for every pair.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from crypto.errors import ContextMismatchError, MalformedError
from crypto.framing import frame, unframe
from crypto.hybrid import HybridPublicKey, hybrid_open, hybrid_seal
from crypto.identity import PERSON_BYTES, Identity
from crypto.secret import Secret
from crypto.signedform import versioned
from crypto.signing import KEY_BYTES, VerifyKey

VERSION: Final = 1
DOMAIN: Final = b"kurabako/pair/v1"
_OUTER, _INNER = b"outer", b"inner"
_VERSION_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class PairHeader:
    """What a pair wrap says in clear: root key, version of the officers' roster, the two officers by id."""

    root: bytes
    version: int
    outer: bytes
    inner: bytes

    def context(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return the parts that both seals are bound to."""
        return self.root, self.version.to_bytes(_VERSION_BYTES, "big"), self.outer, self.inner


Holder = tuple[bytes, HybridPublicKey]
"""An officer: 16-byte person id and the key that wraps are made to."""


def wrap_for_pair(root: Identity, version: int, one: Holder, other: Holder) -> bytes:
    """Wrap the root identity for two officers; `version` is that of the roster that names them.

    Raises ContextMismatchError when both are the same officer, or hold the same key.
    """
    (outer, outer_key), (inner, inner_key) = sorted((one, other), key=lambda holder: holder[0])
    if outer == inner or outer_key == inner_key:
        raise ContextMismatchError(operation="wrap for pair", subject="one officer twice")
    header = PairHeader(root.sign.verify_key.to_bytes(), version, outer, inner)
    kept = hybrid_seal(inner_key, root.to_bytes().reveal(), _info(header, _INNER))
    sealed = hybrid_seal(outer_key, kept, _info(header, _OUTER))
    return bytes((VERSION,)) + frame(*header.context(), sealed)


def wrap_for_pairs(root: Identity, version: int, holders: Iterable[Holder]) -> list[bytes]:
    """Wrap the root identity for any two of the officers."""
    return [wrap_for_pair(root, version, one, other) for one, other in combinations(holders, 2)]


def read_pair(blob: bytes) -> PairHeader:
    """Read what a pair wrap says in clear; raises UnknownVersionError, MalformedError."""
    return _pair(blob)[0]


def open_pair(blob: bytes, root: VerifyKey, version: int, one: Identity, other: Identity) -> Identity:
    """Return the root identity inside a pair wrap, with both officers' keys, in either order.

    Raises UnknownVersionError, MalformedError, ContextMismatchError (another board, roster or pair, or another
    root inside than outside), OpenFailedError.
    """
    header, sealed = _pair(blob)
    outer, inner = sorted((one, other), key=lambda officer: officer.person)
    expected = PairHeader(root.to_bytes(), version, outer.person, inner.person)
    if header != expected:
        raise ContextMismatchError(operation="open pair wrap", subject="board, roster or pair")
    kept = hybrid_open(outer.seal, sealed, _info(header, _OUTER))
    opened = Identity.from_bytes(Secret(hybrid_open(inner.seal, kept, _info(header, _INNER))))
    if opened.sign.verify_key != root:
        raise ContextMismatchError(operation="open pair wrap", subject="root")
    return opened


def _info(header: PairHeader, layer: bytes) -> bytes:
    return frame(DOMAIN, *header.context(), layer)


def _pair(blob: bytes) -> tuple[PairHeader, bytes]:
    root, version, outer, inner, sealed = unframe(versioned(blob, VERSION, "read pair wrap"), 5)
    sizes = (len(root), len(version), len(outer), len(inner))
    if sizes != (KEY_BYTES, _VERSION_BYTES, PERSON_BYTES, PERSON_BYTES) or outer >= inner:
        raise MalformedError(operation="read pair wrap")
    return PairHeader(root, int.from_bytes(version, "big"), outer, inner), sealed
