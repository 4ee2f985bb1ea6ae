"""The hubs of a region: who is due is asked about, whoever has news is visited by whichever worker is free.

Invariant: this process decides when, never what: it may end or be killed at any moment, and so may any worker, and
the next visit goes on from what stands in object storage. Of one hub one visit at a time is given out.
"""

import contextlib
import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from appliance.board.folder import BoardFolder
from appliance.board.hubs import HUBS
from appliance.board.keeping import SiteKeeper
from appliance.board.regional import REGION_LOCK, RegionBusyError, alone, enter_region, held, in_region, unsent
from appliance.board.restored import store_of
from appliance.messages import explain
from appliance.region.asking import Answer, Asker
from appliance.region.cluster import Cluster, WorkerLostError
from appliance.region.stores import kept_store
from appliance.region.visiting import Outcome, visit_one
from appliance.region.wards import Ward, ward_of, worked_at
from crypto.errors import KurabakoError
from sync.clock import wall_ms
from sync.errors import StoreUnreachableError
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore, StoreConfig
from sync.status import write_status

_LOOK_S: Final = 5.0
_PART_S: Final = 0.25  # of looking: with a thousand hubs nobody else may wait until all were looked at
_AGAIN_S: Final = 5.0
_AWAY_S: Final = 120.0  # a store that does not answer costs this thread two to five seconds
_TURN_S: Final = 0.1
_FRESH_S: Final = 4.0  # a status that is ten seconds old counts as none
Say = Callable[[str], None]


class Region:
    """Runs the hubs of a board on a cluster until `stop`. Used by one thread; raises RegionBusyError."""

    def __init__(self, board: BoardFolder, cluster: Cluster, stop: threading.Event, say: Say) -> None:
        self.wards: dict[str, Ward] = {}
        self._board, self._cluster, self._stop, self._say = board, cluster, stop, say
        self._asker = Asker()
        self._due: list[tuple[float, str]] = []
        self._news: deque[str] = deque()
        self._round: Iterator[Path] = iter(())
        self._look_at = 0.0
        self._refused: dict[str, str] = {}
        self._asked: set[tuple[str, str]] = set()
        self._away: dict[tuple[str, str], float] = {}

    def run(self) -> None:
        """Ask about whoever is due and visit whoever has news, again and again."""
        with held(self._board.path / HUBS / REGION_LOCK), contextlib.closing(self._asker):
            while not self._stop.is_set():
                looking = self._look()
                self._ask()
                self._give_out()
                self._take_in(0.0 if looking else _TURN_S)
            while self._cluster.under_way:  # what is under way is told before anybody else begins
                self._take_in(None)

    def _look(self) -> bool:
        """Look at some of the hubs when it is time; say whether others are left."""
        end = time.monotonic() + _PART_S
        while (path := next(self._round, None)) is not None:
            self._look_at_hub(path.parent.name)
            if time.monotonic() >= end:
                return True
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _LOOK_S
            self._round = iter(sorted((self._board.path / HUBS).glob("*/school.db")))
            return True
        return False

    def _look_at_hub(self, school: str) -> None:
        ward = self.wards.get(school)
        try:
            if ward is None:
                self._welcome(school)
            elif not ward.abroad:
                self._mind(ward)
        except KurabakoError as error:
            self._tell(school, error)

    def _mind(self, ward: Ward) -> None:
        """Send what officers left at the board's copy, follow a store that moved, keep the status fresh."""
        if unsent(ward.hub.paths):
            with SiteKeeper(ward.hub.paths):
                pass
        worked = worked_at(self._board, ward.hub)
        if worked != ward.worked_at:
            ward.errand = replace(ward.errand, place=self._board.place(ward.school))
            ward.worked_at = worked
            ward.look_at_all()
        if time.monotonic() - ward.status_at >= _FRESH_S:
            self._show(ward)

    def _welcome(self, school: str) -> None:
        ward = ward_of(self._board, school)
        self._reach(ward)
        self.wards[school] = ward
        self._refused.pop(school, None)
        heapq.heappush(self._due, (0.0, school))
        self._say(f"{school}: {ward.hub.config.site.name}")

    def _reach(self, ward: Ward) -> None:
        """Give a hub to the region; of a store that was away just now this thread waits for no other school."""
        place = ward.errand.place
        bucket = (place.endpoint, place.bucket)
        if time.monotonic() < self._away.get(bucket, 0.0):
            raise StoreUnreachableError(operation="welcome hub", subject=place.school, endpoint=place.endpoint)
        try:
            self._check(store_of(place), Origin(place.school, Site.HUB, 1))
            if not in_region(ward.hub.paths):
                enter_region(ward.hub, kept_store(place))
                ward.worked_at = worked_at(self._board, ward.hub)
        except StoreUnreachableError:
            self._away[bucket] = time.monotonic() + _AWAY_S
            raise

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

    def _ask(self) -> None:
        """Ask about whoever is due, and take in what was answered."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, school = heapq.heappop(self._due)
            ward = self.wards[school]
            asks = ward.asks()
            ward.asked += len(asks)
            if asks:
                self._asker.ask(school, ward.errand.place, asks)
            else:
                self._news.append(school)
        for school, answer in self._asker.answers():
            self._hear(self.wards[school], answer)

    def _hear(self, ward: Ward, answer: Answer) -> None:
        if answer.news or (ward.code and not answer.code):
            self._news.append(ward.school)
        else:
            self._settle(ward, answer.code)

    def _give_out(self) -> None:
        """Give out visits, as many as keep every worker busy and no more."""
        most = 2 * self._cluster.size
        while self._news and self._cluster.under_way < most:
            ward = self.wards[self._news.popleft()]
            try:
                ward.hold.enter_context(alone(ward.hub.paths))
            except RegionBusyError:  # an officer works at the board's copy
                heapq.heappush(self._due, (time.monotonic() + 1.0, ward.school))
                continue
            ward.whole_at, ward.abroad = time.monotonic(), True
            self._cluster.start(ward.school, visit_one, ward.errand, where=ward.worker)

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
        if not isinstance(outcome, Outcome):
            ward.worker = ""
            self._settle(ward, WorkerLostError.code)
            return
        ward.worker, ward.visits, ward.colds = outcome.worker, ward.visits + 1, ward.colds + outcome.cold
        if outcome.told is not None:
            new = ward.told is None or outcome.told.merged > 0 or outcome.told.saved > ward.told.saved
            ward.news_at = time.monotonic() if new else ward.news_at
            ward.told = outcome.told
        if time.monotonic() - ward.status_at >= 1.0:
            self._show(ward)
        self._settle(ward, outcome.code)

    def _settle(self, ward: Ward, code: str) -> None:
        """Note how it went, and when this hub is due again."""
        if code != ward.code:
            ward.code, ward.since_ms = code, wall_ms()
            if code:
                self._say(f"{ward.school}: {code}")
            self._show(ward)
        heapq.heappush(self._due, (time.monotonic() + (_AGAIN_S if code else ward.pause_s()), ward.school))

    def _show(self, ward: Ward) -> None:
        ward.status_at = time.monotonic()
        write_status(ward.hub.paths, ward.status())
