"""A folder of an SFTP server as a store of objects.

Invariant: an object appears whole (written beside, then linked or renamed); a connection on which anything went
wrong is not used again. paramiko is imported when a connection is made, not before: most commands never make one.
"""

import contextlib
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.stores import key_names

if TYPE_CHECKING:
    from sync.sftpline import SftpLine


@dataclass(frozen=True, slots=True)
class SftpConfig:
    """Where the folder is and who may use it.

    `host_key` is the fingerprint that `ssh-keygen -l` prints, such as SHA256:uNiV…; a server that has several keys
    shows Ed25519 before ECDSA before RSA.
    """

    host: str
    user: str
    key_file: Path
    host_key: str
    folder: str
    port: int = 22

    @property
    def where(self) -> str:
        """Return the place as a URL, for messages."""
        return f"sftp://{self.host}:{self.port}/{self.folder.lstrip('/')}"


class SftpStore:
    """One folder of one server; a connection is made when it is needed and kept."""

    def __init__(self, config: SftpConfig, timeout_s: float = 5.0) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self._lock = threading.Lock()  # paramiko hands one thread's answer to another
        self._line: SftpLine | None = None

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none; raises StoreUnreachableError, StoreRefusedError."""
        with self._use("read object") as line:
            return line.read(self._path(key))

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there; raises StoreUnreachableError, StoreRefusedError."""
        with self._use("store object") as line:
            line.replace(self._path(key), data)

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did."""
        with self._use("store object") as line:
            return line.create(self._path(key), data)

    def probe(self, prefix: str) -> None:
        """Ask for one object that need not be there; returns when the store answers."""
        self.get(f"{prefix}/probe")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return key → bytes of every object under a prefix."""
        with self._use("list objects") as line:
            found: dict[str, int] = {}
            line.walk(self._path(prefix) if prefix else self._config.folder, prefix, found)
            return found

    def close(self) -> None:
        """Close the connection; the next call makes another."""
        with self._lock:
            self._drop()

    def _path(self, key: str) -> str:
        return "/".join((self._config.folder, *key_names(key)))

    @contextlib.contextmanager
    def _use(self, operation: str) -> Iterator["SftpLine"]:
        """Lend the connection; whatever goes wrong on it ends it, and is told in the terms of all stores."""
        from sync.sftpline import SftpLine
        from sync.sftplogin import FAILURES, REFUSALS

        with self._lock:
            try:
                if self._line is None or not self._line.alive:
                    self._drop()
                    self._line = SftpLine(self._config, self._timeout_s)
                    weakref.finalize(self, self._line.close)  # its own thread would keep it for ever
                yield self._line
            except FAILURES as exc:
                self._drop()
                kind = StoreRefusedError if isinstance(exc, REFUSALS) else StoreUnreachableError
                where = self._config.where
                raise kind(operation=operation, subject=where, retry_safe=True, cause=exc, endpoint=where) from exc
            except BaseException:
                self._drop()
                raise

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
