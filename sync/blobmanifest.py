"""How a sealed document lies in a store: parts of one size, and a manifest that is written after all of them.

Invariant: the name of every object holds the SHA-256 of the whole document, so parts of two documents never share
a name, and sending a part again sends the same bytes. A manifest is believed only as far as the document's own
SHA-256 bears it out. Format: docs/formats.md, "Document in a store".
"""

from hashlib import sha256
from typing import BinaryIO, Final

import msgspec

from sync.blobs import DIGEST_BYTES
from sync.errors import BlobAlteredError, BlobDamagedError
from sync.ids import Origin

VERSION: Final = 1
PART_BYTES: Final = 64 * 1024  # so long may what people enter have to share the line: 0.5 s of 1 Mbit/s
MAX_BLOB_BYTES: Final = 256 * 2**20  # above the largest sealed document
_PART_SIZES: Final = tuple(2**power for power in range(10, 23))


class Manifest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`hashes` is the SHA-256 of each part, one after the other; only the last part may be shorter."""

    sha256: bytes
    size: int
    part_bytes: int
    hashes: bytes

    @property
    def parts(self) -> int:
        """Return the number of parts."""
        return -(-self.size // self.part_bytes)

    def part_size(self, number: int) -> int:
        """Return the bytes of a part, counted from 0."""
        return min(self.part_bytes, self.size - number * self.part_bytes)

    def fits(self, number: int, data: bytes) -> bool:
        """Say whether these are the bytes of a part."""
        wanted = self.hashes[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]
        return len(data) == self.part_size(number) and sha256(data).digest() == wanted


def blob_prefix(origin: Origin, digest: bytes) -> str:
    """Return where a site's copy of a document lies."""
    return f"{origin.prefix}/blobs/{digest.hex()}"


def part_name(origin: Origin, digest: bytes, number: int) -> str:
    """Return the name of a part's object."""
    return f"{blob_prefix(origin, digest)}/{number:06d}"


def manifest_name(origin: Origin, digest: bytes) -> str:
    """Return the name of the manifest's object."""
    return f"{blob_prefix(origin, digest)}/manifest"


def manifest_of(file: BinaryIO, digest: bytes, part_bytes: int = PART_BYTES) -> Manifest:
    """Read a document to its end and describe it; raises BlobDamagedError when it is not what its name says."""
    whole, hashes, size = sha256(), bytearray(), 0
    while data := file.read(part_bytes):
        whole.update(data)
        hashes += sha256(data).digest()
        size += len(data)
    if whole.digest() != digest or not 0 < size <= MAX_BLOB_BYTES:
        raise BlobDamagedError(operation="read document", subject=digest.hex(), blob=digest.hex()[:12])
    return Manifest(digest, size, part_bytes, bytes(hashes))


def write_manifest(manifest: Manifest) -> bytes:
    """Return a manifest's bytes."""
    return bytes((VERSION,)) + msgspec.msgpack.encode(manifest)


def read_manifest(data: bytes, digest: bytes) -> Manifest:
    """Return a document's manifest; raises BlobAlteredError for anything that cannot be one."""
    try:
        if data[:1] != bytes((VERSION,)):
            raise ValueError("version")
        manifest = msgspec.msgpack.decode(data[1:], type=Manifest)
        if manifest.sha256 != digest or manifest.part_bytes not in _PART_SIZES:
            raise ValueError("document or size of parts")
        if not 0 < manifest.size <= MAX_BLOB_BYTES or len(manifest.hashes) != manifest.parts * DIGEST_BYTES:
            raise ValueError("size")
    except (msgspec.DecodeError, ValueError) as exc:
        raise altered("read manifest", digest, exc) from exc
    return manifest


def altered(operation: str, digest: bytes, cause: BaseException | None = None) -> BlobAlteredError:
    """Return the failure of a store that gives other bytes than were sent."""
    short = digest.hex()[:12]
    return BlobAlteredError(operation=operation, subject=digest.hex(), retry_safe=True, cause=cause, blob=short)
