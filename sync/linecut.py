"""A line that can really be cut: a TCP relay between a site and its object store.

Invariant: when cut, open connections are reset and new ones refused, as when a router dies; when hung, bytes are
taken and never answered, as when one forgets its state. For demonstrations and tests; no site needs it.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final

from sync.ports import hold_port, number_of

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


@dataclass
class Carried:
    """What went over the line: bytes in each direction, HTTP headers included, and HTTP requests."""

    up: int = 0
    down: int = 0
    requests: int = 0

    def count(self, data: bytes, *, up: bool) -> None:
        """Count what one read brought."""
        if up:
            self.up += len(data)
            self.requests += data.count(b" HTTP/1.1\r\n")
        else:
            self.down += len(data)


class LineCut:
    """A relay on loopback to `host`:`port`, in a thread of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._thread.start()
        self._open: set[asyncio.StreamWriter] = set()
        self._hung = False
        self._lost = asyncio.Event()
        self._held = hold_port()  # of this line while it is cut, too
        self.port = number_of(self._held)
        self.carried = Carried()
        self._server: asyncio.Server | None = None
        self._do(self._listen())

    @property
    def endpoint(self) -> str:
        """Return the URL at this end of the line."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._do(self._cut())

    def hang(self) -> None:
        """Keep connections open and carry nothing; what was under way stays lost when the line is mended."""
        self._hung = True

    def mend(self) -> None:
        """Bring the line back on the same port."""
        self._hung = False
        self._do(self._listen())

    def close(self) -> None:
        """End the relay and its thread."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._held.close()

    def _do(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lost.set()
        self._lost = asyncio.Event()
        for writer in list(self._open):
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _end(self) -> None:
        await self._cut()
        while carrying := asyncio.all_tasks() - {asyncio.current_task()}:
            done, _ = await asyncio.wait(carrying, timeout=5)
            if not done:
                break
            await self._cut()  # whoever was let in at the last moment

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._open.add(far_writer)
            try:
                await asyncio.gather(
                    self._pump(reader, far_writer, up=True), self._pump(far_reader, writer, up=False)
                )
            finally:
                self._open.discard(far_writer)
                far_writer.close()
        except OSError:
            pass  # the far end refused: so does this one
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if self._hung:  # nobody tells either end; only a cut or their own patience does
                    await self._lost.wait()
                self.carried.count(data, up=up)
                sink.write(data)
                await sink.drain()
        sink.close()
