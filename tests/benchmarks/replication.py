"""Commit to readable object, and verified restore, against plain Litestream with the same settings."""

import json
import os
import subprocess
import time
from pathlib import Path

from crypto.identity import Identity
from crypto.importance import Importance
from crypto.secret import Secret
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.daemon import SiteDaemon
from sync.database import open_writer
from sync.embedded import EmbeddedStore
from sync.ids import Origin, Site
from sync.litestream import INTERVALS, SETTINGS, environment, ltx_name, replica_path, replica_settings
from sync.objectstore import ObjectStore, StoreConfig
from sync.programs import find_program, start_child, stop_child
from sync.reader import Reader
from sync.restore import Restorer, Wanted
from sync.sealed import Draft
from sync.settings import Settings
from sync.sitevoice import SiteVoice
from tests.benchmarks.marks import median
from tests.sync.site import SCHOOL, TestSite, found_site

COMMITS = 40
PLAIN_COMMITS = 6  # each waits for Litestream's own interval
CHANGES = 100_000
FIVE_YEARS = 500_000  # of a school of 600 pupils
BATCH = 35
ORIGIN = Origin(SCHOOL, Site.BOX, 1)


def plain_settings(path: Path, store: StoreConfig, prefix: str) -> dict[str, object]:
    """Return a plain Litestream's configuration, settings as ours."""
    database = {
        "path": str(path),
        "meta-path": str(path.parent / "meta"),
        **INTERVALS,
        "replica": replica_settings(store, prefix),
    }
    return {**SETTINGS, "dbs": [database]}


def newest_object(store: ObjectStore, prefix: str) -> int:
    """Return the newest level-0 transaction in the store."""
    names = [name.rsplit("/", 1)[1] for name in store.sizes(f"{prefix}/0000")]
    return max((int(name.split("-")[1].split(".")[0], 16) for name in names), default=0)


def wait_for_next(store: ObjectStore, prefix: str, txid: int) -> int:
    """Wait until the next transaction's object can be read; return its number."""
    while store.get(f"{prefix}/{ltx_name(txid + 1)}") is None:
        time.sleep(0.002)
    return txid + 1


class Cloud:
    """An object store, a site and its daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = EmbeddedStore(folder / "cloud" / "store", "bench", Secret(b"bench-secret"), "bench")
        self.store.start()
        self.key = Identity.generate(site_person(ORIGIN))
        self.site: TestSite = found_site(folder / "site", site_key=self.key)
        self.site.stop_keeper()
        root = self.site.root.sign.verify_key
        self.daemon = SiteDaemon(self.site.paths, Settings(self.store.config, root, self.key.sign, 3600, 10**6))

    def close(self) -> None:
        """Stop everything."""
        self.daemon.close()
        self.store.stop()


def settle(cloud: Cloud) -> None:
    """Wait until the store holds everything."""
    while cloud.daemon.status().waiting or not cloud.daemon.status().sent:
        cloud.daemon.tick()
        time.sleep(0.05)


def replica_lag(cloud: Cloud) -> tuple[float, float]:
    """Return the median seconds from commit to readable object: (ours, plain Litestream)."""
    settle(cloud)
    objects, path = ObjectStore(cloud.store.config), replica_path(ORIGIN)
    session = cloud.site.session("sato")
    ours = []
    for number in range(COMMITS):
        time.sleep(0.3 + 0.013 * number % 0.25)
        before = newest_object(objects, path)
        session.put([_draft(session.record_id("mark", Importance.III, f"lag-{number}"))])
        began = time.perf_counter()
        wait_for_next(objects, path, before)
        ours.append(time.perf_counter() - began)
    session.close()
    return median(ours), _plain_lag(cloud.folder / "plain", cloud.store.config, objects)


def _plain_lag(folder: Path, store: StoreConfig, objects: ObjectStore) -> float:
    folder.mkdir()
    path, config = folder / "plain.db", folder / "litestream.json"
    connection = open_writer(path)
    connection.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB)")
    config.write_text(json.dumps(plain_settings(path, store, "plain/db")))
    command = [find_program("litestream"), "replicate", "-config", str(config)]
    child = start_child(command, environment(store))
    time.sleep(3)
    seconds = []
    for number in range(PLAIN_COMMITS):
        time.sleep(0.3 + 0.013 * number % 0.25)
        before = newest_object(objects, "plain/db")
        connection.execute("INSERT INTO entry (bytes) VALUES (?)", (os.urandom(450),))
        began = time.perf_counter()
        wait_for_next(objects, "plain/db", before)
        seconds.append(time.perf_counter() - began)
    stop_child(child, 5)
    connection.close()
    return median(seconds)


def fill(cloud: Cloud, changes: int = CHANGES) -> None:
    """Bring the school to so many changes, with a checkpoint at the end as a minute later there would be."""
    session = cloud.site.session("sato")
    for start in range(0, changes, BATCH):
        names = (f"{start}-{place}" for place in range(BATCH))
        session.put([_draft(session.record_id("mark", Importance.III, name)) for name in names])
    session.close()
    client = KeeperClient(cloud.site.paths.socket)
    SiteVoice(Reader(cloud.site.paths.store), client, cloud.key.sign).checkpoint()
    settle(cloud)


def restores(cloud: Cloud, rounds: int = 3, changes: int = CHANGES) -> tuple[float, float]:
    """Return the median seconds of (verified restore, `litestream restore -integrity-check full` alone)."""
    ours, plain = [], []
    for number in range(rounds):
        wanted = Wanted(ORIGIN, cloud.site.root.sign.verify_key)
        report = Restorer(cloud.store.config, wanted, cloud.folder / f"restored-{number}").run()
        assert report.complete and report.verified.seq > changes
        ours.append(report.seconds)
        plain.append(_plain_restore(cloud, cloud.folder / f"plain-{number}.db"))
    return median(ours), median(plain)


def _plain_restore(cloud: Cloud, target: Path) -> float:
    config = cloud.folder / "restore.json"
    entry = {"path": str(target), "replica": replica_settings(cloud.store.config, replica_path(ORIGIN))}
    config.write_text(json.dumps({"logging": {"level": "error"}, "dbs": [entry]}))
    command = [find_program("litestream"), "restore", "-config", str(config), "-o", str(target)]
    command += ["-integrity-check", "full", str(target)]
    began = time.perf_counter()
    subprocess.run(command, env=environment(cloud.store.config), check=True)
    return time.perf_counter() - began


def _draft(record: bytes) -> Draft:
    return Draft("mark", record, Importance.III, os.urandom(60))
