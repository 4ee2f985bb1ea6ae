"""A manifest describes one document, and nothing that cannot be one is taken for it."""

import io
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.blobmanifest import (
    MAX_BLOB_BYTES,
    Manifest,
    manifest_name,
    manifest_of,
    part_name,
    read_manifest,
    write_manifest,
)
from sync.errors import BlobAlteredError, BlobDamagedError
from sync.ids import Origin, Site
from sync.stores import key_names

ORIGIN: Final = Origin("C241200000011", Site.BOX, 3)
PART: Final = 1024
DATA: Final = os.urandom(2500)
DIGEST: Final = sha256(DATA).digest()
GOOD: Final = manifest_of(io.BytesIO(DATA), DIGEST, PART)


def changed(**more: object) -> bytes:
    return write_manifest(msgspec.structs.replace(GOOD, **more))


BAD: Final[dict[str, Callable[[], bytes]]] = {
    "empty": lambda: b"",
    "version alone": lambda: b"\x01",
    "another version": lambda: b"\x02" + write_manifest(GOOD)[1:],
    "cut": lambda: write_manifest(GOOD)[:-1],
    "appended": lambda: write_manifest(GOOD) + b"\0",
    "of another document": lambda: changed(sha256=bytes(32)),
    "no size": lambda: changed(size=0, hashes=b""),
    "negative size": lambda: changed(size=-1, hashes=b""),
    "too large": lambda: changed(size=MAX_BLOB_BYTES + 1, part_bytes=2**22, hashes=bytes(32 * 65)),
    "parts of no size": lambda: changed(part_bytes=0),
    "parts of an odd size": lambda: changed(part_bytes=1000),
    "parts too small": lambda: changed(part_bytes=512, hashes=bytes(32 * 5)),
    "parts too large": lambda: changed(part_bytes=2**23, hashes=bytes(32)),
    "a hash too few": lambda: changed(hashes=GOOD.hashes[32:]),
    "a hash too many": lambda: changed(hashes=GOOD.hashes + bytes(32)),
    "half a hash": lambda: changed(hashes=GOOD.hashes[:-16]),
    "a field more": lambda: b"\x01" + msgspec.msgpack.encode([*msgspec.structs.astuple(GOOD), 1]),
    "a field less": lambda: b"\x01" + msgspec.msgpack.encode(msgspec.structs.astuple(GOOD)[:-1]),
    "text": lambda: b"\x01" + msgspec.msgpack.encode("manifest"),
}


@given(st.binary(min_size=1, max_size=5000), st.sampled_from([1024, 2048]))
def test_a_document_is_described_part_by_part(data: bytes, part_bytes: int) -> None:
    digest = sha256(data).digest()
    manifest = manifest_of(io.BytesIO(data), digest, part_bytes)
    assert read_manifest(write_manifest(manifest), digest) == manifest
    parts = [data[start : start + part_bytes] for start in range(0, len(data), part_bytes)]
    assert manifest.parts == len(parts) and sum(map(manifest.part_size, range(manifest.parts))) == len(data)
    for number, part in enumerate(parts):
        assert manifest.fits(number, part)
        assert not manifest.fits(number, part + b"\0") and not manifest.fits(number, part[:-1])
        assert not manifest.fits(number, bytes((part[0] ^ 1,)) + part[1:])


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_manifest_is_refused(name: str) -> None:
    with pytest.raises(BlobAlteredError):
        read_manifest(BAD[name](), DIGEST)


@given(st.binary(max_size=300))
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(BlobAlteredError):
        read_manifest(data, DIGEST)


def test_a_document_that_is_not_what_its_name_says_is_described_by_nothing() -> None:
    for data in (DATA[:-1], DATA + b"\0", b""):
        with pytest.raises(BlobDamagedError):
            manifest_of(io.BytesIO(data), DIGEST, PART)
    with pytest.raises(BlobDamagedError):
        manifest_of(io.BytesIO(b""), sha256(b"").digest(), PART)


def test_objects_lie_below_the_sites_own_prefix() -> None:
    for name in (part_name(ORIGIN, DIGEST, 17), manifest_name(ORIGIN, DIGEST)):
        assert name.startswith(f"C241200000011/box/3/blobs/{DIGEST.hex()}/")
        assert key_names(name)
    assert part_name(ORIGIN, DIGEST, 17).endswith("/000017")


def test_the_manifest_of_the_largest_document_stays_small() -> None:
    parts = MAX_BLOB_BYTES // 65536
    assert len(write_manifest(Manifest(DIGEST, MAX_BLOB_BYTES, 65536, bytes(32 * parts)))) < 150_000
