import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any, cast

import msgspec
import pytest

from crypto.importance import Importance
from sync.admission import Admission
from sync.change import BATCH_DOMAIN, Batch
from sync.client import KeeperClient
from sync.clock import HybridClock, wall_ms
from sync.database import open_writer
from sync.errors import (
    BadBatchError,
    ClockAheadError,
    DiskFullError,
    KeeperGoneError,
    PeerRefusedError,
    SecondKeeperError,
)
from sync.ids import Origin, Site, change_id
from sync.keeper import Keeper
from sync.log import is_current, signed_payload
from sync.openrecords import open_change
from sync.protocol import Submit, packed
from sync.reader import Reader
from sync.sealed import Draft
from sync.site import create_site
from tests.sync.site import SCHOOL, TestSite, found_site, wait_for

YEAR_MS = 365 * 24 * 3600 * 1000


def batch(
    site: TestSite, number: int, *, writer: bytes = b"writer-1", clock: int = 0, kind: str = "key.test"
) -> Batch:
    """A batch of one open change by the board, signed."""
    reader = Reader(site.paths.store)
    tag = reader.origin.tag
    reader.close()
    name = change_id(clock or HybridClock().next() + number, tag, writer)
    change = open_change(name, "key.test", bytes(15) + bytes([number % 256]), (), b"body")
    unsigned = Batch(writer, number, site.root.person, (change,), bytes(64))
    signature = site.root.sign.sign(BATCH_DOMAIN, signed_payload(tag, unsigned))
    return Batch(writer, number, site.root.person, (change,), signature)


@pytest.fixture
def client(site: TestSite) -> Iterator[KeeperClient]:
    opened = KeeperClient(site.paths.socket, patience_s=10)
    yield opened
    opened.close()


class InProcess:
    """A keeper in a thread, so that a test can reach into it."""

    def __init__(
        self, site: TestSite, clock: HybridClock | None = None, admission: Admission | None = None
    ) -> None:
        site.stop_keeper()
        self._todo: Queue[str] = Queue()
        self._ended = threading.Event()
        self._ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(site, clock, admission))
        self.thread.start()
        self._ready.wait(10)

    def execute(self, sql: str) -> None:
        """Run something on the keeper's own connection."""
        self._todo.put(sql)
        self._todo.join()

    def stop(self) -> None:
        self._ended.set()
        self.thread.join(10)

    def _run(self, site: TestSite, clock: HybridClock | None, admission: Admission | None) -> None:
        keeper = Keeper(site.paths, clock, admission)
        self._ready.set()
        while not self._ended.is_set():
            while not self._todo.empty():
                keeper._store.execute(self._todo.get())
                self._todo.task_done()
            keeper.turn(0.05)
        keeper.stop()
        keeper.run()


def test_numbers_are_gapless_and_a_batch_is_kept_once(site: TestSite, client: KeeperClient) -> None:
    before = client.hello().seq
    first, again = batch(site, 1), batch(site, 2)
    acks = [client.submit(first), client.submit(again), client.submit(first)]
    assert [ack.first_seq for ack in acks] == [before + 1, before + 2, before + 1]
    assert client.hello().seq == before + 2


def test_a_batch_is_kept_once_across_a_killed_keeper(site: TestSite, client: KeeperClient) -> None:
    sent = batch(site, 1)
    ack = client.submit(sent)
    site.kill_keeper()
    site.start_keeper()
    assert client.submit(sent).first_seq == ack.first_seq
    assert client.hello().seq == ack.last_seq


def test_one_number_cannot_stand_for_two_batches(site: TestSite, client: KeeperClient) -> None:
    client.submit(batch(site, 7))
    with pytest.raises(BadBatchError):
        client.submit(batch(site, 7, clock=HybridClock().next() + 100))


@pytest.mark.parametrize("fault", ["kind", "record", "key", "order", "foreign", "empty", "importance"])
def test_a_badly_made_batch_is_refused_whole(site: TestSite, client: KeeperClient, fault: str) -> None:
    good = batch(site, 3)
    change = good.changes[0]
    changed: object = {
        "kind": {"kind": "no spaces"},
        "record": {"record": b"short"},
        "key": {"kind": "attendance.mark"},
        "foreign": {"id": change.id[:8] + bytes(8) + change.id[16:]},
        "importance": {"importance": 5},
    }.get(fault, {})
    other = msgspec.structs.replace(change, **cast(dict[str, Any], changed))
    changes = {"order": (change, change), "empty": ()}.get(fault, (other,))
    before = client.hello().seq
    with pytest.raises(BadBatchError):
        client.submit(Batch(good.writer, 3, good.author, changes, good.signature))
    assert client.hello().seq == before


def test_ready_batches_share_one_commit(site: TestSite) -> None:
    site.stop_keeper()
    keeper = Keeper(site.paths)
    commits: list[str] = []
    keeper._store.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    raw = [socket.socket(socket.AF_UNIX) for _ in range(12)]
    for connection in raw:
        connection.connect(str(site.paths.socket))
    for _ in raw:
        keeper.turn(0.01)
    for number, connection in enumerate(raw):
        connection.sendall(packed(Submit(batch(site, number, writer=b"writer%02d" % number))))
    keeper.turn(1)
    answers = [connection.recv(1000) for connection in raw]
    for connection in raw:
        connection.close()
    keeper.stop()
    keeper.run()
    assert all(b"Ack" in answer for answer in answers)
    assert len(commits) == 1


def test_a_second_keeper_is_refused(site: TestSite) -> None:
    with pytest.raises(SecondKeeperError):
        Keeper(site.paths)
    done = subprocess.run(
        [sys.executable, "-m", "sync.keeper", str(site.paths.root)], capture_output=True, check=False
    )
    assert done.returncode != 0 and b"SYNC-002" in done.stderr


def test_a_process_of_another_user_is_refused(site: TestSite) -> None:
    running = InProcess(site, admission=Admission(own=frozenset((os.getuid() + 1,))))
    stranger = KeeperClient(site.paths.socket, patience_s=2)
    with pytest.raises(PeerRefusedError):
        stranger.hello()
    stranger.close()
    running.stop()


def test_garbage_ends_one_connection_and_not_the_keeper(site: TestSite, client: KeeperClient) -> None:
    for garbage in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x03abc", (5).to_bytes(4, "big") + b"\x91\xa3xyz"):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(site.paths.socket))
            raw.sendall(garbage)
            raw.settimeout(5)
            while raw.recv(4096):
                pass
    assert client.hello().school == SCHOOL


def pages(site: TestSite) -> int:
    connection = open_writer(site.paths.store)
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    connection.close()
    return int(count)


def test_a_full_disk_refuses_and_later_goes_on(site: TestSite) -> None:
    session_before = Reader(site.paths.store).position()
    running = InProcess(site)
    session = site.session("sato")
    record = session.record_id("mark", Importance.III, "x")
    kept = session.put([Draft("mark", record, Importance.III, b"before")])
    running.execute(f"PRAGMA max_page_count={pages(site) + 6}")
    with pytest.raises(DiskFullError):
        for number in range(40):
            name = session.record_id("mark", Importance.III, str(number))
            kept = session.put([Draft("mark", name, Importance.III, b"x" * 400)])
    assert session.reader.position().seq == kept.last_seq > session_before.seq
    assert running.thread.is_alive() and not site.paths.reset_mark.exists()
    running.execute("PRAGMA max_page_count=1000000")
    name = session.record_id("mark", Importance.III, "after")
    again = session.put([Draft("mark", name, Importance.III, b"after")])
    assert again.first_seq == kept.last_seq + 1
    session.close()
    running.stop()


def test_marks_tell_a_clean_stop_from_an_unclean_one(site: TestSite) -> None:
    wait_for(site.paths.running_mark)
    assert site.stop_keeper() == 0
    assert not site.paths.running_mark.exists() and not site.paths.reset_mark.exists()
    site.start_keeper()
    site.kill_keeper()
    assert site.paths.running_mark.exists() and not site.paths.reset_mark.exists()
    site.start_keeper()
    assert site.paths.reset_mark.exists()


def test_a_clock_set_back_a_year_keeps_the_order_and_says_so(site: TestSite) -> None:
    running = InProcess(site, HybridClock(lambda: wall_ms() - YEAR_MS))
    session = site.session("sato")
    name = session.record_id("mark", Importance.III, "x")
    newest = max(row.change_id for row in session.reader.since(0))
    session.put([Draft("mark", name, Importance.III, b"later")])
    plain = session.head("mark", name)
    assert plain is not None and plain.change_id > newest
    hello = KeeperClient(site.paths.socket)
    assert hello.hello().clock_behind_s > 360 * 24 * 3600
    hello.close()
    session.close()
    running.stop()


def test_a_change_from_the_far_future_is_refused(site: TestSite, client: KeeperClient) -> None:
    with pytest.raises(ClockAheadError):
        client.submit(batch(site, 1, clock=(wall_ms() + YEAR_MS) << 16))


def test_a_keeper_that_is_away_is_named_in_time(tmp_path: Path) -> None:
    lonely = KeeperClient(tmp_path / "nobody.sock", patience_s=0.3)
    with pytest.raises(KeeperGoneError):
        lonely.hello()


def test_the_store_has_the_pragmas_that_replication_needs(site: TestSite) -> None:
    connection = open_writer(site.paths.store)
    pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in (
        "journal_mode", "synchronous", "wal_autocheckpoint", "page_size",
    )}  # fmt: skip
    connection.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0, "page_size": 1024}


def test_a_site_in_a_deep_folder_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "site"
    made = found_site(deep)
    opened = KeeperClient(made.paths.socket)
    assert opened.hello().school == SCHOOL
    opened.close()
    made.close()


def test_an_older_store_is_brought_up_to_date_before_it_is_served(tmp_path: Path) -> None:
    paths = create_site(tmp_path / "site", Origin(SCHOOL, Site.BOX, 1))
    with contextlib.closing(open_writer(paths.store)) as connection:
        connection.executescript("DROP TABLE late; DROP TABLE quarantine;")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm002_merging'")
        assert not is_current(connection)
    keeper = Keeper(paths)
    try:
        with contextlib.closing(open_writer(paths.store)) as connection:
            assert is_current(connection)
    finally:
        keeper.close()
