"""A grant file: the board's answer to one box's request, with all that the box needs to begin.

Invariant: the board's root key signs which request it answers and the hashes of its two parts; the secret part
(the store's key pair, people's sealed identities) opens with that box's key alone. The store in it is ciphertext
as everywhere. So ICT support may carry the file and cannot read it, and no other box can use it.
"""

import zlib
from hashlib import sha256
from typing import Final

import msgspec

from crypto.errors import ContextMismatchError, MalformedError
from crypto.framing import frame
from crypto.hybrid import HybridPrivateKey, HybridPublicKey, hybrid_open, hybrid_seal
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, VerifyKey
from sync.ids import Origin, Site

VERSION: Final = 1
DOMAIN: Final = "kurabako/grant-file/v1"
SEAL_DOMAIN: Final = b"kurabako/grant-file-secrets/v1"
LARGEST_STORE: Final = 4 * 1024**3


class Place(msgspec.Struct, frozen=True, array_like=True):
    """How far the store holds another site's segments: number and hash of the last one."""

    site: str
    epoch: int
    number: int
    digest: bytes


class GrantHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a grant file says in clear. `config` is the box's kurabako.toml, `lease` the hub's signed lease."""

    school: str
    name: str
    epoch: int
    request: bytes
    config: str
    lease: bytes
    places: tuple[Place, ...]
    store_sha256: bytes
    secrets_sha256: bytes
    issued_ms: int

    @property
    def origin(self) -> Origin:
        """Return which life of which box it grants."""
        return Origin(self.school, Site.BOX, self.epoch)


class GrantSecrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only the box reads: the store's key pair, and sealed identities by login under one first pepper."""

    access_key: str
    secret_key: str
    first_pepper: bytes
    identities: dict[str, bytes]

    def __repr__(self) -> str:
        return "<redacted>"


class GrantFile:
    """A grant file whose signature was checked."""

    def __init__(self, head: GrantHead, sealed: bytes, packed: bytes) -> None:
        self.head = head
        self._sealed = sealed
        self._packed = packed

    def secrets(self, key: HybridPrivateKey) -> GrantSecrets:
        """Open the secret part; raises OpenFailedError for another box's key, MalformedError."""
        raw = hybrid_open(key, self._sealed, frame(SEAL_DOMAIN, self.head.request))
        try:
            return msgspec.msgpack.decode(raw, type=GrantSecrets)
        except (msgspec.DecodeError, ValueError):  # its text would quote what it reads
            raise MalformedError(operation="open grant file", subject="secrets") from None

    def store(self) -> bytes:
        """Return the store's database; raises MalformedError."""
        unpack = zlib.decompressobj()
        try:
            return unpack.decompress(self._packed, LARGEST_STORE)
        except zlib.error as exc:
            raise MalformedError(operation="open grant file", subject="store", cause=exc) from exc


_FORM: Final = SignedForm(GrantHead, VERSION, DOMAIN, "grant file")


def seal_secrets(secrets: GrantSecrets, to: HybridPublicKey, request: bytes) -> bytes:
    """Seal the secret part to a box, for the request of this digest."""
    return hybrid_seal(to, msgspec.msgpack.encode(secrets), frame(SEAL_DOMAIN, request))


def pack_store(store: bytes) -> bytes:
    """Return a store's database as it stands in a grant file."""
    return zlib.compress(store, 6)


def sign_grant_file(head: GrantHead, sealed: bytes, packed: bytes, root: SigningKey) -> bytes:
    """Return the bytes of a grant file; `head` must name the hashes of both parts."""
    return _FORM.sign(head, root, sealed, packed)


def open_grant_file(blob: bytes, root: VerifyKey, request: bytes) -> GrantFile:
    """Check and read a grant file that answers the request of this digest.

    Raises UnknownVersionError, MalformedError, BadSignatureError (not of this board), ContextMismatchError (it
    answers another request).
    """
    head, (sealed, packed) = _FORM.open_beside(blob, root, 2)
    if head.request != request:
        raise ContextMismatchError(operation="open grant file", subject="request")
    if sha256(sealed).digest() != head.secrets_sha256 or sha256(packed).digest() != head.store_sha256:
        raise MalformedError(operation="open grant file", subject="hashes")
    return GrantFile(head, sealed, packed)
