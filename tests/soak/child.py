"""One side of a town in a process of its own: the school's box, or the board's hub.

Invariant: what runs here is what the commands run; only waits are shortened (watchdogs, looking for news, checks),
and a stage may be named at which the whole process group dies.
"""

import asyncio
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey
from sync import litestream
from sync.daemon import SiteDaemon
from sync.hub import Hub
from sync.hubschool import HubSchool
from sync.objectstore import StoreConfig
from sync.settings import HUB_PACE, Pace, Settings
from sync.site import SitePaths
from tests.soak.processes import below
from tests.sync.pair import RULES


def die() -> None:
    """Kill the whole site at once, as a power cut would."""
    for pid in below(os.getpid()).values():
        os.kill(pid, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def arm(stage: str, when: str, nth: int) -> None:
    """Let the nth call of `module:name.method` be the last thing that happens, `before` or `after` its work."""
    module, _, path = stage.partition(":")
    *holders, name = path.split(".")
    holder: Any = importlib.import_module(module)
    for each in holders:
        holder = getattr(holder, each)
    work: Callable[..., Any] = getattr(holder, name)
    calls = 0

    def dying(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        last = calls == nth
        if last and when == "before":
            die()
        result = work(*args, **more)
        if last:
            die()
        return result

    setattr(holder, name, dying)


def look_every(interval: str) -> None:
    """Let Litestream look for changes so often: an hour of its looking goes into minutes of a soak."""
    litestream.INTERVALS["monitor-interval"] = interval
    setattr(litestream, "SYNC_INTERVAL", interval)  # noqa: B010 - a constant elsewhere


def main() -> None:
    """Serve the site that standard input describes, until SIGTERM."""
    told = json.loads(sys.stdin.readline())
    for name, seconds in told["patience"].items():
        module, _, constant = name.partition(":")
        holder = importlib.import_module(module)
        assert isinstance(getattr(holder, constant), float), name
        setattr(holder, constant, seconds)
    if told["litestream"]:
        look_every(told["litestream"])
    if told["die"]:
        arm(*told["die"])
    paths, hub = SitePaths(Path(told["folder"])), told["role"] == "hub"
    store = StoreConfig(
        told["endpoint"], told["bucket"], "us-east-1", told["access"], Secret(told["secret"].encode())
    )
    settings = Settings(
        store,
        VerifyKey.from_bytes(bytes.fromhex(told["root"])),
        SigningKey.from_bytes(Secret(bytes.fromhex(told["key"]))),
        told["checkpoint_every_s"],
        rules=RULES,
        pace=HUB_PACE if hub else Pace(lively=((600.0, told["look_s"]),)) if told["look_s"] else Pace(),
    )
    if hub:
        asyncio.run(_serve_hub(paths, settings))
        return
    daemon = SiteDaemon(paths, settings)
    signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
    daemon.run()


async def _serve_hub(paths: SitePaths, settings: Settings) -> None:
    hub = Hub(paths.root / "hubs", [HubSchool(paths, settings)])
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, hub.stop)
    await hub.run()


if __name__ == "__main__":
    main()
