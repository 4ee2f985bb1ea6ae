"""The pages of an opened document, read by a confined process of its own.

Invariant: bytes that somebody else made are taken apart in that process only; it dies with `close`, so nothing
opened outlives the look at it. A process that ended or hangs is a fault that is told, never an exception.
"""

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Final

import msgspec

from appliance.documents.media import Media
from appliance.documents.pagechild import Answer, Request
from sync.programs import tied

PATIENCE_S: Final = 30.0
_PIECE: Final = 2**20


class Pages:
    """An open document. `kind` is text, markdown, table, picture or none; `fault` says why it is none."""

    def __init__(self, source: BinaryIO, length: int, media: str) -> None:
        self._child = subprocess.Popen(
            tied([sys.executable, "-m", _CHILD, _known(media)], "KILL"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        self._lock = threading.Lock()
        first = self._begin(source, length)
        self.count, self.kind, self.fault = first.pages, first.kind, first.fault

    def text(self, page: int) -> str:
        """Return a page's text; empty where it has none."""
        return self._ask(Request("text", page)).text

    def rows(self, page: int) -> tuple[tuple[str, ...], ...]:
        """Return a page's rows."""
        return self._ask(Request("rows", page)).rows

    def picture(self, page: int, width: int) -> bytes:
        """Return a page as PNG of about that many pixels across; empty where it cannot be drawn."""
        return self._ask(Request("picture", page, width)).picture

    def texts(self) -> Iterator[str]:
        """Give the text of one page after the other."""
        yield from (self.text(page) for page in range(self.count))

    def close(self) -> None:
        """End the process, and with it everything that was opened."""
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._child.wait()

    def __enter__(self) -> "Pages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, source: BinaryIO, length: int) -> Answer:
        try:
            self._write(length.to_bytes(8, "big"))
            left = length
            while left and (piece := source.read(min(_PIECE, left))):
                self._write(piece)
                left -= len(piece)
            return self._read()
        except OSError as error:
            return self._lost(error)

    def _ask(self, request: Request) -> Answer:
        data = msgspec.msgpack.encode(request)
        with self._lock:
            try:
                self._write(len(data).to_bytes(4, "big") + data)
                return self._read()
            except OSError as error:
                return self._lost(error)

    def _lost(self, error: OSError) -> Answer:
        self._child.kill()
        self.fault = "TimeoutError" if isinstance(error, TimeoutError) else "ended"
        return Answer(fault=self.fault)

    def _write(self, data: bytes) -> None:
        pipe = self._child.stdin
        assert pipe is not None  # noqa: S101 - asked for above
        view, end = memoryview(data), time.monotonic() + PATIENCE_S
        while view:
            _, ready, _ = select.select([], [pipe], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            view = view[os.write(pipe.fileno(), view[: select.PIPE_BUF]) :]

    def _read(self) -> Answer:
        size = int.from_bytes(self._exactly(4), "big")
        try:
            return msgspec.msgpack.decode(self._exactly(size), type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OSError from error

    def _exactly(self, size: int) -> bytes:
        pipe = self._child.stdout
        assert pipe is not None  # noqa: S101 - asked for above
        found, end = bytearray(), time.monotonic() + PATIENCE_S
        while len(found) < size:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            piece = os.read(pipe.fileno(), min(_PIECE, size - len(found)))
            if not piece:
                raise BrokenPipeError
            found += piece
        return bytes(found)


_CHILD: Final = "appliance.documents.pagechild"


def _known(media: str) -> str:
    return media if media in tuple(Media) else Media.BINARY
