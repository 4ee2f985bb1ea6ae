"""The beginning of every SSH connection: strong algorithms only, and a host key that is pinned.

Invariant: nothing is said to a server before its host key was compared with the pinned fingerprint; a server that
offers weak ciphers, MACs, SHA-1 or DSA alone is refused; no wait is endless. Imported when a connection is made.
"""

import hmac
import logging
import socket
import threading
from typing import Final

import paramiko

# Without a handler of its own, paramiko's log would be printed over the screen.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

WEAK: Final = {
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "macs": ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"),
    # paramiko 5.1 offers none of these any more; a later one shall not either.
    "kex": ("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1"),
    "keys": ("ssh-rsa", "ssh-dss"),
    "pubkeys": ("ssh-rsa", "ssh-dss"),
}
FAILURES: Final = (OSError, EOFError, paramiko.SSHException)
WEAK_SERVER: Final = paramiko.ssh_exception.IncompatiblePeer


class OtherHostKey(Exception):  # noqa: N818 - never reaches a person: each caller has an error of its own for it
    """The server shows another host key than the pinned one; `shown` is its fingerprint."""

    def __init__(self, shown: str) -> None:
        super().__init__(shown)
        self.shown = shown


class SshLine:
    """A connection whose host key was checked and on which nobody is logged in yet."""

    def __init__(self, host: str, port: int, host_key: str, timeout_s: float) -> None:
        sock = socket.create_connection((host, port), timeout_s)
        try:
            self.transport = paramiko.Transport(sock, disabled_algorithms=WEAK)
        except BaseException:
            sock.close()
            raise
        self._timeout_s = timeout_s
        with self.patience():
            self._greet(host_key)

    @property
    def alive(self) -> bool:
        """Say whether neither side has closed the connection, as far as is known."""
        return self.transport.is_active()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self.transport.close()
        self.transport.sock.close()  # the line above leaves it open when the other side closed first

    def patience(self) -> "_Patience":
        """Return a context that closes the connection on failure, and when it takes four times too long."""
        return _Patience(self, 4 * self._timeout_s)

    def login(self, user: str, key: paramiko.PKey) -> None:
        """Prove who we are; raises AuthenticationException, EOFError when the line went instead."""
        try:
            self.transport.auth_publickey(user, key)
        except paramiko.AuthenticationException as exc:
            if not self.alive or "timeout" in str(exc):  # paramiko calls a lost line a refusal
                raise EOFError(str(exc)) from exc
            raise

    def _greet(self, host_key: str) -> None:
        line = self.transport
        line.banner_timeout = line.handshake_timeout = self._timeout_s
        line.auth_timeout = line.channel_timeout = self._timeout_s
        line.start_client(timeout=self._timeout_s)
        shown = line.get_remote_server_key().fingerprint
        if not hmac.compare_digest(shown.encode(), host_key.encode()):
            raise OtherHostKey(shown)


class _Patience:
    # Some waits of paramiko end only when the connection does: a server that falls silent is left.
    def __init__(self, line: SshLine, longest_s: float) -> None:
        self._line = line
        self._timer = threading.Timer(longest_s, line.close)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, kind: object, *_: object) -> None:
        self._timer.cancel()
        if kind is not None:
            self._line.close()
