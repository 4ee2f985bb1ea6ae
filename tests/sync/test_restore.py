import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.identity import Identity
from crypto.secret import Secret
from sync.errors import (
    MixedEpochsError,
    NoPointError,
    NoReplicaError,
    ReplicaCorruptError,
    RestoreTargetError,
    RolledBackError,
    StoreRefusedError,
    StoreUnreachableError,
    SyncError,
    WrongSchoolError,
)
from sync.ids import Origin, Site
from sync.litestream import replica_path
from sync.reader import Reader
from sync.restore import Restorer, RestoreReport, Wanted
from tests.sync.cloud import ORIGIN, Backup, Cloud, copied, make_backup, wait_until


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Backup:
    return make_backup(tmp_path_factory.mktemp("backup"))


@pytest.fixture(scope="module")
def cloud(backup: Backup, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A copy that no test damages."""
    with copied(backup, tmp_path_factory.mktemp("store")) as cloud:
        yield cloud


def restore(cloud: Cloud, wanted: Wanted, target: Path) -> RestoreReport:
    return Restorer(cloud.direct, wanted, target).run()


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_restores_everything_and_says_so(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    report = restore(cloud, backup.wanted(known_seq=backup.last), tmp_path / "back")
    assert (report.verified.seq, report.missing, report.problem) == (backup.last, 0, "")
    assert report.complete and report.fell_back_to_ms is None
    assert report.verified.origin == ORIGIN and report.path == tmp_path / "back"
    assert [path.name for path in tmp_path.iterdir()] == ["back"]
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["school.db"]


def test_what_comes_back_is_row_for_row_what_was_kept(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    restore(cloud, backup.wanted(full=True), tmp_path / "back")
    readers = [Reader(path) for path in (backup.folder / "site" / "school.db", tmp_path / "back" / "school.db")]
    kept, back = (reader.since(0) for reader in readers)
    heads, heads_back = (list(reader.heads_by_name()) for reader in readers)
    for reader in readers:
        reader.close()
    assert kept == back and len(back) == backup.last
    assert heads == heads_back


@pytest.mark.parametrize("number", range(12))
def test_restores_a_moment_with_exactly_the_changes_before_it(
    backup: Backup, cloud: Cloud, tmp_path: Path, number: int
) -> None:
    _, seq, moment = backup.points[number]
    report = restore(cloud, backup.wanted(at_ms=moment, known_seq=backup.last), tmp_path / "back")
    assert (report.verified.seq, report.problem, report.complete) == (seq, "", True)
    assert report.verified.newest_ms <= moment


def test_a_moment_to_come_is_now(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    later = backup.points[-1][2] + 3_600_000
    assert restore(cloud, backup.wanted(at_ms=later), tmp_path / "back").verified.seq == backup.last


def test_compacted_transactions_come_back_too(backup: Backup, tmp_path: Path) -> None:
    with copied(backup, tmp_path, compacted=True) as cloud:
        assert restore(cloud, backup.wanted(), tmp_path / "back").verified.seq == backup.last


def test_a_moment_before_the_first_backup_is_refused(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(NoPointError):
        restore(cloud, backup.wanted(at_ms=backup.points[0][2] - 3_600_000), tmp_path / "back")
    assert nothing_in(tmp_path)


def test_an_empty_target_is_filled_and_another_is_left_alone(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    target = tmp_path / "back"
    target.mkdir()
    assert restore(cloud, backup.wanted(), target).verified.seq == backup.last
    before = (target / "school.db").read_bytes()
    with pytest.raises(RestoreTargetError):
        restore(cloud, backup.wanted(), target)
    assert (target / "school.db").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_target_with_somebody_elses_file_is_left_alone(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "memo.txt").write_text("keep")
    with pytest.raises(RestoreTargetError):
        restore(cloud, backup.wanted(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["memo.txt"]


def test_what_an_interrupted_restore_left_behind_is_cleared_away(
    backup: Backup, cloud: Cloud, tmp_path: Path
) -> None:
    stale = tmp_path / ".back.restoring"
    stale.mkdir()
    (stale / "school.db").write_bytes(b"half")
    assert restore(cloud, backup.wanted(), tmp_path / "back").verified.seq == backup.last
    assert [path.name for path in tmp_path.iterdir()] == ["back"]


def test_progress_ends_with_everything_verified(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    Restorer(cloud.direct, backup.wanted(), tmp_path / "back", lambda *step: seen.append(step)).run()
    assert seen[-1] == ("verify", backup.last, backup.last)
    assert seen[0][0] == "fetch" and all(done <= total for _, done, total in seen)


@pytest.mark.parametrize("origin", [Origin(ORIGIN.school, Site.BOX, 2), Origin("C241200000022", Site.BOX, 1)])
def test_no_replica_at_this_place(backup: Backup, cloud: Cloud, tmp_path: Path, origin: Origin) -> None:
    with pytest.raises(NoReplicaError):
        restore(cloud, dataclasses.replace(backup.wanted(), origin=origin), tmp_path / "back")
    assert nothing_in(tmp_path)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"endpoint": "http://127.0.0.1:9"}, StoreUnreachableError),
        ({"secret_key": Secret(b"not-this-one")}, StoreRefusedError),
        ({"access_key": "nobody"}, StoreRefusedError),
        ({"bucket": "nobodys"}, StoreRefusedError),
    ],
    ids=["unreachable", "wrong secret", "wrong name", "wrong bucket"],
)
def test_a_store_that_cannot_be_read(
    backup: Backup, cloud: Cloud, tmp_path: Path, change: dict[str, Any], error: type[SyncError]
) -> None:
    with pytest.raises(error):
        Restorer(dataclasses.replace(cloud.direct, **change), backup.wanted(), tmp_path / "back").run()
    assert nothing_in(tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["cut", "hang"])
def test_a_line_lost_under_way_is_not_taken_for_a_corrupt_replica(
    backup: Backup, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("sync.fetch._ASK_S", 0.1)
    monkeypatch.setattr("sync.fetch._GONE_S", 0.5)
    with pytest.raises(StoreUnreachableError):
        Restorer(cloud.config, backup.wanted(), tmp_path / "back", lambda *_: getattr(cloud.line, fault)()).run()
    cloud.line.mend()
    assert nothing_in(tmp_path)


@pytest.mark.faults
def test_a_short_cut_under_way_is_ridden_out(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    calls: list[str] = []

    def stage(name: str, done: int, total: int) -> None:
        calls.append(name)
        if len(calls) == 1:
            cloud.line.cut()
        if len(calls) == 20:
            cloud.line.mend()

    report = Restorer(cloud.config, backup.wanted(), tmp_path / "back", stage).run()
    assert len(calls) > 20 and (report.verified.seq, report.problem) == (backup.last, "")


@pytest.mark.parametrize(
    ("stranger", "error"),
    [
        (Origin("C241200000022", Site.BOX, 1), WrongSchoolError),
        (Origin(ORIGIN.school, Site.BOX, 2), MixedEpochsError),
        (Origin(ORIGIN.school, Site.HUB, 1), MixedEpochsError),
    ],
    ids=["school", "epoch", "site"],
)
def test_data_that_was_moved_under_another_name_is_refused_by_what_is_wrong_with_it(
    backup: Backup, tmp_path: Path, stranger: Origin, error: type[SyncError]
) -> None:
    with copied(backup, tmp_path / "store") as cloud:
        shutil.copytree(cloud.replica, cloud.bucket / replica_path(stranger), copy_function=shutil.copy2)
        cloud.restart()
        with pytest.raises(error):
            restore(cloud, dataclasses.replace(backup.wanted(), origin=stranger), tmp_path / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_replica_that_another_board_signed_is_refused(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    other = Identity.generate(b"board-board-boar").sign.verify_key
    with pytest.raises(ReplicaCorruptError):
        restore(cloud, dataclasses.replace(backup.wanted(), root=other), tmp_path / "back")
    assert nothing_in(tmp_path)


def test_the_store_is_only_read(backup: Backup, cloud: Cloud, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in cloud.root.rglob("*") if path.is_file()}
    restore(cloud, backup.wanted(at_ms=backup.points[6][2]), tmp_path / "back")
    wait_until(lambda: {path: path.read_bytes() for path in cloud.root.rglob("*") if path.is_file()} == before)


def chain(backup: Backup, seq: int) -> bytes:
    reader = Reader(backup.folder / "site" / "school.db")
    found = reader.chain_at(ORIGIN, seq)
    reader.close()
    assert found is not None
    return found


def test_a_store_that_was_rolled_back_behind_a_countersign_is_named(backup: Backup, tmp_path: Path) -> None:
    known = {"known_seq": backup.last, "known_chain": chain(backup, backup.last)}
    with copied(backup, tmp_path / "store") as cloud:
        for newest in cloud.objects()[-2:]:
            newest.unlink()
        cloud.restart()
        report = restore(cloud, backup.wanted(**known), tmp_path / "back")
    assert report.problem == RolledBackError.code and not report.complete
    assert report.missing == backup.last - report.verified.seq > 0
    assert restore_whole(backup, tmp_path, known).complete


def restore_whole(backup: Backup, tmp_path: Path, known: dict[str, Any]) -> RestoreReport:
    with copied(backup, tmp_path / "whole") as cloud:
        return restore(cloud, backup.wanted(**known), tmp_path / "again")


def test_a_store_that_holds_something_else_than_what_was_countersigned_is_not_taken_for_it(
    backup: Backup, tmp_path: Path
) -> None:
    with copied(backup, tmp_path / "store") as cloud:
        wanted = backup.wanted(known_seq=backup.last - 1, known_chain=bytes(32))
        report = restore(cloud, wanted, tmp_path / "back")
    assert report.problem == RolledBackError.code and not report.complete
    assert report.verified.seq < backup.last - 1, "only what lies before the parting is taken"
