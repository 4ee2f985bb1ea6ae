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
from sync.hub import Hub
from sync.hubschool import HubSchool

_LOOK_S: Final = 5.0
Say = Callable[[str], None]


async def run_hubs(board: BoardFolder, stop: asyncio.Event, say: Say) -> None:
    """Serve every school's hub until `stop`."""
    while not stop.is_set():
        seen, sites = _marks(board), hubs_of(board)
        say(f"{board.name}: {len(sites)}校")
        hub = Hub(board.path / HUBS / "run", [HubSchool(site.paths, site.daemon_settings()) for site in sites])
        serving = asyncio.create_task(hub.run())
        while not stop.is_set() and not serving.done() and _marks(board) == seen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(stop.wait())), _LOOK_S)
        hub.stop()
        await serving


def _marks(board: BoardFolder) -> list[tuple[str, int]]:
    """Return what changes when a hub is made or configured anew."""
    files = sorted((board.path / HUBS).glob("*/kurabako.toml"))
    return [(str(file), file.stat().st_mtime_ns) for file in files]
