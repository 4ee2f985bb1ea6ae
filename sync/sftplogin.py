"""Reaching an SFTP server: the connection, its host key, our login.

Invariant: nothing is said to a server before its host key was compared with the pinned one; no wait is endless.
With `sftpline` the only module that knows paramiko; both are imported when a connection is made.
"""

import hmac
import logging
import socket
import threading
from pathlib import Path
from typing import Final

import paramiko
from paramiko.pkey import UnknownKeyType

from sync.errors import HostKeyError
from sync.sftpstore import SftpConfig


class NoEntryError(OSError):
    """There is no such folder, or no key file to open it with."""


FAILURES: Final = (OSError, EOFError, paramiko.SSHException)
REFUSALS: Final = (
    NoEntryError,
    PermissionError,
    paramiko.AuthenticationException,
    paramiko.ssh_exception.IncompatiblePeer,
)

_WEAK: Final = {
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "macs": ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"),
}

# Without a handler of its own, paramiko's log would be printed over the screen.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Login:
    """An open connection; `client` asks the server, `close` may be called twice."""

    def __init__(self, config: SftpConfig, timeout_s: float) -> None:
        key = _read_key(config.key_file)
        sock = socket.create_connection((config.host, config.port), timeout_s)
        try:
            self._transport = paramiko.Transport(sock, disabled_algorithms=_WEAK)
        except BaseException:
            sock.close()
            raise
        # Some waits of paramiko end only when the connection does: a server that falls silent is left.
        patience = threading.Timer(4 * timeout_s, self.close)
        patience.daemon = True
        patience.start()
        try:
            self._greet(config, timeout_s)
            self._authenticate(config, key)
            self.client = self._open_folder(config, timeout_s)
        except BaseException:
            self.close()
            raise
        finally:
            patience.cancel()

    @property
    def alive(self) -> bool:
        """Say whether neither side has closed the connection, as far as is known."""
        return self._transport.is_active()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
        self._transport.sock.close()  # the line above leaves it open when the other side closed first

    def _greet(self, config: SftpConfig, timeout_s: float) -> None:
        line = self._transport
        line.banner_timeout = line.handshake_timeout = line.auth_timeout = line.channel_timeout = timeout_s
        line.start_client(timeout=timeout_s)
        shown = line.get_remote_server_key().fingerprint
        if not hmac.compare_digest(shown.encode(), config.host_key.encode()):
            where = config.where
            raise HostKeyError(operation="check host key", subject=where, endpoint=where, shown=shown)

    def _authenticate(self, config: SftpConfig, key: paramiko.PKey) -> None:
        try:
            self._transport.auth_publickey(config.user, key)
        except paramiko.AuthenticationException as exc:
            if not self.alive or "timeout" in str(exc):  # paramiko calls a lost line a refusal
                raise EOFError(str(exc)) from exc
            raise

    def _open_folder(self, config: SftpConfig, timeout_s: float) -> paramiko.SFTPClient:
        client = paramiko.SFTPClient.from_transport(self._transport)
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
