"""The keeper's side of its unix socket: who is at the other end, and whole messages from a stream of bytes.

Invariant: a process of a user who may not write is refused before its first byte is read, and no peer can make
the keeper hold more than one message of the largest size.
"""

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from sync.admission import Admission
from sync.errors import BadBatchError, PeerRefusedError
from sync.protocol import MAX_MESSAGE, Message, Request, packed, request_decoder
from sync.sockets import socket_address

_CHUNK: Final = 1 << 16  # below what malloc maps anew for every call: 15 us instead of 1 (measured)
_UNREAD: Final = 1 << 18  # so much of its answers a peer may leave untaken before its next question waits
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid


def listen(path: Path, mode: int = 0o660) -> socket.socket:
    """Open the socket at `path`, replacing one that a killed keeper left behind. Call only under the lock."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with socket_address(path) as address:
        server.bind(address)
    os.chmod(path, mode)
    server.listen(128)
    server.setblocking(False)
    return server


def peer_uid(connection: socket.socket) -> int:
    """Return the user id of the process at the other end, as the operating system vouches for it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def peer_pid(connection: socket.socket) -> int:
    """Return the process id at the other end; of a listening process, the one that opened the socket."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[0])


def listening_pid(path: Path) -> int | None:
    """Return the process that listens at a socket, None when nobody does; raises PermissionError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, socket_address(path) as address:
        connection.settimeout(1.0)
        try:
            connection.connect(address)
        except PermissionError:
            raise
        except OSError:
            return None
        return peer_pid(connection)


def check_peer(uid: int, admission: Admission) -> None:
    """Refuse a process of any other user; raises PeerRefusedError."""
    if not admission.admits(uid):
        raise PeerRefusedError(operation="accept connection", subject=f"uid {uid}", uid=uid)


def check_request(uid: int, request: Request, admission: Admission) -> None:
    """Refuse what a process of this user has no business to ask; raises PeerRefusedError."""
    if not admission.may(uid, request):
        raise PeerRefusedError(operation=type(request).__name__, subject=f"uid {uid}", uid=uid)


class Peer:
    """One connected process: bytes in, whole requests out; replies out as fast as it takes them."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.uid = peer_uid(connection)
        self.connection = connection
        self.waits_to_write = False
        self.held = False  # whole requests may be left in the buffer: to be gone on with once it takes answers
        self._incoming = bytearray()
        self.outgoing = bytearray()

    def fill(self) -> bool:
        """Read what is there; return False when the other end has closed."""
        try:
            chunk = self.connection.recv(_CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._incoming += chunk
        return bool(chunk)

    def requests(self) -> Iterator[Request]:
        """Yield whole requests while their answers are taken; raises BadBatchError for one that cannot be read."""
        self.held = False
        while len(self._incoming) >= 4:
            if len(self.outgoing) > _UNREAD and self.flush():
                self.held = True  # it asks without reading: what follows stays in its own socket buffer
                return
            size = int.from_bytes(self._incoming[:4], "big")
            if size > MAX_MESSAGE:
                raise BadBatchError(operation="read request", subject="too large", fault="too large")
            if len(self._incoming) < 4 + size:
                return
            body = bytes(self._incoming[4 : 4 + size])
            del self._incoming[: 4 + size]
            try:
                yield request_decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:  # msgspec raises all three
                raise BadBatchError(
                    operation="read request", subject="shape", fault="unknown shape", cause=exc
                ) from exc

    def reply(self, message: Message) -> None:
        """Queue a reply."""
        self.outgoing += packed(message)

    def flush(self) -> bool:
        """Send what the other end takes; return whether something is left."""
        while self.outgoing:
            try:
                sent = self.connection.send(self.outgoing)
            except BlockingIOError:
                return True
            except OSError:
                self.outgoing.clear()
                return False
            del self.outgoing[:sent]
        return False
