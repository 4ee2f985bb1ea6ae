"""An open plain file as sealing reads it.

Invariant: its digest is of exactly the bytes that were read since the begin, so of those that were sealed.
"""

import hashlib
import io
import os

from typing_extensions import Buffer


class Source(io.FileIO):
    """An open file that keeps the SHA-256 of what was read of it since it was last set to its begin."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "rb", closefd=False)
        self.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Set the position; what was read before counts no longer."""
        self._hash = hashlib.sha256()
        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most so many bytes, and count them."""
        data = super().read(-1 if size is None else size)
        self._hash.update(data)
        return data

    def readinto(self, buffer: Buffer, /) -> int:
        """Read into a buffer, and count it."""
        count = super().readinto(buffer)
        self._hash.update(memoryview(buffer)[:count])
        return count

    def digest(self) -> bytes:
        """Return the SHA-256 of what was read since."""
        return self._hash.digest()
