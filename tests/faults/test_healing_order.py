"""Healing a replica in the right order: a whole snapshot is sent to its end, and only then looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import healing
from sync.clock import wall_ms
from sync.errors import ReplicatorError
from sync.objectstore import ObjectStore
from sync.replicastates import replica_spans
from sync.selfcheck import SelfCheck, SelfCheckRun
from tests.sync.cloud import ORIGIN
from tests.sync.serving import Serving, serving_at

pytestmark = pytest.mark.faults


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    with serving_at(tmp_path, monkeypatch) as made:
        yield made


def test_what_an_older_check_says_ends_no_healing(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    serving.start()
    serving.settle()
    serving.online()
    serving.daemon._check.hurry()
    serving.until(lambda _: serving.daemon._check.running, "a check is under way")
    looked: list[SelfCheck | None] = []
    take = SelfCheckRun.result

    def result(run: SelfCheckRun) -> SelfCheck | None:
        looked.append(take(run))
        return looked[-1]

    monkeypatch.setattr(SelfCheckRun, "result", result)
    healing.ask_for_healing(serving.paths, healing.OPERATOR)
    serving.daemon.tick()
    assert not serving.daemon._check.running and healing.begun(serving.paths) is not None
    serving.until(lambda _: healing.begun(serving.paths) is None, "healed")
    assert [found for found in looked if found] == [SelfCheck(serving.status.verified_seq, "")]
    store, whole_day = serving.cloud.direct, (wall_ms() - 86_400_000, wall_ms() + 60_000)
    (told,) = replica_spans(store, [ORIGIN], whole_day)
    (entry,) = told.healings
    assert entry.cause == healing.OPERATOR and entry.seq == serving.status.verified_seq
    assert told.whole_ms and told.states > 0 and whole_day[0] < told.first_ms <= told.last_ms < whole_day[1]
    assert replica_spans(store, [ORIGIN], (0, whole_day[0])) == [], "another day knows nothing of it"
    ObjectStore(store).put(healing.healings_name(ORIGIN), b'{"cause":1}\n\xff\n')
    assert replica_spans(store, [ORIGIN], whole_day)[0].healings == (), "what cannot be read is passed over"


def test_a_snapshot_under_way_is_not_looked_at(serving: Serving) -> None:
    serving.start()
    serving.settle()
    serving.online()
    daemon = serving.daemon
    daemon._snapshotting = True
    daemon._check.hurry()
    daemon._mind_check()
    assert not daemon._check.running
    daemon._snapshotting = False
    daemon._mind_check()
    assert daemon._check.running


def test_a_slow_snapshot_gets_ever_more_time_and_is_begun_again(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.daemon._STUCK_S", 0.5)
    monkeypatch.setattr("sync.replica._SYNC_S", 0.2)
    serving.start()
    serving.settle()
    serving.online()
    daemon, begun = serving.daemon, list[bool]()
    begin = daemon._litestream.start

    def start(*, snapshot: bool = False) -> None:
        begun.append(snapshot)
        begin(snapshot=snapshot)

    monkeypatch.setattr(daemon._litestream, "start", start)
    # The store answers questions, but nothing that is sent to it gets through.
    monkeypatch.setattr(daemon._litestream, "sync", _refused)
    daemon._prover.distrust()
    daemon._patience_s = 0.5
    serving.until(lambda _: daemon._prover.stuck_since is not None, "nothing is proven")
    daemon._snapshotting = True
    serving.until(lambda _: daemon._patience_s >= 4.0, "three times it was given up")
    assert begun[0] is True, "it was a snapshot, and it is one again"


def _refused(*_: object) -> None:
    raise ReplicatorError(operation="send changes", retry_safe=True)
