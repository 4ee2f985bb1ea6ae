"""The door of the embedded store: HTTP passes through it when the key in it may do what it asks.

Invariant: nothing of a request reaches the server behind before it was allowed; bodies stream, none is kept (but a
list of what to delete, which is what is judged). A refusal is an answer as S3 gives it, not a broken connection.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sync.storerights import Request, read_request

Judge = Callable[[Request, bytes], bool]

_PIECE: Final = 64 * 1024
_MOST_DELETED: Final = 1024 * 1024
_SILENT_S: Final = 75.0
_AGAIN_S: Final = 0.1
_SETTLE_S: Final = 1.0
_HEAD_END: Final = b"\r\n\r\n"
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}\r\n")
_GONE: Final = (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError)


class StoreGate:
    """A door on loopback to the server at a Unix socket, in a thread of its own. `judge` says yes or no."""

    def __init__(self, behind: Path, judge: Judge, port: int) -> None:
        self._behind = str(behind)
        self._judge = judge
        self._closing = False
        self._open: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)
        self._thread.start()
        self._accepting = asyncio.run_coroutine_threadsafe(self._accept(), self._loop)

    def close(self) -> None:
        """Close the door and every connection."""
        self._closing = True
        with contextlib.suppress(OSError), socket.create_connection(self._listener.getsockname(), 1):
            pass  # wakes who waits at the door
        self._accepting.result(10)
        self._listener.close()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _accept(self) -> None:
        """Let connections in. (An asyncio server that is closed meanwhile loses those it was just accepting.)"""
        while not self._closing:
            try:
                line, _ = await self._loop.sock_accept(self._listener)
                client, answers = await asyncio.open_connection(sock=line)
            except OSError:  # too many files, or gone again
                await asyncio.sleep(_AGAIN_S)
                continue
            self._take(client, answers)

    def _take(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """Serve a connection in a task; whenever that is ended, even before its first step, it is closed."""
        task = self._loop.create_task(self._serve(client, answers))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        task.add_done_callback(lambda _: answers.close())

    async def _end(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)  # lets what was closed be gone

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_GONE):  # the client went away
            while await self._one(client, answers):
                pass

    async def _one(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection can take another."""
        async with asyncio.timeout(_SILENT_S):
            head = await client.readuntil(_HEAD_END)
        request = read_request(head)
        if request is None:
            return await _refuse(answers, 403, "AccessDenied", last=True)
        waits = request.headers.get("expect", "").lower() == "100-continue"
        body = b""
        if request.deletes_many:
            size = int(request.headers.get("content-length") or _MOST_DELETED + 1)
            if size > _MOST_DELETED or "content-encoding" in request.headers:
                return await _refuse(answers, 403, "AccessDenied", last=True)
            if waits:
                answers.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with asyncio.timeout(_SILENT_S):
                body = await client.readexactly(size)
        if not self._judge(request, body):
            if not waits and not body:  # a client hears the answer only when it was let say its word
                await _carry(client, None, request.headers)
            return await _refuse(answers, 403, "AccessDenied", last=waits)
        return await self._forward(request, head + body, None if body else client, answers)

    async def _forward(
        self, request: Request, said: bytes, rest: asyncio.StreamReader | None, answers: asyncio.StreamWriter
    ) -> bool:
        """Pass a request and its answer on; a connection of its own, so no old one can have ended meanwhile."""
        try:
            server, asks = await asyncio.open_unix_connection(self._behind)
        except OSError:
            return await _refuse(answers, 503, "ServiceUnavailable", last=True)
        asks.write(said)
        sending = asyncio.create_task(_send_rest(rest, asks, request.headers))
        answering = asyncio.create_task(_answer(server, answers, request.method))
        try:
            await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            again = await answering
            await asyncio.wait({sending}, timeout=_SETTLE_S)  # a server may refuse before it has heard all
            return again and sending.done() and sending.exception() is None
        finally:
            for task in (sending, answering):
                task.cancel()
            await asyncio.gather(sending, answering, return_exceptions=True)
            asks.close()


async def _send_rest(
    rest: asyncio.StreamReader | None, asks: asyncio.StreamWriter, headers: Mapping[str, str]
) -> None:
    if rest is not None:
        await _carry(rest, asks, headers)
    await asks.drain()


async def _answer(server: asyncio.StreamReader, answers: asyncio.StreamWriter, method: str) -> bool:
    """Pass an answer on; return whether its end can be told."""
    status = 100
    while 100 <= status < 200:
        head = await server.readuntil(_HEAD_END)  # as late as the last byte of a slow sender
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        answers.write(head)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    framed = "content-length" in headers or "transfer-encoding" in headers
    if method != "HEAD" and status not in (204, 304):
        await _carry(server, answers, headers, to_end=not framed)
    await answers.drain()
    return headers.get("connection", "").lower() != "close" and framed


async def _carry(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter | None,
    headers: Mapping[str, str],
    *,
    to_end: bool = False,
) -> None:
    """Pass a body on as its headers frame it, or to the end; to no target: read past it."""
    if headers.get("transfer-encoding") == "chunked":
        await _carry_chunks(source, target)
    elif to_end:
        while piece := await source.read(_PIECE):
            if target is not None:
                target.write(piece)
                await target.drain()
    else:
        await _pass(source, target, int(headers.get("content-length") or 0))


async def _carry_chunks(source: asyncio.StreamReader, target: asyncio.StreamWriter | None) -> None:
    """Pass a chunked body on. What could be read in two ways ends it: a second request could hide in there."""
    left = 1
    while left:
        line = await source.readuntil(b"\r\n")
        if not _CHUNK_SIZE.fullmatch(line):
            raise ValueError("no chunk")
        left = int(line, 16)
        if target is not None:
            target.write(line)
        await _pass(source, target, left + 2 if left else 0)
    while line != b"\r\n":
        line = await source.readuntil(b"\r\n")
        if b"\n" in line[:-2]:
            raise ValueError("no trailer")
        if target is not None:
            target.write(line)


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter | None, size: int) -> None:
    while size:
        async with asyncio.timeout(_SILENT_S):
            piece = await source.read(min(size, _PIECE))
        if not piece:
            raise EOFError
        size -= len(piece)
        if target is not None:
            target.write(piece)
            await target.drain()


async def _refuse(answers: asyncio.StreamWriter, status: int, code: str, *, last: bool) -> bool:
    """Answer as S3 does; return whether the connection can take another request."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>'
    closing = "Connection: close\r\n" if last else ""
    about = f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n{closing}"
    answers.write(f"HTTP/1.1 {status} {code}\r\n{about}\r\n{body}".encode())
    await answers.drain()
    return not last
