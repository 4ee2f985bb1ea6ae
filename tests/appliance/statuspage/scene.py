"""A board whose schools stand in every way, without any of its processes running."""

import contextlib
import dataclasses
import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.board.drills import RECORD, Drill
from appliance.board.hubs import hub_path
from crypto.secret import Secret
from sync.clock import wall_ms
from sync.objectstore import StoreConfig
from sync.site import SitePaths
from sync.status import LinkState, Status, write_status
from tests.appliance.region.city import City, make_city
from tests.sync.cloud import ACCESS, SECRET

NOWHERE = StoreConfig("http://127.0.0.1:9", "b", "us-east-1", ACCESS, Secret(SECRET.encode()))
DAY_MS = 86_400_000


def status(**more: object) -> Status:
    told = Status(
        link=LinkState.ONLINE,
        link_since_ms=wall_ms(),
        saved=40,
        sent=40,
        waiting=0,
        sent_at_ms=None,
        verified_at_ms=None,
        verified_seq=0,
        replica_resets=0,
        litestream_restarts=0,
        warnings=(),
        at_ms=wall_ms(),
        boot_s=time.monotonic(),
        confirmed=40,
    )
    return msgspec.structs.replace(told, **more)


def stand(city: City) -> None:
    """Let the first be well, the second's hub have a warning, the third's line be cut, the fourth's hub stand."""
    schools = city.board.schools
    for school, told in zip(
        schools,
        (status(), status(warnings=("SYNC-044",)), status(link=LinkState.OFFLINE, waiting=7), None),
        strict=True,
    ):
        if told is not None:
            write_status(SitePaths(hub_path(city.board, school)), told)
    now = wall_ms()
    lines = [
        Drill(schools[0], now - DAY_MS, True, "", 10, now),
        Drill(schools[1], now - 90 * DAY_MS, True, "", 10, now),
        Drill(schools[2], now - 2 * DAY_MS, True, "", 10, now),
        Drill(schools[2], now - DAY_MS, False, "SYNC-040", 0, None),
    ]
    (city.board.path / RECORD).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


@dataclasses.dataclass(frozen=True)
class Served:
    """A running status page."""

    port: int

    def get(self, path: str = "/", method: str = "GET") -> tuple[int, dict[str, str], str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(line):
            line.request(method, path)
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()


@contextlib.contextmanager
def serving(board: Path) -> Iterator[Served]:
    """Run the page's own process over a board's folder."""
    command = [sys.executable, "-m", "appliance.cli", "board", "--board", str(board), "page"]
    silent = subprocess.DEVNULL
    with subprocess.Popen(
        [*command, "--address", "127.0.0.1:0"], stdin=silent, stdout=subprocess.PIPE, stderr=silent, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Served(int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2]))
        finally:
            process.terminate()
            process.wait(30)


def city_at(folder: Path) -> City:
    """Make four schools that stand in four ways, and take away what opens the board's root."""
    city = make_city(folder, NOWHERE, 4)
    stand(city)
    for key in ("root.sealed", "pepper"):
        (city.board.path / key).unlink()
    return city
