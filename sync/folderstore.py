"""A folder as a store of objects: a medium that is carried, or a disk of a server.

Invariant: an object is a file that appears whole (written beside, fsynced, then linked or renamed); its key is its
path below the folder and never leads out of it.
"""

import ctypes
import errno
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync.atomic import sync_folder
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.stores import key_names

_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_RENAME_NOREPLACE: Final = 1
_AT_FDCWD: Final = -100


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """Which folder. It must be there: a medium that is not plugged in is no empty store."""

    root: Path


class FolderStore:
    """One folder."""

    def __init__(self, config: FolderConfig) -> None:
        self._root = config.root

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none; raises StoreUnreachableError, StoreRefusedError."""
        try:
            self._check()
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as exc:
            raise self._failure("read object", exc) from exc

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there; raises StoreUnreachableError, StoreRefusedError."""
        try:
            beside, path = self._write(key, data)
            try:
                beside.rename(path)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
            sync_folder(path.parent)
        except OSError as exc:
            raise self._failure("store object", exc) from exc

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did."""
        try:
            if self._path(key).exists():
                return False
            beside, path = self._write(key, data)
            try:
                _name(beside, path)
            except FileExistsError:
                return False
            finally:
                beside.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as exc:
            raise self._failure("store object", exc) from exc
        return True

    def probe(self, prefix: str) -> None:
        """Return when the folder is there; raises StoreUnreachableError, StoreRefusedError."""
        self.get(f"{prefix}/probe")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return key → bytes of every object under a prefix."""
        found: dict[str, int] = {}
        try:
            self._check()
            start = self._path(prefix) if prefix else self._root
            for folder, inner, names in os.walk(start, onerror=_unless_missing):
                inner[:] = [name for name in inner if name[0] != "."]
                for path in (Path(folder, name) for name in names if name[0] != "."):
                    found[path.relative_to(self._root).as_posix()] = path.stat().st_size
        except OSError as exc:
            raise self._failure("list objects", exc) from exc
        return found

    def _check(self) -> None:
        if not self._root.is_dir():
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(self._root))

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*key_names(key))

    def _write(self, key: str, data: bytes) -> tuple[Path, Path]:
        """Write the bytes beside the object's place; return both paths."""
        self._check()
        path = self._path(key)
        _make_folder(path.parent)
        beside = path.with_name(f".{secrets.token_hex(12)}")  # a key's last name may be as long as names can be
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        return beside, path

    def _failure(self, operation: str, exc: OSError) -> StoreRefusedError | StoreUnreachableError:
        kind = StoreRefusedError if isinstance(exc, PermissionError) else StoreUnreachableError
        where = str(self._root)
        return kind(operation=operation, subject=where, retry_safe=True, cause=exc, endpoint=where)


def _unless_missing(exc: OSError) -> None:
    if not isinstance(exc, FileNotFoundError | NotADirectoryError):
        raise exc


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each noted for good in the one that holds it."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def _name(beside: Path, path: Path) -> None:
    """Give a written file its name; raises FileExistsError when the name is taken."""
    try:
        os.link(beside, path)
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        _rename_new(beside, path)  # FAT, as media have it, knows no links


def _rename_new(old: Path, new: Path) -> None:
    """Rename without replacing (renameat2, Linux 3.15), which Python has no call for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(new))
