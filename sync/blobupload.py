"""One sealed document on its way into a store.

Invariant: a part counts as proven only when the store was read back and gave its bytes; the manifest is written
after every part was proven, and only its read-back makes the document sent. One step is at most one request.
"""

from sync.blobmanifest import (
    PART_BYTES,
    Manifest,
    altered,
    blob_prefix,
    manifest_name,
    manifest_of,
    part_name,
    write_manifest,
)
from sync.blobs import Blobs
from sync.errors import BlobDamagedError
from sync.ids import Origin
from sync.stores import Store


class Upload:
    """Sends one document; `proven` parts were read back in an earlier life."""

    def __init__(
        self,
        blobs: Blobs,
        store: Store,
        origin: Origin,
        digest: bytes,
        proven: int = 0,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._blobs, self._store, self._origin, self._digest = blobs, store, origin, digest
        self.part_bytes = part_bytes
        self.proven = proven
        self.done = False
        self._manifest: Manifest | None = None
        self._there: dict[str, int] | None = None
        self._stored = self._whole = False

    @property
    def parts(self) -> int:
        """Return the number of parts; 0 before it was looked."""
        return self._manifest.parts if self._manifest else 0

    def step(self) -> int:
        """Do the next thing and return how many bytes it moved.

        Raises BlobMissingError, BlobDamagedError (here), BlobAlteredError (there), StoreUnreachableError,
        StoreRefusedError; the next step takes up where the last proof was.
        """
        if self._manifest is None:
            with self._blobs.open_unproven(self._digest) as file:
                self._manifest = manifest_of(file, self._digest, self.part_bytes)
            self.proven = min(self.proven, self._manifest.parts)
            return 0
        if self._there is None:  # what an earlier life stored and did not live to prove need not go again
            self._there = self._store.sizes(blob_prefix(self._origin, self._digest))
            return 0
        if self.proven < self._manifest.parts:
            return self._part(self._manifest, self._there)
        if not self._whole:
            return self._look_at_all(self._manifest)
        return self._close(write_manifest(self._manifest))

    def _part(self, manifest: Manifest, there: dict[str, int]) -> int:
        number = self.proven
        name, size = part_name(self._origin, self._digest, number), manifest.part_size(number)
        if not self._stored:
            if there.pop(name, None) != size:
                self._store.put(name, self._bytes(manifest, number))
                self._stored = True
                return size
            self._stored = True
        data = self._store.get(name)
        self._stored = False  # a part that fails its proof goes again
        if not manifest.fits(number, data or b""):
            raise altered("read back document", self._digest)
        self.proven += 1
        return size

    def _look_at_all(self, manifest: Manifest) -> int:
        """See that no part went since it was proven, before the manifest says that they are all there."""
        there = self._store.sizes(blob_prefix(self._origin, self._digest))
        for number in range(manifest.parts):
            if there.get(part_name(self._origin, self._digest, number)) != manifest.part_size(number):
                self.proven, self._there = number, there
                raise altered("look for parts of document", self._digest)
        self._whole = True
        return 0

    def _close(self, data: bytes) -> int:
        name = manifest_name(self._origin, self._digest)
        if not self._stored:
            self._store.put(name, data)
            self._stored = True
            return len(data)
        there = self._store.get(name)
        self._stored = False
        if there != data:
            raise altered("read back manifest", self._digest)
        self.done = True
        return len(data)

    def _bytes(self, manifest: Manifest, number: int) -> bytes:
        with self._blobs.open_unproven(self._digest) as file:
            file.seek(number * manifest.part_bytes)
            data = file.read(manifest.part_size(number))
        if not manifest.fits(number, data):
            self._manifest = None  # read the whole again before anything more goes
            raise BlobDamagedError(
                operation="read document", subject=self._digest.hex(), blob=self._digest.hex()[:12]
            )
        return data
