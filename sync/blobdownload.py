"""One sealed document on its way out of a store.

Invariant: it gets its name in `blobs/` only when its SHA-256 as a whole was verified; a part that came and fits
its hash is not asked for again, whatever dies in between. One step is at most one request.
"""

import os
from typing import BinaryIO, Final

from sync.blobmanifest import Manifest, altered, manifest_name, part_name, read_manifest
from sync.blobs import Blobs
from sync.errors import BlobAbsentError, BlobDamagedError, BlobFolderError
from sync.ids import Origin
from sync.stores import Store

SPARE_BYTES: Final = 128 * 2**20  # of the disk; what people enter needs it more than a document does


class Download:
    """Fetches one document that the site `origin` sent."""

    def __init__(
        self, blobs: Blobs, store: Store, origin: Origin, digest: bytes, spare_bytes: int = SPARE_BYTES
    ) -> None:
        self._blobs, self._store, self._origin, self._digest = blobs, store, origin, digest
        self._spare_bytes = spare_bytes
        self.proven = 0
        self.done = False
        self._manifest: Manifest | None = None

    @property
    def parts(self) -> int:
        """Return the number of parts; 0 before it is known."""
        return self._manifest.parts if self._manifest else 0

    def step(self) -> int:
        """Do the next thing and return how many bytes it moved.

        Raises BlobAbsentError, BlobAlteredError, BlobFolderError (no room), StoreUnreachableError,
        StoreRefusedError; the next step takes up after the last part that fits.
        """
        if self._manifest is None:
            return self._begin()
        if self.proven < self._manifest.parts:
            return self._part(self._manifest, self.proven)
        self._finish()
        return 0

    def _begin(self) -> int:
        if self._blobs.size(self._digest) is not None and self._is_here():
            self.done = True
            return 0
        data = self._store.get(manifest_name(self._origin, self._digest))
        if data is None:
            short = self._digest.hex()[:12]
            raise BlobAbsentError(
                operation="fetch document", subject=self._digest.hex(), retry_safe=True, blob=short
            )
        manifest = read_manifest(data, self._digest)
        with self._blobs.resume(self._digest) as incoming:
            self.proven = _fitting(incoming.file, manifest)
        self._need_room(manifest.size - self.proven * manifest.part_bytes)
        self._manifest = manifest
        return len(data)

    def _part(self, manifest: Manifest, number: int) -> int:
        data = self._store.get(part_name(self._origin, self._digest, number))
        if data is None or not manifest.fits(number, data):
            self._manifest = None  # it may be the manifest that lies
            raise altered("fetch document", self._digest)
        with self._blobs.resume(self._digest) as incoming:
            _write_at(incoming.file, number * manifest.part_bytes, data)
        self.proven += 1
        return len(data)

    def _finish(self) -> None:
        self._manifest = None  # whatever comes now, a next try begins by looking
        try:
            with self._blobs.resume(self._digest) as incoming:
                incoming.keep(self._digest)
        except BlobDamagedError as exc:  # every part fits the manifest: so the manifest is of another document
            self._blobs.drop_part(self._digest)
            self.proven = 0
            raise altered("fetch document", self._digest, exc) from exc
        self.done = True

    def _is_here(self) -> bool:
        """Say whether the document is here and whole; a damaged one is fetched again, over what stands there."""
        try:
            with self._blobs.open(self._digest):
                return True
        except BlobDamagedError:
            return False

    def _need_room(self, size: int) -> None:
        disk = os.statvfs(self._blobs.folder)
        if disk.f_bavail * disk.f_frsize < size + self._spare_bytes:
            raise BlobFolderError(operation="fetch document", subject="no room", retry_safe=True)


def _fitting(file: BinaryIO, manifest: Manifest) -> int:
    """Return how many parts stand whole in a file from its begin, and cut off what follows them."""
    number = 0
    try:
        while number < manifest.parts and manifest.fits(number, file.read(manifest.part_size(number))):
            number += 1
        file.truncate(number * manifest.part_bytes if number < manifest.parts else manifest.size)
    except OSError as exc:
        raise BlobFolderError(operation="read document", subject="part", retry_safe=True, cause=exc) from exc
    return number


def _write_at(file: BinaryIO, place: int, data: bytes) -> None:
    try:
        file.seek(place)
        written = file.write(data)
    except OSError as exc:
        raise BlobFolderError(operation="store document", subject="part", retry_safe=True, cause=exc) from exc
    if written != len(data):
        raise BlobFolderError(operation="store document", subject="short write", retry_safe=True)
