"""Running the hubs of all schools in one process.

Invariant: which schools there are is looked at again and again, so one that is enrolled, or whose place changes,
joins without anybody's hand; between two such moments nothing is restarted.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from appliance.board.folder import BoardFolder
from appliance.board.hubs import HUBS, hubs_of
from appliance.board.regional import REGION_LOCK, held, in_region, leave_region
from appliance.site import SiteFolder
from sync.hub import Hub
from sync.hubschool import HubSchool

_LOOK_S: Final = 5.0
Say = Callable[[str], None]


async def run_hubs(board: BoardFolder, stop: asyncio.Event, say: Say) -> None:
    """Serve every school's hub until `stop`."""
    while not stop.is_set():
        seen, sites = _marks(board), _taken_back(board)
        say(f"{board.name}: {len(sites)}校")
        hub = Hub(board.path / HUBS / "run", [HubSchool(site.paths, site.daemon_settings()) for site in sites])
        serving = asyncio.create_task(hub.run())
        while not stop.is_set() and not serving.done() and _marks(board) == seen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(stop.wait())), _LOOK_S)
        hub.stop()
        await serving


def _taken_back(board: BoardFolder) -> list[SiteFolder]:
    """Return the hubs, after those that were with a region came back; raises RegionBusyError while one runs."""
    sites = hubs_of(board)
    away = [site for site in sites if in_region(site.paths)]
    if away:
        with held(board.path / HUBS / REGION_LOCK):
            for site in away:
                leave_region(site)
    return sites


def _marks(board: BoardFolder) -> list[tuple[str, int]]:
    """Return what changes when a hub is made or configured anew."""
    files = sorted((board.path / HUBS).glob("*/kurabako.toml"))
    return [(str(file), file.stat().st_mtime_ns) for file in files]
