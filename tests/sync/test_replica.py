import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.errors import ReplicatorError, StoreUnreachableError, SyncError
from sync.linecut import LineCut
from sync.lineprobe import LineProbe
from sync.litestream import Litestream, Replicated
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.replica import Prover, Sent, prove
from sync.status import LinkState
from tests.sync.cloud import (
    ORIGIN,
    PATH,
    Cloud,
    Office,
    cloud_at,
    flip,
    new_site,
    replicating,
    store_of,
    wait_until,
)

SYNC_S = 5.0


@dataclass
class Rig:
    """A site, its replica, and what proves it; nothing runs by itself."""

    cloud: Cloud
    office: Office
    litestream: Litestream
    database: Replicated
    reader: Reader
    probe: LineProbe
    prover: Prover

    @property
    def store(self) -> ObjectStore:
        return store_of(self.cloud.config)

    def prove(self) -> Sent:
        return prove(self.litestream, self.database, self.store, self.reader.position().seq, SYNC_S)

    @property
    def trouble(self) -> tuple[SyncError | None, float | None]:
        return self.prover.last_failure, self.prover.stuck_since

    def lose_the_line(self) -> None:
        self.cloud.line.cut()
        for _ in range(3):
            self.probe.step()

    def newest(self) -> Path:
        return self.cloud.objects()[-1]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    site = new_site(tmp_path / "site")
    with cloud_at(tmp_path) as cloud:
        litestream = replicating(site, cloud.config)
        office, reader, store = Office(site), Reader(site.paths.store), store_of(cloud.config)
        probe = LineProbe(store, PATH)
        probe.step()
        probe.step()
        database = Replicated(site.paths, ORIGIN)
        prover = Prover(litestream, database, store, probe, lambda: reader.position().seq)
        yield Rig(cloud, office, litestream, database, reader, probe, prover)
        litestream.kill()
        office.close()
        reader.close()
        site.close()


def test_nothing_is_sent_before_it_was_read_back(rig: Rig) -> None:
    last = rig.office.make(3)
    assert rig.prover.sent == Sent() and rig.prover.sent.at_ms is None
    rig.prover.step(SYNC_S)
    sent = rig.prover.sent
    assert (sent.seq, rig.prover.last_failure) == (last, None)
    assert rig.newest().read_bytes() == rig.litestream.local_ltx(sent.txid)
    assert sent.at_ms is not None


def test_each_proof_covers_everything_committed_before_it(rig: Rig) -> None:
    for _ in range(5):
        last = rig.office.make(2)
        rig.prover.step(SYNC_S)
        assert rig.prover.sent.seq == last


def test_an_object_that_differs_is_not_proven(rig: Rig) -> None:
    rig.office.make()
    rig.litestream.sync(SYNC_S)
    flip(rig.newest())
    with pytest.raises(ReplicatorError) as caught:
        rig.prove()
    assert "differs" in caught.value.subject
    rig.prover.step(SYNC_S)
    assert rig.prover.sent.seq == 0 and rig.prover.last_failure is not None


def test_an_object_that_is_cut_short_is_not_proven(rig: Rig) -> None:
    rig.office.make()
    rig.litestream.sync(SYNC_S)
    data = rig.newest().read_bytes()
    rig.newest().write_bytes(data[:-1])
    with pytest.raises(SyncError):
        rig.prove()


def test_an_object_that_is_missing_is_not_proven(rig: Rig) -> None:
    rig.office.make()
    txid = rig.litestream.sync(SYNC_S).txid
    newest = rig.newest()
    data = newest.read_bytes()
    newest.unlink()
    rig.cloud.restart()
    assert rig.store.get(f"{PATH}/0000/{newest.name}") is None
    with pytest.raises(ReplicatorError) as caught:
        rig.prove()
    assert "not there" in caught.value.subject and caught.value.retry_safe
    newest.write_bytes(data)
    rig.cloud.restart()
    assert rig.prove().txid == txid


@pytest.mark.faults
def test_nothing_is_proven_during_a_cut_and_everything_after_it(rig: Rig) -> None:
    before = rig.office.make(2)
    rig.prover.step(SYNC_S)
    rig.cloud.line.cut()
    last = rig.office.make(20)
    rig.prover.step(1)
    assert rig.prover.sent.seq == before
    assert None not in rig.trouble
    rig.cloud.line.mend()
    wait_until(lambda: rig.prover.sent.seq == last, "all is proven", lambda: rig.prover.step(SYNC_S))
    assert rig.trouble == (None, None)


@pytest.mark.faults
def test_a_hung_line_proves_nothing(rig: Rig) -> None:
    rig.cloud.line.hang()
    rig.office.make()
    rig.prover.step(1)
    assert rig.prover.sent.seq == 0 and rig.prover.last_failure is not None


@pytest.mark.faults
def test_a_litestream_that_synced_is_not_believed_when_the_store_does_not_answer_us(rig: Rig) -> None:
    last = rig.office.make()
    ours = LineCut("127.0.0.1", rig.cloud.server.port)
    store = store_of(dataclasses.replace(rig.cloud.direct, endpoint=ours.endpoint))
    ours.cut()
    with pytest.raises(StoreUnreachableError):
        prove(rig.litestream, rig.database, store, last, SYNC_S)
    ours.mend()
    assert prove(rig.litestream, rig.database, store, last, SYNC_S).seq == last
    ours.close()


@pytest.mark.faults
def test_an_offline_line_is_not_asked_and_does_not_count_as_stuck(rig: Rig) -> None:
    rig.office.make()
    rig.lose_the_line()
    assert rig.probe.link.state is LinkState.OFFLINE
    assert isinstance(rig.probe.last_failure, StoreUnreachableError)
    rig.prover.stuck_since = time.monotonic()
    rig.prover.step(SYNC_S)
    assert rig.prover.sent == Sent()
    assert rig.prover.last_failure is None
    assert rig.prover.stuck_since is None


@pytest.mark.faults
def test_a_dead_litestream_proves_nothing(rig: Rig) -> None:
    assert rig.litestream.pid is not None
    os.kill(rig.litestream.pid, signal.SIGKILL)
    wait_until(lambda: not rig.litestream.alive)
    rig.office.make()
    rig.prover.step(1)
    assert rig.prover.sent.seq == 0 and isinstance(rig.prover.last_failure, ReplicatorError)


def test_distrust_forgets_also_a_proof_that_is_under_way(rig: Rig) -> None:
    class Meanwhile(ObjectStore):
        """A store over which a reset happens while it answers."""

        def get(self, key: str) -> bytes | None:
            prover.distrust()
            return super().get(key)

    store = Meanwhile(rig.cloud.config)
    prover = Prover(rig.litestream, rig.database, store, rig.probe, lambda: rig.reader.position().seq)
    rig.office.make()
    prover.step(SYNC_S)
    assert prover.sent == Sent()
    rig.prover.step(SYNC_S)
    assert rig.prover.sent.seq
    rig.prover.distrust()
    assert rig.prover.sent == Sent()


@pytest.mark.faults
def test_its_threads_follow_the_line_by_themselves(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_IDLE_S", "_BUSY_S"):
        monkeypatch.setattr(f"sync.lineprobe.{name}", 0.1)
    rig.probe.start()
    rig.prover.start()
    first = rig.office.make()
    wait_until(lambda: rig.prover.sent.seq == first, "the first is proven")
    rig.cloud.line.cut()
    wait_until(lambda: rig.probe.link.state is LinkState.OFFLINE, "offline")
    last = rig.office.make(5)
    assert rig.prover.sent.seq == first
    rig.cloud.line.mend()
    wait_until(lambda: rig.prover.sent.seq == last, "the rest is proven")
    wait_until(lambda: rig.probe.link.state is LinkState.ONLINE, "online")
    rig.prover.stop()
    rig.probe.stop()
