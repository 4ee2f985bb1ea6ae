"""A thin line in user space: rate, delay and loss between a site and its object store.

Invariant: bytes come out in the order in which they went in, none is altered; what is slow here is slow as on a
real line: all connections share one rate in each direction, a lost segment holds up its own stream alone.
"""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from typing import Final

from sync.linecut import LineCut

_SEGMENT: Final = 1460  # bytes of data in one packet
_HEADERS: Final = 40  # bytes of IP and TCP around it
_LEAST_RTO_S: Final = 0.2
_UNDER_WAY: Final = 64  # segments of one stream; then its sender has to wait, as with a full window


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line is like: bits/s in each direction (0 is unlimited), one-way delay, share of segments lost."""

    up_bits_per_s: float = 0.0
    down_bits_per_s: float = 0.0
    delay_s: float = 0.0
    loss: float = 0.0


THIN: Final = Shape(64_000, 64_000, 0.6, 0.05)


_Queue = asyncio.Queue[tuple[float, bytes]]


class ShapedLine(LineCut):
    """A relay on loopback to `host`:`port` that is as slow as `shape` says; it can be cut and mended as well."""

    def __init__(self, host: str, port: int, shape: Shape, seed: int = 0) -> None:
        self.shape = shape
        self.lost_segments = 0
        self._source = random.Random(seed)
        self._free_at = {True: 0.0, False: 0.0}  # when the line has carried what was given to it, by direction
        super().__init__(host, port)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        under_way: _Queue = asyncio.Queue(_UNDER_WAY)
        tasks = [
            asyncio.create_task(work)
            for work in (self._take(source, under_way, up=up), self._deliver(under_way, sink), self._lost_now())
        ]
        try:
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            sink.close()

    async def _lost_now(self) -> None:
        await self._lost.wait()

    async def _take(self, source: asyncio.StreamReader, under_way: _Queue, *, up: bool) -> None:
        if up:
            await asyncio.sleep(2 * self.shape.delay_s)  # a connection costs a round trip before its first byte
        arrives = 0.0
        with contextlib.suppress(OSError):
            while data := await source.read(_SEGMENT):
                if self._hung:
                    await self._lost.wait()
                self.carried.count(data, up=up)
                arrives = max(arrives, self._passage(len(data), up=up))
                await under_way.put((arrives, data))
        await under_way.put((arrives, b""))

    async def _deliver(self, under_way: _Queue, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                arrives, data = await under_way.get()
                await asyncio.sleep(max(0.0, arrives - time.monotonic()))
                if not data:
                    return
                sink.write(data)
                await sink.drain()

    def _passage(self, size: int, *, up: bool) -> float:
        """Return when a segment given to the line now comes out; each loss costs a time-out and its way again."""
        shape = self.shape
        rate = shape.up_bits_per_s if up else shape.down_bits_per_s
        takes = (size + _HEADERS) * 8 / rate if rate else 0.0
        timeout, waits = _LEAST_RTO_S + 2 * shape.delay_s, 0.0
        while shape.loss and self._source.random() < shape.loss:
            self.lost_segments += 1
            self._free_at[up] = max(self._free_at[up], time.monotonic()) + takes
            waits, timeout = waits + timeout, timeout * 2
        self._free_at[up] = max(self._free_at[up], time.monotonic()) + takes
        return self._free_at[up] + shape.delay_s + waits
