"""An office process's side of the keeper's socket.

Invariant: `submit` returns only when the keeper says that the batch is on disk. When the keeper dies in between,
the very same batch is sent again to its successor, which knows it by (writer, number) and keeps it once.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec

from sync.change import Batch
from sync.errors import KeeperGoneError, RefusedError, SyncError
from sync.ids import Origin
from sync.protocol import (
    Ack,
    Hello,
    Judge,
    Keys,
    LocalGet,
    LocalList,
    LocalPut,
    LocalSwap,
    LoginBegin,
    LoginDone,
    Message,
    Refused,
    Reply,
    Submit,
    Take,
    Value,
    Welcome,
    packed,
    reply_decoder,
)
from sync.sockets import socket_address

R = TypeVar("R")
_RETRY_S: Final = 0.05
_CHUNK: Final = 1 << 16
_ANSWER_S: Final = 10.0
_TIMEVAL: Final = struct.Struct("ll")


class Keeping(Protocol):
    """What may be asked of a keeper, in another process or in this one."""

    def hello(self) -> Welcome:
        """Return who the keeper is and how far its log goes."""
        ...

    def submit(self, batch: Batch) -> Ack:
        """Keep a batch of this site; on return it is on disk."""
        ...

    def take(self, origin: Origin, first_seq: int, batches: Sequence[Batch], withheld: Mapping[int, str]) -> Ack:
        """Keep another site's batches; on return they are on disk."""
        ...

    def judge(self, withheld: Mapping[int, str], released: Iterable[int]) -> None:
        """Put rows into quarantine (row id → reason) and take others out."""
        ...

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value that never leaves the box."""
        ...

    def local_swap(self, space: str, key: str, old: bytes | None, new: bytes) -> bytes | None:
        """Write `new` if the value is still `old`; return the value that stands there then."""
        ...

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value that never leaves the box."""
        ...


class KeeperClient:
    """A connection that reconnects. `patience_s` bounds how long one call waits for a keeper that is away."""

    def __init__(self, path: Path, patience_s: float = 10.0) -> None:
        self._path = path
        self._patience_s = patience_s
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def hello(self) -> Welcome:
        """Return who the keeper is and how far its log goes."""
        return self._ask(Hello(), Welcome)

    def submit(self, batch: Batch) -> Ack:
        """Keep a batch; on return it is on disk. Raises KeeperGoneError when that is unknown."""
        return self._ask(Submit(batch), Ack)

    def take(self, origin: Origin, first_seq: int, batches: Sequence[Batch], withheld: Mapping[int, str]) -> Ack:
        """Keep another site's batches; on return they are on disk. The acknowledgement counts that site's seq."""
        where = (origin.school, str(origin.site), origin.epoch)
        return self._ask(Take(*where, first_seq, tuple(batches), dict(withheld)), Ack)

    def judge(self, withheld: Mapping[int, str], released: Iterable[int]) -> None:
        """Put rows into quarantine (row id → reason) and take others out."""
        self._ask(Judge(dict(withheld), tuple(released)), Ack)

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value that never leaves the box."""
        return self._ask(LocalGet(space, key), Value).value

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value that never leaves the box."""
        self._ask(LocalPut(space, key, value), Value)

    def local_swap(self, space: str, key: str, old: bytes | None, new: bytes) -> bytes | None:
        """Write `new` if the value is still `old`; return the value that stands there then."""
        return self._ask(LocalSwap(space, key, old, new), Value).value

    def local_keys(self, space: str) -> tuple[str, ...]:
        """Return the keys of a space."""
        return self._ask(LocalList(space), Keys).keys

    def login_begin(self, login: str) -> bytes:
        """Return a login's sealed identity; raises UnknownLoginError, LoginLockedError."""
        sealed = self._ask(LoginBegin(login), Value).value
        return sealed or b""

    def login_done(self, login: str, anew: bytes = b"") -> None:
        """Report that the identity opened; `anew`: what it is sealed in from now on, at a first login."""
        self._ask(LoginDone(login, anew), Value)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._disconnect()

    def _ask(self, request: Message, wanted: type[R]) -> R:
        reply = self._exchange(packed(request))
        if isinstance(reply, Refused):
            raise as_error(reply)
        if not isinstance(reply, wanted):
            raise RefusedError(operation="ask keeper", subject=type(reply).__name__)
        return reply

    def _exchange(self, message: bytes) -> Reply:
        deadline = time.monotonic() + self._patience_s
        with self._lock:
            while True:
                try:
                    connection = self._connected()
                    connection.sendall(message)
                    return _receive(connection)
                except OSError as exc:
                    self._disconnect()
                    if time.monotonic() >= deadline:
                        raise KeeperGoneError(operation="ask keeper", retry_safe=True, cause=exc) from exc
                    time.sleep(_RETRY_S)
                except BaseException:  # interrupted: the answer still to come must not pass for the next one's
                    self._disconnect()
                    raise

    def _connected(self) -> socket.socket:
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(_ANSWER_S)
            try:
                with socket_address(self._path) as address:
                    connection.connect(address)
                _let_kernel_time(connection)
            except OSError:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _let_kernel_time(connection: socket.socket) -> None:
    """Give every call the same time by the kernel: Python's own timeout costs a `poll` before each."""
    connection.settimeout(None)
    whole_s, rest_s = divmod(_ANSWER_S, 1)
    for side in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, side, _TIMEVAL.pack(int(whole_s), int(rest_s * 1_000_000)))


def _receive(connection: socket.socket) -> Reply:
    data = _some(connection)  # one call for the usual short answer
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        data += _some(connection)
    try:
        reply: Reply = reply_decoder.decode(data[4:])
    except msgspec.DecodeError as exc:
        raise RefusedError(operation="read reply", cause=exc) from exc
    return reply


def _some(connection: socket.socket) -> bytes:
    chunk = connection.recv(_CHUNK)
    if not chunk:
        raise ConnectionResetError("keeper closed the connection")
    return chunk


def as_error(refused: Refused) -> SyncError:
    """Return the error that a refusal stands for."""
    kind = {cls.code: cls for cls in SyncError.__subclasses__()}.get(refused.code, RefusedError)
    error = kind(operation=refused.operation, subject=refused.subject, retry_safe=refused.retry_safe)
    error.params = refused.params
    return error
