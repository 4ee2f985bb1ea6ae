"""The thin line carries what it is given, unaltered and in order, and no faster than it says."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.shaping import Shape, ShapedLine
from tests.sync.cloud import wait_until

pytestmark = pytest.mark.faults
DATA = random.Random(1).randbytes(40_000)


@contextmanager
def echo() -> Iterator[int]:
    """Serve one echo after another on a port."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


@contextmanager
def line_of(shape: Shape, seed: int = 0) -> Iterator[ShapedLine]:
    with echo() as port:
        line = ShapedLine("127.0.0.1", port, shape, seed)
        try:
            yield line
        finally:
            line.close()


def there_and_back(line: ShapedLine, data: bytes) -> tuple[bytes, float]:
    """Return what an echo over the line gave back, and the seconds until its last byte."""
    with socket.create_connection(("127.0.0.1", line.port), 5) as connection:
        connection.settimeout(30)
        began = time.monotonic()
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        found = b""
        while len(found) < len(data) and (some := connection.recv(65536)):
            found += some
        sender.join(5)
        return found, time.monotonic() - began


def test_a_line_without_a_shape_carries_and_counts_everything() -> None:
    with line_of(Shape()) as line:
        assert there_and_back(line, DATA)[0] == DATA
        assert (line.carried.up, line.carried.down) == (len(DATA), len(DATA))


def test_the_rate_and_the_delay_are_what_was_asked_for() -> None:
    with line_of(Shape(up_bits_per_s=400_000, delay_s=0.1)) as line:
        found, seconds = there_and_back(line, DATA)
    assert found == DATA
    assert seconds >= len(DATA) * 8 / 400_000 + 0.4  # a round trip to connect, another one for the last byte


def test_all_connections_share_one_rate() -> None:
    with line_of(Shape(up_bits_per_s=400_000)) as line:
        began, results = time.monotonic(), []
        threads = [
            threading.Thread(target=lambda: results.append(there_and_back(line, DATA[:20_000])[0]))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert results == [DATA[:20_000]] * 2
        assert time.monotonic() - began >= 40_000 * 8 / 400_000


def test_lost_segments_come_late_but_in_order() -> None:
    with line_of(Shape(loss=0.2), seed=3) as line:
        found, seconds = there_and_back(line, DATA)
        assert found == DATA and line.lost_segments > 0
    assert seconds >= 0.2


def test_a_line_can_be_cut_and_mended() -> None:
    with line_of(Shape(delay_s=0.05)) as line, socket.create_connection(("127.0.0.1", line.port), 5) as held:
        held.settimeout(10)
        held.sendall(b"before")
        assert held.recv(100) == b"before"
        line.cut()
        with pytest.raises(ConnectionResetError):
            held.recv(1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", line.port), 1)
        line.mend()
        assert there_and_back(line, b"after")[0] == b"after"


def test_what_is_under_way_when_the_line_is_cut_arrives_nowhere() -> None:
    with line_of(Shape(up_bits_per_s=8_000)) as line:
        connection = socket.create_connection(("127.0.0.1", line.port), 5)
        connection.sendall(DATA[:20_000])
        wait_until(lambda: line.carried.up, "the first bytes")
        line.cut()
        assert line.carried.down < 20_000
        connection.close()
