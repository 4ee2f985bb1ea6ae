"""What a store does over one connection to an SFTP server.

Invariant: a file gets its name when all its bytes are there for good, and by `create` only while the name is free,
whatever the server can and cannot do. Every failure ends the use of the connection.
"""

import contextlib
import re
import secrets
import stat
import time
from collections import deque
from posixpath import basename, dirname
from typing import Final

import paramiko
from paramiko.sftp import CMD_EXTENDED, CMD_WRITE, int64

from sync.sftplogin import FAILURES, Login
from sync.sftpstore import SftpConfig

_READ: Final = 128 * 1024  # a server that has less room answers with less
_WRITE: Final = 32 * 1024  # what every server takes in one packet
_MOST_ASKED: Final = 64
_CLAIM_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.02
_UNSUPPORTED: Final = re.compile(r"unsupported|not support|not implement", re.IGNORECASE)


class SftpLine:
    """An open connection. One thread at a time; paths are the server's."""

    def __init__(self, config: SftpConfig, timeout_s: float) -> None:
        self._login = Login(config, timeout_s)
        self._client = self._login.client
        self._root = config.folder
        self._timeout_s = timeout_s
        self._syncs = True

    @property
    def alive(self) -> bool:
        """Say whether neither side has closed the connection, as far as is known."""
        return self._login.alive

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._login.close()

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when there is no such file."""
        try:
            with self._client.open(path, "rb") as file:
                file.MAX_REQUEST_SIZE = _READ
                return b"".join(iter(lambda: file.read(_READ), b""))
        except FileNotFoundError:
            return None
        except TimeoutError:
            raise
        except OSError:
            if stat.S_ISDIR(self._client.stat(path).st_mode or 0):
                return None
            raise

    def replace(self, path: str, data: bytes) -> None:
        """Write a file, in place of what stood there."""
        beside = self._write_beside(path, data)
        try:
            self._client.posix_rename(beside, path)
        except OSError:
            self._tidy(beside)
            raise

    def create(self, path: str, data: bytes) -> bool:
        """Write a file where none stands; return whether it was this call that did."""
        if self._size(path) is not None:
            return False
        beside = self._write_beside(path, data)
        try:
            linked = self._link(beside, path)
            made = self._claim(beside, path) if linked is None else linked
        except OSError:
            self._tidy(beside)
            raise
        self._remove(beside)
        return made

    def walk(self, path: str, prefix: str, found: dict[str, int]) -> None:
        """Note key → bytes of every file below a folder."""
        try:
            entries = self._client.listdir_attr(path)
        except FileNotFoundError:
            return
        for entry in entries:
            key = f"{prefix}/{entry.filename}".lstrip("/")
            if entry.filename[0] == ".":
                continue
            if stat.S_ISDIR(entry.st_mode or 0):
                self.walk(f"{path}/{entry.filename}", key, found)
            else:
                found[key] = entry.st_size or 0

    def _write_beside(self, path: str, data: bytes) -> str:
        """Write a file in the folder of `path` that is there for good; return its path."""
        beside = f"{dirname(path)}/.{secrets.token_hex(12)}"
        try:
            file = self._client.open(beside, "wx")
        except FileNotFoundError:
            self._make_folders(dirname(path))
            file = self._client.open(beside, "wx")
        try:
            with file:
                self._fill(file, data)
        except OSError:
            self._tidy(beside)
            raise
        return beside

    def _fill(self, file: paramiko.SFTPFile, data: bytes) -> None:
        """Write without waiting for each answer, but for all of them: paramiko's own pipelining drops failures."""
        asked: deque[int] = deque()
        for at in range(0, len(data), _WRITE):
            asked.append(self._tell(CMD_WRITE, file.handle, int64(at), data[at : at + _WRITE]))
            if len(asked) > _MOST_ASKED:
                self._hear(asked.popleft())
        synced = self._tell(CMD_EXTENDED, "fsync@openssh.com", file.handle) if self._syncs else None
        while asked:
            self._hear(asked.popleft())
        if synced is not None:
            try:
                self._hear(synced)
            except OSError as exc:
                if not _UNSUPPORTED.search(str(exc)):
                    raise
                self._syncs = False

    def _link(self, beside: str, path: str) -> bool | None:
        """Give a file a name if the name is free; None when the server cannot."""
        try:
            self._hear(self._tell(CMD_EXTENDED, "hardlink@openssh.com", beside, path))
        except TimeoutError:
            raise
        except OSError:
            return None if self._size(path) is None else False
        return True

    def _claim(self, beside: str, path: str) -> bool:
        """Give a file a name under a claim that one client at a time can hold, for servers without hard links.

        A claim whose holder vanished is passed over after a minute; the next one has another number, so that never
        two clients take over. Whoever holds one looks first whether the name is taken.
        """
        here, began = self._client.stat(beside).st_mtime or 0, time.monotonic()
        claims = [f"{dirname(path)}/.{basename(path)}.0.claim"]
        while not self._open_new(claims[-1]):
            if self._size(path) is not None:
                return False
            waited = time.monotonic() - began
            if here + waited - self._made(claims[-1], here) > _CLAIM_S:
                claims.append(f"{dirname(path)}/.{basename(path)}.{len(claims)}.claim")
            elif waited > self._timeout_s:
                raise TimeoutError(f"somebody else is creating {path}")
            else:
                time.sleep(_LOOK_AGAIN_S)
        try:
            if self._size(path) is not None:
                return False
            self._client.posix_rename(beside, path)
            return True
        finally:
            for claim in claims:
                self._remove(claim)

    def _make_folders(self, folder: str) -> None:
        """Make a folder and those above it, as far as the store's own, which must be there."""
        if folder == self._root or self._size(folder) is not None:
            return
        self._make_folders(dirname(folder))
        try:
            self._client.mkdir(folder)  # who else may read is up to the server's umask
        except OSError:
            if self._size(folder) is None:  # else another client was faster
                raise

    def _open_new(self, path: str) -> bool:
        try:
            self._client.open(path, "wx").close()
        except (TimeoutError, FileNotFoundError, PermissionError):
            raise
        except OSError:
            return False
        return True

    def _size(self, path: str) -> int | None:
        try:
            return self._client.stat(path).st_size or 0
        except FileNotFoundError:
            return None

    def _made(self, path: str, missing: float) -> float:
        try:
            return self._client.stat(path).st_mtime or 0
        except FileNotFoundError:
            return missing

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._client.remove(path)

    def _tidy(self, path: str) -> None:
        with contextlib.suppress(*FAILURES):  # what went wrong before is what is told
            self._client.remove(path)

    def _tell(self, command: int, *words: object) -> int:
        # paramiko has no public way to extensions, nor to answers that are awaited later.
        number: int = self._client._async_request(type(None), command, *words)  # type: ignore[attr-defined]
        return number

    def _hear(self, number: int) -> None:
        self._client._read_response(number)  # type: ignore[attr-defined]
