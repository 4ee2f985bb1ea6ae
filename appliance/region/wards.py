"""One hub that is with the region, as the process that runs the region knows it: when to ask, what to show."""

import contextlib
import time
from dataclasses import dataclass, field
from typing import Final

from appliance.board.folder import BoardFolder
from appliance.board.hubs import open_hub
from appliance.credentials import SITE_KEY, read_secret
from appliance.region.visiting import Errand
from appliance.site import SiteFolder
from sync.clock import wall_ms
from sync.hubvisit import Visited
from sync.ids import Origin, Site
from sync.leaseissuer import HUB_SECRET
from sync.localstore import LocalStore
from sync.segment import segment_name
from sync.status import LinkState, Status

_WHOLE_S: Final = 3600.0  # leases and summaries are looked at as often where nobody says anything
_SOONEST_S: Final = 0.5
_SHARE: Final = 1 / 6  # of the time since the last news: who works is answered soon, few questions are vain
_IN_USE_S: Final = 10.0
_HOUR_S: Final = 3600.0
# A box that waits asks again after 0.4 of the time it has waited: 30 s become 45 at most, and 40 would become 60.
IDLE_S: Final = 30.0
UNREACHABLE: Final = ("SYNC-040",)


@dataclass
class Ward:
    """`asked`, `visits` and `colds` count GETs that asked for news, visits, and hubs brought up where none was."""

    hub: SiteFolder
    errand: Errand
    worked_at: tuple[int, int]
    told: Visited | None = None
    code: str = ""
    worker: str = ""
    news_at: float = field(default_factory=time.monotonic)
    whole_at: float = -_WHOLE_S
    status_at: float = -_WHOLE_S
    since_ms: int = field(default_factory=wall_ms)
    asked: int = 0
    visits: int = 0
    colds: int = 0
    abroad: bool = False
    hold: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def school(self) -> str:
        """Return the school's code."""
        return self.errand.place.school

    def pause_s(self) -> float:
        """Return the seconds until this hub is to be asked about again."""
        age = time.monotonic() - self.news_at
        return min(_IN_USE_S if age < _HOUR_S else IDLE_S, max(_SOONEST_S, age * _SHARE))

    def look_at_all(self) -> None:
        """Let the next visit be made whatever is asked for now would say."""
        self.whole_at = time.monotonic() - _WHOLE_S

    def asks(self) -> tuple[str, ...]:
        """Return what to ask for before a visit; () when it is to be visited whatever the answer.

        Of a store that is away anything may be asked: as soon as it answers there is a visit.
        """
        if self.code in UNREACHABLE:
            return self.told.asks if self.told else (segment_name(Origin(self.school, Site.HUB, 1), 1),)
        if self.told is None or self.code or time.monotonic() - self.whole_at >= _WHOLE_S:
            return ()
        return self.told.asks

    def status(self) -> Status:
        """Return the hub's status as its own daemon would tell it."""
        told = self.told or Visited((), 0, 0, 0, 0, 0)
        return Status(
            link=LinkState.OFFLINE if self.code in UNREACHABLE else LinkState.ONLINE,
            link_since_ms=self.since_ms,
            saved=told.saved,
            sent=told.sent,
            waiting=max(0, told.saved - told.sent),
            sent_at_ms=None,
            verified_at_ms=None,
            verified_seq=0,
            replica_resets=0,
            litestream_restarts=0,
            warnings=tuple(dict.fromkeys([code for code in (self.code, *told.faults) if code])),
            at_ms=wall_ms(),
            boot_s=time.monotonic(),
            confirmed=told.confirmed,
            quarantined=told.quarantined,
        )


def ward_of(board: BoardFolder, school: str) -> Ward:
    """Return a school's hub with what a visit to it takes; raises what a broken folder of a hub raises."""
    hub = open_hub(board, school)
    key = read_secret(hub.path, SITE_KEY, needed=True)
    assert key is not None  # noqa: S101 - it was needed
    every_s = float(hub.config.replication.checkpoint_every_s)
    errand = Errand(board.place(school), board.root.to_bytes(), key.reveal(), _escrow_key(hub), every_s)
    return Ward(hub, errand, worked_at(board, hub))


def worked_at(board: BoardFolder, hub: SiteFolder) -> tuple[int, int]:
    """Return what changes when a school's replica is noted to be elsewhere, or an officer worked at the hub.

    What officers did may be a grant: then others are to be asked for than before.
    """
    place = board.path / "schools" / f"{hub.config.site.school}.toml"
    return place.stat().st_mtime_ns, hub.paths.store.stat().st_mtime_ns


def _escrow_key(hub: SiteFolder) -> bytes:
    local = LocalStore(hub.paths.local)
    try:
        return local.get(*HUB_SECRET) or b""
    finally:
        local.close()
