import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from sync.linecut import LineCut
from sync.ports import hold_port, number_of

PATIENCE_S = 180.0


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(4096):
                self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def line() -> Iterator[LineCut]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        line = LineCut("127.0.0.1", server.server_address[1])
        yield line
        line.close()
        server.shutdown()
        thread.join()


def connect(line: LineCut) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), PATIENCE_S)


def say(connection: socket.socket, text: bytes) -> bytes:
    """Send, and return as much as comes back."""
    connection.sendall(text)
    return take(connection, len(text))


def take(connection: socket.socket, size: int) -> bytes:
    answer = b""
    while len(answer) < size:
        answer += connection.recv(size - len(answer))
    return answer


def test_carries_both_ways(line: LineCut) -> None:
    with connect(line) as one, connect(line) as other:
        assert say(one, b"one") == b"one"
        assert say(other, b"x" * 300_000) == b"x" * 300_000


@pytest.mark.faults
def test_a_cut_resets_open_connections(line: LineCut) -> None:
    with connect(line) as one, connect(line) as other:
        say(one, b"hello")
        say(other, b"hello")
        line.cut()
        for connection in (one, other):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)


@pytest.mark.faults
def test_a_cut_refuses_new_connections(line: LineCut) -> None:
    line.cut()
    with pytest.raises(ConnectionRefusedError):
        connect(line)


@pytest.mark.faults
def test_it_mends_on_the_same_port(line: LineCut) -> None:
    port = line.port
    for _ in range(3):
        line.cut()
        line.mend()
        with connect(line) as connection:
            assert say(connection, b"again") == b"again"
    assert line.port == port


@pytest.mark.faults
def test_cutting_and_mending_twice_is_once(line: LineCut) -> None:
    line.mend()
    line.cut()
    line.cut()
    line.mend()
    line.mend()
    with connect(line) as connection:
        assert say(connection, b"still") == b"still"


@pytest.mark.faults
def test_a_hung_line_takes_bytes_and_never_answers(line: LineCut) -> None:
    with connect(line) as connection:
        say(connection, b"hello")
        line.hang()
        connection.sendall(b"anybody?")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.faults
def test_a_hung_line_accepts_connections_and_never_answers(line: LineCut) -> None:
    line.hang()
    with connect(line) as connection:
        connection.sendall(b"anybody?")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)


@pytest.mark.faults
def test_what_a_mended_line_carries_is_new(line: LineCut) -> None:
    line.hang()
    line.mend()
    with connect(line) as connection:
        assert say(connection, b"back") == b"back"


@pytest.mark.faults
def test_a_far_end_that_is_gone_closes_this_end(line: LineCut) -> None:
    with hold_port() as nobody, LineCutTo(number_of(nobody)) as dead, connect(dead) as connection:
        assert connection.recv(1) == b""


@contextlib.contextmanager
def LineCutTo(port: int) -> Iterator[LineCut]:  # noqa: N802 - reads as what it makes
    line = LineCut("127.0.0.1", port)
    try:
        yield line
    finally:
        line.close()
