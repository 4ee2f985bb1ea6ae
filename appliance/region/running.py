"""The hubs of a region: who is due is visited by whichever worker is free, and what came of it is written here.

Invariant: this process decides when, never what: it may end or be killed at any moment, and so may any worker, and
the next visit goes on from what stands in object storage. Of one hub one visit at a time is given out.
"""

import contextlib
import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from appliance.board.folder import BoardFolder
from appliance.board.hubs import HUBS, open_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.regional import REGION_LOCK, RegionBusyError, alone, enter_region, held, in_region, unsent
from appliance.board.restored import store_of
from appliance.credentials import SITE_KEY, read_secret
from appliance.messages import explain
from appliance.region.cluster import Cluster, WorkerLostError
from appliance.region.visiting import Errand, Outcome, visit_one
from appliance.site import SiteFolder
from crypto.errors import KurabakoError
from sync.clock import wall_ms
from sync.hubvisit import Visited
from sync.ids import Origin, Site
from sync.leaseissuer import HUB_SECRET
from sync.localstore import LocalStore
from sync.objectstore import ObjectStore, StoreConfig
from sync.status import LinkState, Status, write_status

_LOOK_S: Final = 5.0
_WHOLE_S: Final = 3600.0  # leases and summaries are looked at as often where nobody says anything
_AGAIN_S: Final = 5.0
_TURN_S: Final = 0.2
_FRESH_S: Final = 4.0  # a status that is ten seconds old counts as none
# (seconds since the last news, seconds until the next question), and for a hub that is quieter than all of them.
_PACE: Final = ((60.0, 0.3), (900.0, 2.0), (3600.0, 10.0))
IDLE_S: Final = 30.0
_UNREACHABLE: Final = ("SYNC-040",)
Say = Callable[[str], None]


@dataclass
class Ward:
    """One hub that is with the region, as this process knows it."""

    hub: SiteFolder
    errand: Errand
    place_at: int
    told: Visited | None = None
    code: str = ""
    worker: str = ""
    news_at: float = field(default_factory=time.monotonic)
    whole_at: float = -_WHOLE_S
    status_at: float = -_FRESH_S
    since_ms: int = field(default_factory=wall_ms)
    visits: int = 0
    colds: int = 0
    abroad: bool = False
    hold: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def pause_s(self) -> float:
        """Return the seconds until this hub is to be visited again."""
        age = time.monotonic() - self.news_at
        return next((every for until, every in _PACE if age <= until), IDLE_S)


class Region:
    """Runs the hubs of a board on a cluster until `stop`. Used by one thread; raises RegionBusyError."""

    def __init__(self, board: BoardFolder, cluster: Cluster, stop: threading.Event, say: Say) -> None:
        self.wards: dict[str, Ward] = {}
        self._board, self._cluster, self._stop, self._say = board, cluster, stop, say
        self._due: list[tuple[float, str]] = []
        self._refused: dict[str, str] = {}
        self._asked: set[tuple[str, str]] = set()

    def run(self) -> None:
        """Visit whoever is due, again and again."""
        look_at = 0.0
        with held(self._board.path / HUBS / REGION_LOCK):
            while not self._stop.is_set():
                if time.monotonic() >= look_at:
                    self._look()
                    look_at = time.monotonic() + _LOOK_S
                self._give_out()
                self._take_in(_TURN_S)
            while self._cluster.under_way:  # what is under way is told before anybody else begins
                self._take_in(None)

    def _look(self) -> None:
        """Take in hubs that are new, send what officers left at the board's copies."""
        for path in sorted((self._board.path / HUBS).glob("*/school.db")):
            school, ward = path.parent.name, self.wards.get(path.parent.name)
            try:
                if ward is None:
                    self._welcome(school)
                elif not ward.abroad:
                    self._mind(ward)
            except KurabakoError as error:
                self._tell(school, error)

    def _mind(self, ward: Ward) -> None:
        """Send what officers left at the board's copy, follow a store that moved, keep the status fresh."""
        school = ward.errand.place.school
        if unsent(ward.hub.paths):
            with SiteKeeper(ward.hub.paths):
                pass
        changed_at = place_changed_at(self._board, school)
        if changed_at != ward.place_at:
            ward.errand = replace(ward.errand, place=self._board.place(school))
            ward.place_at = changed_at
        if time.monotonic() - ward.status_at >= _FRESH_S:
            self._show(ward)

    def _welcome(self, school: str) -> None:
        hub, place = open_hub(self._board, school), self._board.place(school)
        self._check(store_of(place), Origin(school, Site.HUB, 1))
        if not in_region(hub.paths):
            enter_region(hub)
        key = read_secret(hub.path, SITE_KEY, needed=True)
        assert key is not None  # noqa: S101 - it was needed
        errand = Errand(
            place,
            self._board.root.to_bytes(),
            key.reveal(),
            _escrow_key(hub),
            checkpoint_s=float(hub.config.replication.checkpoint_every_s),
        )
        self.wards[school] = Ward(hub, errand, place_changed_at(self._board, school))
        self._refused.pop(school, None)
        heapq.heappush(self._due, (0.0, school))
        self._say(f"{school}: {hub.config.site.name}")

    def _check(self, store: StoreConfig, origin: Origin) -> None:
        """See once for each bucket that it keeps two creators apart: the segments' numbers depend on it."""
        bucket = (store.endpoint, store.bucket)
        if bucket not in self._asked:
            ObjectStore(store).require_conditions(origin.prefix)
            self._asked.add(bucket)

    def _tell(self, school: str, error: KurabakoError) -> None:
        if self._refused.get(school) != error.code:
            self._refused[school] = error.code
            self._say(f"{school}: {explain(error).sentence} [{error.code}]")

    def _give_out(self) -> None:
        """Give out visits that are due, as many as keep every worker busy and no more."""
        now, most = time.monotonic(), 2 * self._cluster.size
        while self._due and self._due[0][0] <= now and self._cluster.under_way < most:
            _, school = heapq.heappop(self._due)
            ward = self.wards[school]
            try:
                ward.hold.enter_context(alone(ward.hub.paths))
            except RegionBusyError:  # an officer works at the board's copy
                heapq.heappush(self._due, (now + 1.0, school))
                continue
            whole = now - ward.whole_at >= _WHOLE_S or ward.told is None or bool(ward.code)
            asks = () if whole else ward.told.asks if ward.told else ()
            ward.whole_at = now if whole else ward.whole_at
            ward.abroad = True
            self._cluster.start(school, visit_one, replace(ward.errand, asks=asks), where=ward.worker)

    def _take_in(self, wait_s: float | None) -> None:
        """Take what is done, waiting for the first."""
        found = self._cluster.next(wait_s)
        while found is not None:
            school, outcome = found
            self._note(self.wards[school], outcome)
            found = self._cluster.next(0.0) if self._cluster.under_way else None

    def _note(self, ward: Ward, outcome: object) -> None:
        ward.hold.close()
        ward.abroad = False
        now, before = time.monotonic(), ward.code
        if isinstance(outcome, Outcome):
            ward.worker, ward.code, ward.visits = outcome.worker, outcome.code, ward.visits + 1
            ward.colds += outcome.cold
            if outcome.told is not None:
                new = ward.told is None or outcome.told.merged > 0 or outcome.told.saved > ward.told.saved
                ward.news_at = now if new else ward.news_at
                ward.told = outcome.told
        else:
            ward.worker, ward.code = "", WorkerLostError.code
        if ward.code and ward.code != before:
            ward.since_ms = wall_ms()
            self._say(f"{ward.errand.place.school}: {ward.code}")
        if ward.code != before or now - ward.status_at >= 1.0:
            self._show(ward)
        pause_s = _AGAIN_S if ward.code else ward.pause_s()
        heapq.heappush(self._due, (now + pause_s, ward.errand.place.school))

    def _show(self, ward: Ward) -> None:
        ward.status_at = time.monotonic()
        write_status(ward.hub.paths, ward_status(ward))


def place_changed_at(board: BoardFolder, school: str) -> int:
    """Return what changes when a school's replica is noted to be elsewhere."""
    return (board.path / "schools" / f"{school}.toml").stat().st_mtime_ns


def _escrow_key(hub: SiteFolder) -> bytes:
    local = LocalStore(hub.paths.local)
    try:
        return local.get(*HUB_SECRET) or b""
    finally:
        local.close()


def ward_status(ward: Ward) -> Status:
    """Return a hub's status as its own daemon would tell it."""
    told = ward.told or Visited((), 0, 0, 0, 0, 0)
    return Status(
        link=LinkState.OFFLINE if ward.code in _UNREACHABLE else LinkState.ONLINE,
        link_since_ms=ward.since_ms,
        saved=told.saved,
        sent=told.sent,
        waiting=max(0, told.saved - told.sent),
        sent_at_ms=None,
        verified_at_ms=None,
        verified_seq=0,
        replica_resets=0,
        litestream_restarts=0,
        warnings=tuple(dict.fromkeys([code for code in (ward.code, *told.faults) if code])),
        at_ms=wall_ms(),
        boot_s=time.monotonic(),
        confirmed=told.confirmed,
        quarantined=told.quarantined,
    )
