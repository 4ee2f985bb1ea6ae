"""A folder as a store of objects: a medium that is carried, or a disk of a server.

Invariant: an object is a file that appears whole (written beside, fsynced, then linked or renamed); its key is its
path below the folder and never leads out of it.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sync.atomic import sync_folder
from sync.errors import StoreRefusedError, StoreUnreachableError


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """Which folder."""

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
        except (FileNotFoundError, IsADirectoryError):
            return None
        except OSError as exc:
            raise self._failure("read object", exc) from exc

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there; raises StoreUnreachableError, StoreRefusedError."""
        try:
            beside, path = self._write(key, data)
            beside.rename(path)
            sync_folder(path.parent)
        except OSError as exc:
            raise self._failure("store object", exc) from exc

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did."""
        try:
            beside, path = self._write(key, data)
            try:
                os.link(beside, path)
            except FileExistsError:
                return False
            finally:
                beside.unlink()
            sync_folder(path.parent)
        except OSError as exc:
            raise self._failure("store object", exc) from exc
        return True

    def probe(self, prefix: str) -> None:
        """Return when the folder is there; raises StoreUnreachableError, StoreRefusedError."""
        self.get(f"{prefix}/probe")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return name → bytes of every object under a prefix."""
        try:
            self._check()
            files = [path for path in self._path(prefix).rglob("*") if path.is_file() and path.name[0] != "."]
            return {path.relative_to(self._root).as_posix(): path.stat().st_size for path in files}
        except OSError as exc:
            raise self._failure("list objects", exc) from exc

    def _check(self) -> None:
        if not self._root.is_dir():
            raise NotADirectoryError(str(self._root))

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or any(part in ("..", ".") or part[0] == "." for part in parts):
            raise PermissionError(f"no key: {key!r}")
        return self._root.joinpath(*parts)

    def _write(self, key: str, data: bytes) -> tuple[Path, Path]:
        self._check()
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return beside, path

    def _failure(self, operation: str, exc: OSError) -> StoreRefusedError | StoreUnreachableError:
        kind = StoreRefusedError if isinstance(exc, PermissionError) else StoreUnreachableError
        where = str(self._root)
        return kind(operation=operation, subject=where, retry_safe=True, cause=exc, endpoint=where)
