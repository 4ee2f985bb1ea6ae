"""Killing the keeper while many write: nothing acknowledged is lost, nothing is kept twice."""

import contextlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from crypto.importance import Importance
from sync.client import KeeperClient
from sync.keeperchild import KeeperChild
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.verify import verify_store
from tests.sync.site import ALL, SCHOOL, TestSite, found_site

pytestmark = pytest.mark.faults
WRITERS = 6
KILLS = 12


class Writer(threading.Thread):
    """One session that writes until told to stop and notes what was acknowledged."""

    def __init__(self, site: TestSite, name: str, stop: threading.Event) -> None:
        super().__init__()
        self.label = name
        self.acknowledged: list[tuple[int, bytes]] = []
        self.failure: Exception | None = None
        self._site = site
        self._halt = stop

    def run(self) -> None:
        try:
            self._write()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.failure = error

    def _write(self) -> None:
        reader = Reader(self._site.paths.store)
        identity = self._site.people[self.label]
        keyring = open_keyring(reader, identity, self._site.root.sign.verify_key)
        store = SealedStore(reader, KeeperClient(self._site.paths.socket, 30), identity, keyring)
        number = 0
        while not self._halt.is_set():
            number += 1
            payload = f"{self.label} {number}".encode()
            record = store.record_id("mark", Importance.III, self.label, str(number))
            drafts = [Draft("mark", record, Importance.III, payload), *self._more(store, number)]
            put = store.put(drafts)
            assert put.last_seq - put.first_seq + 1 >= len(drafts)
            self.acknowledged.append((put.last_seq - len(drafts) + 1, payload))
        store.close()

    def _more(self, store: SealedStore, number: int) -> list[Draft]:
        if number % 3:
            return []
        names = (store.record_id("more", Importance.III, self.label, f"{number}/{n}") for n in range(5))
        return [Draft("more", name, Importance.III, b"x" * 100) for name in names]


def test_every_acknowledged_entry_survives_every_kill(tmp_path: Path) -> None:
    names = [f"writer{n}" for n in range(WRITERS)]
    site = found_site(tmp_path / "site", [(name, ALL) for name in names])
    assert site.stop_keeper() == 0
    keeper = KeeperChild(site.paths)
    keeper.start()
    stop = threading.Event()
    writers = [Writer(site, name, stop) for name in names]
    for writer in writers:
        writer.start()
    source = random.Random(4)
    killed = 0
    while killed < KILLS:
        if killed % 2 == 0:  # in the middle of its work; every other time perhaps at its birth
            _written(writers, _count(writers) + 1)
        time.sleep(source.uniform(0.05, 0.3))
        pid = keeper.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    stop.set()
    for writer in writers:
        writer.join(60)
        assert writer.failure is None
    keeper.stop(10)
    assert site.paths.reset_mark.exists()
    _check(site, writers)


def _count(writers: list[Writer]) -> int:
    return sum(len(writer.acknowledged) for writer in writers)


def _written(writers: list[Writer], count: int) -> None:
    """Wait until so many entries are acknowledged."""
    while _count(writers) < count:
        assert all(writer.failure is None for writer in writers)
        time.sleep(0.01)


def _check(site: TestSite, writers: list[Writer]) -> None:
    verified = verify_store(site.paths.store, site.root.sign.verify_key, SCHOOL, full=True)
    reader = Reader(site.paths.store)
    identity = site.root
    store = SealedStore(reader, None, identity, open_keyring(reader, identity, identity.sign.verify_key))
    opened = {row.seq: store.open_row(row).payload for row in reader.since(0, 1_000_000) if row.key_id}
    acknowledged = [entry for writer in writers for entry in writer.acknowledged]
    assert len(acknowledged) > WRITERS * 5
    for seq, payload in acknowledged:
        assert opened[seq] == payload
    values = [payload for payload in opened.values() if payload.startswith(b"writer")]
    assert len(values) == len(set(values)), "an entry was kept twice"
    assert verified.seq == reader.position().seq
    store.close()
