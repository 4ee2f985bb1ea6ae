"""A real object store behind a line that can be cut, and sites that replicate to it."""

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from crypto.identity import Identity
from crypto.importance import Importance
from crypto.secret import Secret
from sync.checkpoint import site_person
from sync.clock import wall_ms
from sync.embedded import EmbeddedStore
from sync.errors import ReplicatorError
from sync.ids import Origin, Site
from sync.linecut import LineCut
from sync.litestream import Litestream, Replicated, replica_path
from sync.objectstore import ObjectStore, StoreConfig
from sync.restore import Wanted
from sync.sealed import Draft
from tests.sync.site import SCHOOL, TestSite, found_site

ORIGIN = Origin(SCHOOL, Site.BOX, 1)
PATH = replica_path(ORIGIN)
ACCESS = "kurabako-tests"
SECRET = "a-secret-that-no-file-may-hold"
BUCKET = "schools"
LONG_S = 180.0


def wait_until(ready: Callable[[], object], what: str = "", turn: Callable[[], object] = lambda: None) -> None:
    """Call `turn` until `ready` says so; fails after a generous while."""
    end = time.monotonic() + LONG_S
    while not ready():
        assert time.monotonic() < end, f"never happened: {what or ready}"
        turn()
        time.sleep(0.02)


class Cloud:
    """An rclone server over `folder`/cloud and a line to it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cloud"
        self.server = EmbeddedStore(self.root, ACCESS, Secret(SECRET.encode()), BUCKET)
        self.server.start()
        self.line = LineCut("127.0.0.1", self.server.port)

    @property
    def direct(self) -> StoreConfig:
        """The store without the line."""
        return self.server.config

    @property
    def config(self) -> StoreConfig:
        """The store at the far end of the line."""
        return dataclasses.replace(self.server.config, endpoint=self.line.endpoint)

    @property
    def bucket(self) -> Path:
        return self.root / BUCKET

    @property
    def replica(self) -> Path:
        return self.bucket / PATH

    def objects(self, level: str = "0000") -> list[Path]:
        """Return the files of a level, oldest first."""
        return sorted((self.replica / level).glob("*.ltx"))

    def restart(self) -> None:
        """Start the server again: it then sees what was changed behind its back."""
        self.server.stop()
        self.server.start()

    def close(self) -> None:
        self.line.close()
        self.server.stop()


@contextlib.contextmanager
def cloud_at(folder: Path) -> Iterator[Cloud]:
    """Run a store under `folder` (over what is there already)."""
    cloud = Cloud(folder)
    try:
        yield cloud
    finally:
        cloud.close()


def flip(path: Path, at: int = -1) -> None:
    """Turn one bit of a file around, by default in its middle; the file stays as old as it was."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[at if at >= 0 else len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def copy_of(folder: Path, target: Path) -> Path:
    """Copy a store's folder with its times (the server tells an object's time by its file)."""
    shutil.copytree(folder / "cloud", target / "cloud", copy_function=shutil.copy2)
    return target


def box_key() -> Identity:
    """Return what the box of `ORIGIN` signs with."""
    return Identity.generate(site_person(ORIGIN))


def new_site(folder: Path, key: Identity | None = None, school: str = SCHOOL) -> TestSite:
    """Make a site with one teacher and a running keeper."""
    return found_site(folder, (("sato", tuple(Importance)),), site_key=key, school=school)


def replicating(site: TestSite, store: StoreConfig, origin: Origin = ORIGIN) -> Litestream:
    """Start Litestream beside a site and wait until it has sent what is there."""
    litestream = Litestream(site.paths.run, [Replicated(site.paths, origin)], store)
    litestream.start()
    wait_until(lambda: syncs(litestream), "litestream has begun")
    return litestream


def syncs(litestream: Litestream, timeout_s: float = 5.0) -> bool:
    """Say whether Litestream reports that everything was sent."""
    with contextlib.suppress(ReplicatorError):
        litestream.sync(timeout_s)
        return True
    return False


def store_of(config: StoreConfig, timeout_s: float = 2.0) -> ObjectStore:
    return ObjectStore(config, timeout_s)


class Office:
    """A teacher's session that makes changes; one for each call."""

    def __init__(self, site: TestSite) -> None:
        self._store = site.session("sato")
        self._count = 0

    def make(self, count: int = 1) -> int:
        """Make changes one by one; return the newest sequence number."""
        for _ in range(count):
            self._count += 1
            record = self._store.record_id("attendance.mark", Importance.III, f"p{self._count}", "2026-11-20")
            payload = b'{"code":"late","number":%d}' % self._count
            last = self._store.put([Draft("attendance.mark", record, Importance.III, payload)])
        return last.last_seq

    def close(self) -> None:
        self._store.close()


@dataclasses.dataclass
class Backup:
    """A replica as it was left: `points` are (transaction, newest change, a moment before the next change)."""

    folder: Path
    early: Path
    root: Identity
    points: list[tuple[int, int, int]]

    @property
    def last(self) -> int:
        return self.points[-1][1]

    def wanted(self, **more: Any) -> Wanted:
        return Wanted(ORIGIN, self.root.sign.verify_key, **more)

    def before(self, txid: int) -> int:
        """Return the newest change of the state before a transaction."""
        return max(seq for known, seq, _ in self.points if known < txid)


def make_backup(folder: Path) -> Backup:
    """Replicate a site in small steps: a snapshot of the first ones, then single transactions."""
    site = new_site(folder / "site")
    points: list[tuple[int, int, int]] = []
    with cloud_at(folder) as cloud:
        litestream, office = replicating(site, cloud.direct), Office(site)
        for number in range(12):
            seq = office.make(3)
            points.append((litestream.sync(LONG_S).txid, seq, 0))
            time.sleep(0.02)
            points[-1] = (*points[-1][:2], wall_ms())
            time.sleep(0.02)
            if number == 3:
                wait_until(lambda: cloud.objects("0009"), "the first snapshot")
                early = copy_of(folder, folder / "early")
            if number == 5:
                time.sleep(1.1)  # Litestream lists its points by whole seconds
        litestream.stop()
        litestream.start(snapshot=True)
        wait_until(lambda: not litestream.alive, "the last snapshot")
        litestream.stop()
    office.close()
    site.close()
    return Backup(folder, early, site.root, points)


@contextlib.contextmanager
def copied(
    backup: Backup, folder: Path, *, compacted: bool = False, last_snapshot: bool = False
) -> Iterator[Cloud]:
    """Serve a copy of a backup; without what was compacted later, so that its single transactions count."""
    copy_of(backup.folder, folder)
    cloud = Cloud(folder)
    for level in ("0001", "0002", "0003") if not compacted else ():
        shutil.rmtree(cloud.replica / level, ignore_errors=True)
    for path in cloud.objects("0009")[1:] if not last_snapshot else ():
        path.unlink()
    cloud.restart()
    try:
        yield cloud
    finally:
        cloud.close()


def ask(site: TestSite, path: str) -> dict[str, Any]:
    """Ask Litestream itself, as our code never does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(LONG_S)
        connection.connect(str(site.paths.run / "litestream.sock"))
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: litestream\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    told: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return told
