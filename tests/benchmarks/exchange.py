"""Two sites: from an entry to 確認済, what it costs on the wire, catching up after an outage, and an idle day.

The box is a served site behind a line that counts bytes and requests; the hub runs beside the store; both are
processes of their own, with the settings that the commands use.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import cast

from appliance.site import open_site
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.exchange import Exchange
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.status import read_status
from sync.stores import Store
from tests.faults.city import City

EDITS = 30
SERIES = 24
SERIES_S = 5.0  # as a class is entered
ALONE = 3
ALONE_S = 75.0  # longer than the time to the next checkpoint, and than Litestream gathers
SIZES = (1_000, 10_000, 100_000)
BATCH = 35
IDLE_S = 120.0
DAY_S = 86_400.0
PATIENCE_S = 900.0
SEGMENTS = (b"/changes/", b"/grants/")


@dataclass
class Measured:
    """Seconds, kB and requests; `catch_up_s` by the number of entries made without a line."""

    edit_confirmed_s: list[float]
    edit_wire_kb: float
    edit_wire_alone_kb: float
    catch_up_s: dict[int, float]
    idle_requests_per_day: float


class Line:
    """What goes over a city's line while it is watched."""

    def __init__(self, city: City) -> None:
        self.other_requests = 0  # those that are not about segments
        self._carried = city.line.carried
        counting = self._carried.count

        def count(data: bytes, *, up: bool) -> None:
            counting(data, up=up)
            if up:
                lines = [line for line in data.split(b"\r\n") if line.endswith(b" HTTP/1.1")]
                self.other_requests += sum(not any(word in line for word in SEGMENTS) for line in lines)

        self._carried.count = count  # type: ignore[method-assign]  # for the length of the measurement

    @property
    def bytes(self) -> int:
        return self._carried.up + self._carried.down


def measure(folder: Path) -> Measured:
    """Measure everything in a city in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    city = City(folder)
    line = Line(city)
    try:
        city.serve(city.school.site)
        city.run_hubs()
        city.until_confirmed(city.school.site)
        city.until(city.school.site, lambda status: status.verified_at_ms is not None)  # its first check is over
        seconds = _edits(city)
        series = _wire(city, line, SERIES, SERIES_S)
        # Litestream's levels send once more what they hold every quarter of an hour: the median is without that.
        alone = median(_wire(city, line, 1, ALONE_S) for _ in range(ALONE))
        catching = {size: _catch_up(city, size) for size in SIZES}
        idle = _idle(city, line)
    finally:
        city.close()
    return Measured(seconds, series, alone, catching, idle)


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


def _wire(city: City, line: Line, count: int, every_s: float) -> float:
    """Return kB on the box's line for one of `count` marks, with everything that follows from them."""
    session = _session(city)
    began = time.monotonic()
    _wait_confirmed(city, _edit(session, f"first-{began}"))  # a session's first entry brings its key
    time.sleep(ALONE_S)
    before = line.bytes
    for number in range(count):
        _wait_confirmed(city, _edit(session, f"{began}-{number}"))
        time.sleep(every_s)
    time.sleep(max(0.0, ALONE_S - every_s))
    session.close()
    return (line.bytes - before) / count / 1000


def _catch_up(city: City, size: int) -> float:
    """Return the seconds from the line's return until everything entered without it is 確認済."""
    city.line.cut()
    session, last = _session(city), 0
    for start in range(0, size, BATCH):
        names = [f"{size}-{number}" for number in range(start, min(size, start + BATCH))]
        records = [session.record_id("attendance.mark", Importance.III, name) for name in names]
        last = session.put(
            [Draft("attendance.mark", record, Importance.III, bytes(60)) for record in records]
        ).last_seq
    session.close()
    began = time.perf_counter()
    city.line.mend()
    _wait_confirmed(city, last)
    return time.perf_counter() - began


def _idle(city: City, line: Line) -> float:
    """Return the requests of a day on which nothing happens.

    Segments: a whole day of the exchange over the real store, on a clock of ours. Everything else: counted while
    the site idles, and one self-check, both scaled to a day.
    """
    time.sleep(ALONE_S)
    before = line.other_requests
    time.sleep(IDLE_S)
    beside = (line.other_requests - before) * DAY_S / IDLE_S
    before = line.other_requests
    done = city.run("replica", "verify", city.school.site, "--json")
    assert done.returncode == 0, done.stderr
    checks = (line.other_requests - before) * DAY_S / open_site(city.school.site).daemon_settings().verify_every_s
    return _segments_of_a_day(city) + beside + checks


class _Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.requests = 0

    def __getattr__(self, name: str) -> object:
        self.requests += 1
        return getattr(self._store, name)


def _segments_of_a_day(city: City) -> int:
    site, now = open_site(city.school.site), [0.0]
    store = _Counting(ObjectStore(city.cloud.config))
    with closing(Reader(site.paths.store)) as reader, closing(KeeperClient(site.paths.socket)) as client:
        settings = site.daemon_settings()
        exchange = Exchange(reader, client, settings, cast(Store, store), now=lambda: now[0])
        now[0] = settings.pace.quiet_after_s + 1  # the last entry was in the evening before
        while now[0] < DAY_S + settings.pace.quiet_after_s:
            now[0] += exchange.step()
        assert exchange.failure is None
    return store.requests


def _wait_confirmed(city: City, seq: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = read_status(city.school.paths)
        if status is not None and (status.confirmed or 0) >= seq:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{seq} was not confirmed: {status}")
        time.sleep(0.005)
