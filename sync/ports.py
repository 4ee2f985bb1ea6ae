"""A free TCP port on loopback that stays ours from the moment it is chosen.

Invariant: nobody else is given the port before the holder is closed. A port that was only looked up can go to
another process before its server starts, and between two starts.
"""

import socket


def hold_port() -> socket.socket:
    """Return a socket bound to a free port. It does not listen: without a server connections are refused.

    A server that reuses addresses, as most do, may listen on the port meanwhile.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def number_of(held: socket.socket) -> int:
    """Return the port's number."""
    return int(held.getsockname()[1])
