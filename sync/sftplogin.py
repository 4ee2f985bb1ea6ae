"""Reaching an SFTP server: our login over a checked line, and the folder there.

Invariant: nothing is said to a server before its host key was compared with the pinned one; no wait is endless.
Imported, like `sftpline` and `sshline`, when a connection is made.
"""

from pathlib import Path
from typing import Final

import paramiko
from paramiko.pkey import UnknownKeyType

from sync.errors import HostKeyError
from sync.sftpstore import SftpConfig
from sync.sshline import FAILURES as FAILURES
from sync.sshline import WEAK_SERVER, OtherHostKey, SshLine


class NoEntryError(OSError):
    """There is no such folder, or no key file to open it with."""


REFUSALS: Final = (NoEntryError, PermissionError, paramiko.AuthenticationException, WEAK_SERVER)


class Login:
    """An open connection; `client` asks the server, `close` may be called twice."""

    def __init__(self, config: SftpConfig, timeout_s: float) -> None:
        key = _read_key(config.key_file)
        try:
            self._line = SshLine(config.host, config.port, config.host_key, timeout_s)
        except OtherHostKey as exc:
            where = config.where
            raise HostKeyError(operation="check host key", subject=where, endpoint=where, shown=exc.shown) from exc
        with self._line.patience():
            self._line.login(config.user, key)
            self.client = self._open_folder(config, timeout_s)

    @property
    def alive(self) -> bool:
        """Say whether neither side has closed the connection, as far as is known."""
        return self._line.alive

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _open_folder(self, config: SftpConfig, timeout_s: float) -> paramiko.SFTPClient:
        client = paramiko.SFTPClient.from_transport(self._line.transport)
        channel = client.get_channel() if client else None
        if client is None or channel is None:
            raise EOFError("no channel")
        channel.settimeout(timeout_s)
        try:
            client.stat(config.folder)
        except FileNotFoundError as exc:
            raise NoEntryError(f"no folder {config.folder}") from exc
        return client


def _read_key(path: Path) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except (OSError, ValueError, paramiko.SSHException, UnknownKeyType) as exc:
        raise NoEntryError(f"key file {path.name}: {type(exc).__name__}") from exc
