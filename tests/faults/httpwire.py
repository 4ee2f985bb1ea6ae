"""Just enough HTTP/1.1 to stand between a client and a server.

Invariant: `raw` of a message that was read is what came, except that a chunked body has a length instead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

Pace = Callable[[asyncio.StreamReader, int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer; `head` ends with its empty line."""

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """Return the whole as it goes over the wire."""
        return self.head + self.body

    @property
    def verb(self) -> str:
        """Return a request's method."""
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> bytes:
        """Return a request's path and query."""
        return self.head.split(b" ", 2)[1]

    @property
    def status(self) -> int:
        """Return an answer's status."""
        return int(self.head.split(b" ", 2)[1])

    @property
    def is_listing(self) -> bool:
        """Say whether a request asks for the names of objects."""
        query = parse_qs(urlsplit(self.target.decode()).query, keep_blank_values=True)
        return self.verb == "GET" and ("list-type" in query or "prefix" in query)

    @property
    def closes(self) -> bool:
        """Say whether the connection ends after this."""
        return self.header(b"connection").lower() == b"close"

    def header(self, name: bytes) -> bytes:
        """Return a header's value, empty without one; `name` in small letters."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name:
                return value.strip()
        return b""

    def with_body(self, body: bytes) -> "Message":
        """Return the message with another body of which its length speaks."""
        kept = [
            line
            for line in self.head.rstrip(b"\r\n").split(b"\r\n")
            if not line.lower().startswith((b"content-length:", b"transfer-encoding:"))
        ]
        head = b"\r\n".join([*kept, b"Content-Length: %d" % len(body), b"", b""])
        return replace(self, head=head, body=body)


async def read_message(
    reader: asyncio.StreamReader, asked: Message | None = None, pace: Pace | None = None
) -> Message | None:
    """Read a request, or the answer to `asked`; None when the connection ended before it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    message = Message(head, b"")
    if asked is not None:
        if 100 <= message.status < 200:  # "100 Continue": the body went along already
            return await read_message(reader, asked)
        if asked.verb == "HEAD" or message.status in (204, 304):
            return message
    if message.header(b"transfer-encoding").lower() == b"chunked":
        return message.with_body(await _chunks(reader))
    length = message.header(b"content-length")
    if not length:
        return message if asked is None else message.with_body(await reader.read())
    return replace(message, body=await (pace or _exactly)(reader, int(length)))


async def read_some(reader: asyncio.StreamReader, size: int) -> bytes:
    """Read at least one byte and at most `size`; raises IncompleteReadError at the end."""
    data = await reader.read(size)
    if not data:
        raise asyncio.IncompleteReadError(b"", size)
    return data


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    return await reader.readexactly(size)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return b"".join(parts)
