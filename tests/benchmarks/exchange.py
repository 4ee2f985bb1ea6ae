"""Two sites: from an entry to 確認済, what it costs on the wire, catching up after an outage, and an idle day.

The box is a served site behind a line that counts bytes and requests; the hub runs beside the store; both are
processes of their own, with the settings that the commands use.
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from crypto.importance import Importance
from sync.client import KeeperClient
from sync.exchange import Exchange
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.site import SitePaths
from sync.status import read_status
from sync.stores import Store
from tests.faults.city import City

EDITS = 30
WIRE_EDITS = 6
WIRE_S = 75.0  # longer than the time to the next checkpoint
SIZES = (1_000, 10_000, 100_000)
BATCH = 35
IDLE_S = 120.0
DAY_S = 86_400.0
PATIENCE_S = 600.0


@dataclass
class Measured:
    """What came out."""

    edit_confirmed_s_p50: float
    edit_confirmed_s_p99: float
    edit_wire_kb: float
    catch_up_s: dict[int, float]
    idle_requests_per_day: float


def measure(folder: Path) -> Measured:
    """Measure everything in a city in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    city = City(folder)
    try:
        city.serve(city.school.site)
        city.run_hubs()
        city.until_confirmed(city.school.site)
        seconds = _edits(city)
        wire = _wire(city)
        catching = {size: _catch_up(city, size) for size in SIZES}
        idle = _idle(city)
    finally:
        city.close()
    return Measured(median(seconds), sorted(seconds)[int(len(seconds) * 0.99)], wire, catching, idle)


def _session(city: City) -> SealedStore:
    office = city.school.office("sato")
    return office._session.store


def _edit(session: SealedStore, name: str) -> int:
    record = session.record_id("attendance.mark", Importance.III, name)
    return session.put([Draft("attendance.mark", record, Importance.III, bytes(60))]).last_seq


def _edits(city: City) -> list[float]:
    """Return the seconds from keeping a mark to the light that says 確認済, one after another."""
    session, found = _session(city), []
    for number in range(EDITS + 3):
        time.sleep(0.5 + 0.037 * (number % 7))
        began = time.perf_counter()
        _wait_confirmed(city, _edit(session, f"edit-{number}"))
        found.append(time.perf_counter() - began)
    session.close()
    return found[3:]


def _wire(city: City) -> float:
    """Return kB on the box's line for one mark with everything that follows from it, above an idle line."""
    session, carried = _session(city), city.line.carried
    time.sleep(WIRE_S)
    before, began = carried.up + carried.down, time.monotonic()
    time.sleep(WIRE_S)
    idle = (carried.up + carried.down - before) / (time.monotonic() - began)
    costs = []
    for number in range(WIRE_EDITS):
        before, began = carried.up + carried.down, time.monotonic()
        _wait_confirmed(city, _edit(session, f"wire-{number}"))
        time.sleep(WIRE_S)
        costs.append(carried.up + carried.down - before - idle * (time.monotonic() - began))
    session.close()
    return median(costs) / 1000


def _catch_up(city: City, size: int) -> float:
    """Return the seconds from the line's return until everything entered without it is 確認済."""
    city.line.cut()
    session, last = _session(city), 0
    for start in range(0, size, BATCH):
        names = [f"{size}-{number}" for number in range(start, min(size, start + BATCH))]
        records = [session.record_id("attendance.mark", Importance.III, name) for name in names]
        last = session.put([Draft("attendance.mark", record, Importance.III, bytes(60)) for record in records]).last_seq
    session.close()
    began = time.perf_counter()
    city.line.mend()
    _wait_confirmed(city, last)
    return time.perf_counter() - began


def _idle(city: City) -> float:
    """Return the requests of an idle day: a whole one of the exchange on a clock of ours, the rest counted and scaled."""
    with contextlib.closing(Reader(city.school.paths.store)) as reader:
        exchange = _segments_of_a_day(city, reader)
    city.stop("hubs")
    session = _session(city)
    session.close()
    time.sleep(WIRE_S)
    carried = city.line.carried
    before = carried.requests
    time.sleep(IDLE_S)
    beside = (carried.requests - before) / IDLE_S * DAY_S
    return exchange + beside


def _segments_of_a_day(city: City, reader: Reader) -> float:
    raise NotImplementedError


def _wait_confirmed(city: City, seq: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = read_status(city.school.paths)
        if status is not None and (status.confirmed or 0) >= seq:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{seq} was not confirmed: {status}")
        time.sleep(0.005)
