"""Telling the service manager (systemd) that a process serves, is alive, or is leaving.

Invariant: without a service manager every call does nothing, and none ever fails: a keeper must not die of it.
The protocol is one datagram (sd_notify(3)); the libraries for it are as long as this and unmaintained, or in C.
"""

import contextlib
import os
import socket
import time
from typing import Final

_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG: Final = "WATCHDOG_USEC"


def serving() -> None:
    """Say that this process serves now: what is ordered after it may start."""
    _tell("READY=1")


def leaving() -> None:
    """Say that this process was asked to end and does so."""
    _tell("STOPPING=1")


class Pulse:
    """Tells the watchdog that the loop still turns, four times as often as it must know. Call `beat` at will."""

    def __init__(self) -> None:
        self._every_s = _watchdog_s() / 4
        self._due = 0.0

    def beat(self) -> None:
        """Tell it if it is time."""
        now = time.monotonic()
        if self._every_s and now >= self._due:
            self._due = now + self._every_s
            _tell("WATCHDOG=1")


def _watchdog_s() -> float:
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0  # it is our parent who is watched
    try:
        return int(os.environ.get(_WATCHDOG, "0")) / 1e6
    except ValueError:
        return 0.0


def _tell(what: str) -> None:
    where = os.environ.get(_SOCKET, "")
    if not where.startswith(("/", "@")):
        return
    address = f"\0{where[1:]}" if where[0] == "@" else where
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(what.encode(), address)
