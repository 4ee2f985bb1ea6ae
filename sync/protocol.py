"""Messages between office processes and the keeper: msgpack behind a 32-bit big-endian length.

Invariant: a message is bounded in size before it is read, and unknown shapes are refused, not guessed.
"""

from typing import Final

import msgspec

from sync.change import Batch

MAX_MESSAGE: Final = 64 * 1024 * 1024


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Base of every message; its class name is the tag on the wire."""


class Hello(Message, frozen=True):
    """Ask who the keeper is."""


class Welcome(Message, frozen=True):
    """The keeper's origin, position (seq, chain hash), clock value and how far the wall clock stands behind."""

    school: str
    site: str
    epoch: int
    seq: int
    chain: bytes
    clock: int
    clock_behind_s: int


class Submit(Message, frozen=True):
    """Keep a batch."""

    batch: Batch


class Take(Message, frozen=True):
    """Keep batches of another site, the first at `first_seq` of its log; `withheld` maps a seq to a reason."""

    school: str
    site: str
    epoch: int
    first_seq: int
    batches: tuple[Batch, ...]
    withheld: dict[int, str]


class Judge(Message, frozen=True):
    """Put rows into quarantine (row id → reason) and take others out."""

    withheld: dict[int, str]
    released: tuple[int, ...]


class Ack(Message, frozen=True):
    """The batch is on disk, after fsync. `clock` is the keeper's newest clock value."""

    first_seq: int
    last_seq: int
    clock: int


class LocalGet(Message, frozen=True):
    """Read a value that never leaves the box."""

    space: str
    key: str


class LocalPut(Message, frozen=True):
    """Write a value that never leaves the box; `value` None removes it."""

    space: str
    key: str
    value: bytes | None


class LocalSwap(Message, frozen=True):
    """Write `new` if the value is still `old`; the answer is the value that stands there then."""

    space: str
    key: str
    old: bytes | None
    new: bytes


class LocalList(Message, frozen=True):
    """List the keys of a space."""

    space: str


class Value(Message, frozen=True):
    """Answer to LocalGet, LocalPut and LocalSwap."""

    value: bytes | None


class Keys(Message, frozen=True):
    """Answer to LocalList."""

    keys: tuple[str, ...]


class LoginBegin(Message, frozen=True):
    """Ask for a login's sealed identity; counts as a failed attempt until LoginDone says otherwise."""

    login: str


class LoginDone(Message, frozen=True):
    """The passphrase opened the identity; `anew`: the same under the box's own pepper, at a first login."""

    login: str
    anew: bytes = b""


class Refused(Message, frozen=True):
    """The request failed: the error's code and what it carries."""

    code: str
    operation: str
    subject: str
    retry_safe: bool
    params: dict[str, str | int]


Request = Hello | Submit | Take | Judge | LocalGet | LocalPut | LocalSwap | LocalList | LoginBegin | LoginDone
Reply = Welcome | Ack | Value | Keys | Refused

encoder: Final = msgspec.msgpack.Encoder()
request_decoder: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
reply_decoder: Final[msgspec.msgpack.Decoder[Reply]] = msgspec.msgpack.Decoder(Reply)


def packed(message: Message) -> bytes:
    """Return the bytes of a message as they go over the socket."""
    body = encoder.encode(message)
    return len(body).to_bytes(4, "big") + body
