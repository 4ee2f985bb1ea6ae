"""Boxes of a fleet whose answers a test decides; the line to each is its own."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from appliance.fleet.asking import command, command_without_sudo
from appliance.fleet.gathering import Asked
from appliance.provision.errors import UnreachableError

GIB = 1 << 30
STATUS: dict[str, Any] = {
    "format": 2,
    "version": "0.1.0",
    "at_ms": 1_795_000_000_000,
    "running": True,
    "link": "online",
    "waiting": 0,
    "waiting_age_s": None,
    "confirmed": 1200,
    "unconfirmed_age_s": None,
    "verified_age_s": 7200,
    "verify_problem": "",
    "superseded": False,
    "clock_skew_ms": -1200,
    "lease": "live",
    "lease_until_ms": 1_795_000_000_000 + 13 * 86_400_000,
    "alarms": [],
    "disk_free_bytes": 20 * GIB,
    "disk_size_bytes": 60 * GIB,
    "disk_writable": True,
}


@dataclass
class Said:
    code: int
    stdout: bytes


@dataclass
class Line:
    """A box; `away` cuts its line, `hold` makes it answer only when a test lets it."""

    told: dict[str, Any] = field(default_factory=lambda: dict(STATUS))
    checks: list[Any] = field(default_factory=list)
    away: bool = False
    raw: bytes | None = None
    hold: threading.Event | None = None
    logins: int = 0
    asked: int = 0
    drop_after: int = 10**9
    """How many questions a connection lasts."""
    sudo: bool = True

    def connect(self) -> "Open":
        if self.away:
            raise UnreachableError(operation="connect", box="x", problem="TimeoutError")
        self.logins += 1
        return Open(self)


class Open:
    def __init__(self, line: Line) -> None:
        self._line, self._asked, self.closed = line, 0, False

    def run(self, argv: Sequence[str], /, *, timeout_s: float) -> Said:
        words = list(argv) if self._line.sudo or argv[0] != "sudo" else []
        if not words:
            return Said(127, b"")
        say = command if self._line.sudo else command_without_sudo
        assert words in (say("status"), say("doctor")) and timeout_s > 0
        if self._line.hold is not None:
            assert self._line.hold.wait(60)
        self._asked += 1
        self._line.asked += 1
        if self._line.away or self._asked > self._line.drop_after:
            raise UnreachableError(operation="run command", box="x", problem="EOFError")
        if self._line.raw is not None:
            return Said(0, self._line.raw)
        return Said(3, msgspec.json.encode(self._line.told if "status" in argv else {"checks": self._line.checks}))

    def close(self) -> None:
        self.closed = True


def boxes(lines: Sequence[Line], name: Callable[[int], str] = "第{}小学校".format) -> list[Asked]:
    return [
        Asked(f"B1012100{number:05}", name(number), f"10.1.{number}.10", line.connect)
        for number, line in enumerate(lines, 1)
    ]
