"""A founded site with a real keeper process, for the tests of every layer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crypto.identity import Identity
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.founding import Member, found_store
from sync.ids import Origin, Site
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.sealed import SealedStore
from sync.site import SitePaths, create_site

SCHOOL = "C241200000011"
ALL = tuple(Importance)

_START_S = 120.0  # a soak starts hundreds, on a machine that has no core to spare


@dataclass
class TestSite:
    """A site folder, its people and its keeper."""

    __test__ = False

    paths: SitePaths
    root: Identity
    people: dict[str, Identity] = field(default_factory=dict)
    keeper: "subprocess.Popen[bytes] | None" = None

    def start_keeper(self) -> None:
        self.keeper = subprocess.Popen([sys.executable, "-m", "sync.keeper", str(self.paths.root)])
        client = KeeperClient(self.paths.socket, patience_s=_START_S)
        client.hello()
        client.close()

    def kill_keeper(self) -> None:
        assert self.keeper is not None
        self.keeper.send_signal(signal.SIGKILL)
        self.keeper.wait()
        self.keeper = None

    def stop_keeper(self) -> int:
        assert self.keeper is not None
        self.keeper.terminate()
        code = self.keeper.wait(10)
        self.keeper = None
        return code

    def session(self, name: str = "") -> SealedStore:
        identity = self.people[name] if name else self.root
        reader = Reader(self.paths.store)
        keyring = open_keyring(reader, identity, self.root.sign.verify_key)
        return SealedStore(reader, KeeperClient(self.paths.socket), identity, keyring)

    def close(self) -> None:
        if self.keeper is not None:
            self.keeper.kill()
            self.keeper.wait()


def found_site(
    folder: Path,
    people: Sequence[tuple[str, tuple[Importance, ...]]] = (("sato", ALL), ("suzuki", (Importance.III,))),
    site_key: Identity | None = None,
    root: Identity | None = None,
    school: str = SCHOOL,
) -> TestSite:
    """Make a site under `folder`, start its keeper and found its store."""
    root = root or Identity.generate(b"board-board-boar")
    site = TestSite(create_site(folder, Origin(school, Site.BOX, 1)), root)
    members = []
    for index, (name, cleared) in enumerate(people):
        site.people[name] = Identity.generate(index.to_bytes(16, "big"))
        members.append(Member(site.people[name].public, name, ("teacher",), cleared))
    if site_key is not None:
        members.append(Member(site_key.public, "@box", ("site",), ()))
    site.start_keeper()
    reader = Reader(site.paths.store)
    found_store(reader, KeeperClient(site.paths.socket), root, members, wall_ms()).close()
    return site


def wait_for(path: Path, seconds: float = 10) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.01)


def file_ids() -> int:
    """Return the number of open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))
