"""An object store that misbehaves on demand: an HTTP proxy before the real one.

Invariant: a request that no fault strikes passes through byte for byte, Host header included, so its signature
stays valid; a fault that refuses leaves the store behind it untouched.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from tests.faults.httpwire import Message, read_message, read_some

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
_SLOW_BYTES_PER_S: Final = 1000
_SLOW_STEP: Final = 200
_RETRY_AFTER_S: Final = 2


class Fault(StrEnum):
    """What the store does instead of answering properly."""

    FORBIDDEN = "403"
    NOT_FOUND = "404"
    TOO_MANY = "429"
    BROKEN = "500"
    SLOW_DOWN = "503"
    SLOW = "slow"
    CUT = "cut"
    WRONG_BODY = "wrong body"
    STALE_LISTING = "stale listing"
    HANGING = "hanging"


_REFUSALS: Final = {
    Fault.FORBIDDEN: (403, "Forbidden", "AccessDenied"),
    Fault.NOT_FOUND: (404, "Not Found", "NoSuchKey"),
    Fault.TOO_MANY: (429, "Too Many Requests", "TooManyRequests"),
    Fault.BROKEN: (500, "Internal Server Error", "InternalError"),
    Fault.SLOW_DOWN: (503, "Slow Down", "SlowDown"),
}


class FaultyStore:
    """A proxy on loopback to `host`:`port`, in a thread of its own; healthy until told otherwise."""

    def __init__(self, host: str, port: int, seed: int = 0) -> None:
        self._target = (host, port)
        self._source = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty store", daemon=True)
        self._thread.start()
        self._faults: Sequence[Fault] = ()
        self._share = 1.0
        self._script: list[Fault | None] = []
        self._listings: dict[bytes, Message] = {}
        self._ended = asyncio.Event()
        self.requests: Counter[str] = Counter()
        self.struck: Counter[Fault] = Counter()
        self.hung: list[str] = []  # what was asked for by those that are left hanging
        self.port = 0
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    @property
    def endpoint(self) -> str:
        """Return the URL of this proxy."""
        return f"http://127.0.0.1:{self.port}"

    def fail(self, *faults: Fault, share: float = 1.0) -> None:
        """From now on strike this share of the requests, each with one of the faults at random."""
        self._faults, self._share = faults, share

    def script(self, faults: Iterable[Fault | None]) -> None:
        """Let the next requests meet these, one each; after them what `fail` said goes on."""
        self._script = list(faults)

    def heal(self) -> None:
        """Answer properly from now on; what hangs already stays hung, as on a real network."""
        self._faults, self._script = (), []

    def close(self) -> None:
        """End the proxy and its thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _end(self) -> None:
        self._server.close()
        self._ended.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while (request := await read_message(reader, pace=self._pace)) is not None:
                far = far or await asyncio.open_connection(*self._target)
                if not await self._handle(request, writer, *far):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either end left
        finally:
            for each in (writer, far[1] if far else writer):
                each.close()

    async def _pace(self, reader: asyncio.StreamReader, size: int) -> bytes:
        """Read a request's body: slowly while that is the fault."""
        if Fault.SLOW not in self._faults:
            return await reader.readexactly(size)
        data = b""
        while len(data) < size:
            data += await read_some(reader, min(_SLOW_STEP, size - len(data)))
            await asyncio.sleep(_SLOW_STEP / _SLOW_BYTES_PER_S)
        return data

    async def _handle(
        self,
        request: Message,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request; return whether the connection goes on."""
        self.requests["LIST" if request.is_listing else request.verb] += 1
        fault = self._next_fault()
        if fault is not None:
            self.struck[fault] += 1
        if fault is Fault.HANGING:
            self.hung.append(unquote(request.target.decode()))
            await self._ended.wait()
            return False
        if fault in _REFUSALS:
            writer.write(_refusal(fault, request))
            await writer.drain()
            return True
        if fault is Fault.CUT and request.body and self._source.random() < 0.5:
            return _cut(writer)  # in the middle of what was sent: nothing reached the store
        far_writer.write(request.raw)
        await far_writer.drain()
        answer = await read_message(far_reader, asked=request)
        if answer is None:
            return False
        return await self._answer(self._changed(request, answer, fault), fault, writer)

    async def _answer(self, answer: Message, fault: Fault | None, writer: asyncio.StreamWriter) -> bool:
        if fault is Fault.CUT:
            raw = answer.raw
            writer.write(raw[: len(answer.head) + len(answer.body) // 2] if answer.body else b"")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(writer.drain(), 1.0)
            return _cut(writer)
        if fault is Fault.SLOW:
            writer.write(answer.head)
            for start in range(0, len(answer.body), _SLOW_STEP):
                writer.write(answer.body[start : start + _SLOW_STEP])
                await writer.drain()
                await asyncio.sleep(_SLOW_STEP / _SLOW_BYTES_PER_S)
        else:
            writer.write(answer.raw)
        await writer.drain()
        return not answer.closes

    def _next_fault(self) -> Fault | None:
        if self._script:
            return self._script.pop(0)
        if not self._faults or self._source.random() >= self._share:
            return None
        return self._source.choice(self._faults)

    def _changed(self, request: Message, answer: Message, fault: Fault | None) -> Message:
        """Return what is told instead of the true answer."""
        if request.is_listing and answer.status == 200:
            if fault is Fault.STALE_LISTING and request.target in self._listings:
                return self._listings[request.target]
            self._listings.setdefault(request.target, answer)  # the oldest one
        if fault is not Fault.WRONG_BODY or not answer.body or answer.status != 200:
            return answer
        place = self._source.randrange(len(answer.body))
        if self._source.random() < 0.5:
            flipped = answer.body[place] ^ (1 << self._source.randrange(8))
            return answer.with_body(answer.body[:place] + bytes((flipped,)) + answer.body[place + 1 :])
        return answer.with_body(answer.body[:place])


def _refusal(fault: Fault, request: Message) -> bytes:
    status, reason, code = _REFUSALS[fault]
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{reason}</Message>'
        "<Resource>/</Resource><RequestId>0</RequestId></Error>"
    ).encode()
    lines = [f"HTTP/1.1 {status} {reason}", "Content-Type: application/xml", f"Content-Length: {len(body)}"]
    if fault is Fault.TOO_MANY:
        lines.append(f"Retry-After: {_RETRY_AFTER_S}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return head if request.verb == "HEAD" else head + body


def _cut(writer: asyncio.StreamWriter) -> bool:
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
    return False
