"""A site under its daemon, ticked by the test, and a program that serves one in a process of its own."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crypto.identity import Identity
from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey
from sync.client import KeeperClient
from sync.daemon import SiteDaemon
from sync.objectstore import StoreConfig
from sync.reader import Reader
from sync.restore import Restorer, RestoreReport, Wanted
from sync.settings import Settings
from sync.site import SitePaths
from sync.sitevoice import SiteVoice
from sync.status import LinkState, Status
from tests.sync.cloud import ORIGIN, Cloud, Office, box_key, cloud_at, new_site, wait_until
from tests.sync.site import TestSite


class Serving:
    """A site, its store and its daemon."""

    def __init__(self, cloud: Cloud, site: TestSite, key: Identity) -> None:
        self.cloud = cloud
        self.site = site
        self.key = key
        self.timers: dict[str, float] = {"checkpoint_every_s": 0.2}
        self.office = Office(site)
        self.running: SiteDaemon | None = None
        site.stop_keeper()

    @property
    def daemon(self) -> SiteDaemon:
        assert self.running is not None
        return self.running

    @property
    def status(self) -> Status:
        return self.daemon.status()

    @property
    def paths(self) -> SitePaths:
        return self.site.paths

    def settings(self, **more: Any) -> Settings:
        given: dict[str, Any] = {"store": self.cloud.config, **self.timers, **more}
        return Settings(root=self.site.root.sign.verify_key, key=self.key.sign, **given)

    def start(self, **more: Any) -> None:
        self.running = SiteDaemon(self.paths, self.settings(**more))
        self.running.start()

    def stop(self) -> None:
        if self.running is not None:
            self.running.close()
        self.running = None

    def until(self, ready: Callable[[Status], object], what: str) -> None:
        """Tick until the status says so."""
        wait_until(lambda: ready(self.status), what, self.daemon.tick)

    def all_sent(self) -> None:
        self.until(lambda status: status.sent and not status.waiting, "all is sent")

    def settle(self) -> None:
        """Wait until the last entry has its checkpoint and both are sent."""
        wait_until(lambda: not self.dirty(), "checkpoint", self.daemon.tick)
        self.all_sent()

    def dirty(self) -> bool:
        with contextlib.closing(Reader(self.paths.store)) as reader:
            voice = SiteVoice(reader, KeeperClient(self.paths.socket), self.key.sign)
            return voice.dirty

    def online(self) -> None:
        self.until(lambda status: status.link is LinkState.ONLINE, "online")

    def offline(self) -> None:
        self.until(lambda status: status.link is LinkState.OFFLINE, "offline")

    def restored(self, folder: Path) -> RestoreReport:
        known_seq = self.status.saved
        wanted = Wanted(ORIGIN, self.site.root.sign.verify_key, known_seq=known_seq)
        return Restorer(self.cloud.direct, wanted, folder).run()


@contextmanager
def serving_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """Make a site and its store, with quick probes and no self-check unless a test wants one."""
    for name in ("_IDLE_S", "_BUSY_S"):
        monkeypatch.setattr(f"sync.lineprobe.{name}", 0.1)
    monkeypatch.setattr("sync.replicacheck._FIRST_S", 1e9)
    key = box_key()
    site = new_site(folder / "site", key)
    with cloud_at(folder) as cloud:
        serving = Serving(cloud, site, key)
        try:
            yield serving
        finally:
            cloud.line.mend()
            serving.stop()
            serving.office.close()
            site.close()


def job(serving: Serving) -> str:
    """Return what `main` needs; for the environment, since it holds the keys."""
    store = serving.cloud.config
    return json.dumps(
        {
            "folder": str(serving.paths.root),
            "endpoint": store.endpoint,
            "bucket": store.bucket,
            "access": store.access_key,
            "secret": store.secret_key.reveal().decode(),
            "root": serving.site.root.sign.verify_key.to_bytes().hex(),
            "key": serving.key.sign.to_bytes().reveal().hex(),
        }
    )


def main() -> None:
    """Serve the site that standard input names; say who the children are, then go on until killed."""
    told = json.loads(sys.stdin.readline())
    store = StoreConfig(
        told["endpoint"], told["bucket"], "us-east-1", told["access"], Secret(told["secret"].encode())
    )
    root = VerifyKey.from_bytes(bytes.fromhex(told["root"]))
    key = SigningKey.from_bytes(Secret(bytes.fromhex(told["key"])))
    daemon = SiteDaemon(SitePaths(Path(told["folder"])), Settings(store, root, key))
    daemon.start()
    while not daemon.status().sent:
        daemon.tick()
        time.sleep(0.02)
    print(json.dumps(daemon.children()), flush=True)
    while True:
        daemon.tick()
        time.sleep(0.1)


if __name__ == "__main__":
    main()
