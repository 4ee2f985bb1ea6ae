"""Sealed documents on disk: files under `blobs/`, each named by the SHA-256 of its bytes.

Invariant: what stands under a name was whole and on disk before it got the name, and only sealed bytes are ever
given to this folder. A file that is still being written has a hidden name and a lock; without its lock it is a
remainder, and `sweep` removes it.
"""

import contextlib
import fcntl
import hashlib
import io
import os
import re
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from sync.atomic import sync_folder
from sync.errors import BlobDamagedError, BlobFolderError, BlobMissingError

DIGEST_BYTES: Final = 32
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_SHARD: Final = re.compile(r"[0-9a-f]{2}")
_NEW: Final = ".new-"
_PART: Final = ".part-"


class Incoming:
    """A blob that is being written. `file` takes sealed bytes and nothing else."""

    def __init__(self, file: io.FileIO, path: Path, blobs: "Blobs") -> None:
        self.file = file
        self._path = path
        self._blobs = blobs

    def keep(self, digest: bytes) -> None:
        """Give the file its name; on return it is on disk for good.

        Raises BlobDamagedError when the bytes on disk are not those of the digest, BlobFolderError.
        """
        path = self._blobs.path(digest)
        with _told("keep document", digest):
            os.fsync(self.file.fileno())
            self.file.seek(0)
            if hashlib.file_digest(self.file, "sha256").digest() != digest:
                raise BlobDamagedError(operation="keep document", subject=digest.hex(), blob=digest.hex()[:12])
            if not path.parent.is_dir():
                self._blobs.make_shard(path.parent)
            self._path.rename(path)
            sync_folder(path.parent)


class Blobs:
    """The folder of one site. May be used by several processes and threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: bytes) -> Path:
        """Return where a blob stands, or would."""
        if len(digest) != DIGEST_BYTES:
            raise ValueError(f"{len(digest)} bytes are no SHA-256")
        name = digest.hex()
        return self.folder / name[:2] / name

    @contextlib.contextmanager
    def receive(self) -> Iterator[Incoming]:
        """Lend a file for a new blob; what was not kept when the block ends is gone. Raises BlobFolderError."""
        path = self.folder / f"{_NEW}{secrets.token_hex(12)}"
        with _told("store document"):
            self._make()
            file = _locked(path, os.O_EXCL)
        try:
            with file:
                yield Incoming(file, path, self)
        finally:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def resume(self, digest: bytes) -> Iterator[Incoming]:
        """Lend the file of a blob that comes in parts; what was not kept stays for the next time."""
        with _told("store document", digest):
            self._make()
            path = self._part(digest)
            file = _locked(path)
        with file:
            yield Incoming(file, path, self)

    def drop_part(self, digest: bytes) -> None:
        """Remove what came so far of a blob."""
        with _told("remove document", digest):
            self._part(digest).unlink(missing_ok=True)

    @contextlib.contextmanager
    def open(self, digest: bytes) -> Iterator[io.BufferedReader]:
        """Lend a blob for reading, verified as a whole; raises BlobMissingError, BlobDamagedError."""
        with self.open_unproven(digest) as file:
            with _told("read document", digest):
                if hashlib.file_digest(file, "sha256").digest() != digest:
                    raise BlobDamagedError(operation="read document", subject=digest.hex(), blob=digest.hex()[:12])
                file.seek(0)
            yield file

    @contextlib.contextmanager
    def open_unproven(self, digest: bytes) -> Iterator[io.BufferedReader]:
        """Lend a blob to somebody who checks what they read; raises BlobMissingError."""
        with _told("read document", digest):
            descriptor = os.open(self.path(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            yield file

    def size(self, digest: bytes) -> int | None:
        """Return a blob's bytes, None when it is not here; nothing is verified."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def remove(self, digest: bytes) -> bool:
        """Remove a blob for good; return whether it was there."""
        path = self.path(digest)
        with _told("remove document", digest):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
            sync_folder(path.parent)
        return True

    def names(self) -> Iterator[bytes]:
        """Give the digest of every blob, sorted."""
        with _told("list documents"):
            self._make()
            for shard in sorted(self.folder.iterdir()):
                if _SHARD.fullmatch(shard.name) and shard.is_dir():
                    names = sorted(path.name for path in shard.iterdir())
                    yield from (
                        bytes.fromhex(name) for name in names if _NAME.fullmatch(name) and name[:2] == shard.name
                    )

    def sweep(self, awaited: Collection[bytes] = ()) -> int:
        """Remove what was never finished, except parts of awaited blobs; return how many files."""
        kept = {self._part(digest).name for digest in awaited}
        removed = 0
        with _told("tidy documents"):
            self._make()
            for path in sorted(self.folder.iterdir()):
                if path.name.startswith((_NEW, _PART)) and path.name not in kept:
                    removed += _remove_unlocked(path)
        return removed

    def make_shard(self, shard: Path) -> None:
        """Make a folder for blobs with the rights of the folder of all; another process may do so at once."""
        rights, made = self.folder.stat().st_mode & 0o777, self.folder / f".shard-{secrets.token_hex(12)}"
        made.mkdir(mode=0o700)
        made.chmod(rights)
        try:
            made.rename(shard)  # replaces an empty folder only
        except OSError:
            made.rmdir()
            if not shard.is_dir():
                raise
        sync_folder(self.folder)

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)  # a restored site has none

    def _part(self, digest: bytes) -> Path:
        return self.folder / f"{_PART}{self.path(digest).name}"


def _locked(path: Path, more: int = 0) -> io.FileIO:
    """Open a file for writing, with a lock that ends with the process.

    Only its maker writes it; whoever may enter its folder may read it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | more
    file = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)  # a full disk shows at once, not at close
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(file.fileno(), 0o600 | path.parent.stat().st_mode & 0o044)
    except BaseException:
        file.close()
        raise
    return file


def _remove_unlocked(path: Path) -> int:
    """Remove a file unless somebody is writing it; return how many were removed."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return 0
    return 1


@contextlib.contextmanager
def _told(operation: str, digest: bytes = b"") -> Iterator[None]:
    """Tell what the disk refuses in this project's errors."""
    try:
        yield
    except FileNotFoundError as exc:
        if operation == "read document":
            raise BlobMissingError(operation=operation, subject=digest.hex(), blob=digest.hex()[:12]) from exc
        raise BlobFolderError(operation=operation, subject=digest.hex(), retry_safe=True, cause=exc) from exc
    except OSError as exc:
        raise BlobFolderError(operation=operation, subject=digest.hex(), retry_safe=True, cause=exc) from exc
