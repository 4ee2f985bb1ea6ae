"""Replicas with damage: the newest state that passes comes back, with what is missing, or nothing does."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.errors import ReplicaCorruptError, ReplicatorError
from sync.fetch import Point
from sync.litestream import ltx_name
from sync.restore import Restorer, RestoreReport
from sync.verifypass import Verified
from tests.sync.cloud import ORIGIN, PATH, Backup, Cloud, copied, flip, make_backup

FIRST_SINGLE = 6  # a step whose transaction is newer than the first snapshot


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Backup:
    return make_backup(tmp_path_factory.mktemp("backup"))


@pytest.fixture
def cloud(backup: Backup, tmp_path: Path) -> Iterator[Cloud]:
    with copied(backup, tmp_path / "store") as cloud:
        yield cloud


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "to").mkdir()
    return tmp_path / "to" / "back"


def restore(cloud: Cloud, backup: Backup, target: Path, known_seq: int | None = None) -> RestoreReport:
    """Restore what the server sees when it starts."""
    cloud.restart()
    known_seq = backup.last if known_seq is None else known_seq
    return Restorer(cloud.direct, backup.wanted(known_seq=known_seq), target).run()


def single(cloud: Cloud, backup: Backup, step: int) -> Path:
    """Return the file that alone carries the newest change of a step."""
    return cloud.replica / ltx_name(backup.points[step][0])


def snapshot_end(cloud: Cloud) -> int:
    (snapshot,) = cloud.objects("0009")
    return int(snapshot.stem.split("-")[1], 16)


def expect_fallback(report: RestoreReport, backup: Backup, seq: int) -> None:
    assert report.verified.seq == seq
    assert report.missing == backup.last - seq > 0
    assert report.problem and report.fell_back_to_ms and not report.complete
    assert [path.name for path in report.path.parent.iterdir()] == [report.path.name]


@pytest.mark.parametrize("step", range(FIRST_SINGLE, 12))
def test_a_flipped_bit_in_a_transaction_costs_what_comes_from_it_on(
    cloud: Cloud, backup: Backup, target: Path, step: int
) -> None:
    damaged = single(cloud, backup, step)
    flip(damaged)
    expect_fallback(restore(cloud, backup, target), backup, backup.before(backup.points[step][0]))


@pytest.mark.parametrize("at", [0, 40, 101, -2], ids=["magic", "header", "page", "trailer"])
def test_a_flipped_bit_is_noticed_wherever_it_is(cloud: Cloud, backup: Backup, target: Path, at: int) -> None:
    damaged = single(cloud, backup, 9)
    flip(damaged, at % damaged.stat().st_size)
    expect_fallback(restore(cloud, backup, target), backup, backup.before(backup.points[9][0]))


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes()[:-9])],
    ids=["deleted", "emptied", "cut short"],
)
def test_a_hole_in_the_middle_costs_what_comes_after_it(
    cloud: Cloud, backup: Backup, target: Path, damage: Callable[[Path], object]
) -> None:
    damage(single(cloud, backup, 8))
    report = restore(cloud, backup, target)
    assert report.verified.seq == backup.before(backup.points[8][0])
    assert report.missing == backup.last - report.verified.seq and not report.complete


def test_a_file_in_another_ones_place_is_noticed(cloud: Cloud, backup: Backup, target: Path) -> None:
    shutil.copy2(single(cloud, backup, 7), single(cloud, backup, 9))
    report = restore(cloud, backup, target)
    assert report.verified.seq == backup.before(backup.points[9][0]) and not report.complete


def test_a_flipped_bit_in_the_snapshot_leaves_what_came_before_it(
    cloud: Cloud, backup: Backup, target: Path
) -> None:
    end = snapshot_end(cloud)
    flip(cloud.objects("0009")[0])
    report = restore(cloud, backup, target)
    assert report.problem and report.missing == backup.last - report.verified.seq > 0
    assert report.verified.seq >= backup.before(end)


def test_a_lost_snapshot_is_made_up_for_by_the_transactions(cloud: Cloud, backup: Backup, target: Path) -> None:
    shutil.rmtree(cloud.replica / "0009")
    report = restore(cloud, backup, target)
    assert (report.verified.seq, report.complete) == (backup.last, True)


def test_damage_that_a_snapshot_covers_costs_nothing(cloud: Cloud, backup: Backup, target: Path) -> None:
    flip(cloud.objects()[0])
    report = restore(cloud, backup, target)
    assert (report.verified.seq, report.complete) == (backup.last, True)


def test_newest_objects_that_vanished_are_noticed_by_the_known_position(
    cloud: Cloud, backup: Backup, target: Path
) -> None:
    for step in (10, 11):
        single(cloud, backup, step).unlink()
    report = restore(cloud, backup, target)
    assert report.verified.seq == backup.points[9][1]
    assert (report.missing, report.complete, report.problem) == (backup.last - report.verified.seq, False, "")


def test_a_bucket_that_was_rolled_back_is_noticed_by_the_known_position(
    cloud: Cloud, backup: Backup, target: Path
) -> None:
    shutil.rmtree(cloud.replica)
    shutil.copytree(backup.early / "cloud" / cloud.bucket.name / PATH, cloud.replica, copy_function=shutil.copy2)
    report = restore(cloud, backup, target)
    assert report.verified.seq == backup.points[3][1]
    assert (report.missing, report.complete) == (backup.last - report.verified.seq, False)


def test_without_a_known_position_a_rollback_cannot_be_noticed(cloud: Cloud, backup: Backup, target: Path) -> None:
    single(cloud, backup, 11).unlink()
    assert restore(cloud, backup, target, known_seq=0).complete


def test_when_nothing_passes_nothing_is_left_behind(cloud: Cloud, backup: Backup, target: Path) -> None:
    for path in cloud.replica.rglob("*.ltx"):
        flip(path)
    with pytest.raises(ReplicaCorruptError) as caught:
        restore(cloud, backup, target)
    assert caught.value.params["problem"]
    assert not list(target.parent.iterdir())


def test_a_fall_back_never_goes_beyond_the_moment_asked_for(cloud: Cloud, backup: Backup, target: Path) -> None:
    flip(single(cloud, backup, 9))
    _, _, moment = backup.points[9]
    cloud.restart()
    report = Restorer(cloud.direct, backup.wanted(at_ms=moment), target).run()
    assert backup.points[5][1] <= report.verified.seq < backup.points[9][1]
    assert report.verified.newest_ms <= moment
    assert report.problem and not report.complete


def test_a_fall_back_leaves_alone_what_a_later_snapshot_made_whole_again(
    backup: Backup, target: Path, tmp_path: Path
) -> None:
    with copied(backup, tmp_path / "late", last_snapshot=True) as cloud:
        assert len(cloud.objects("0009")) == 2
        flip(single(cloud, backup, 8))
        assert restore(cloud, backup, tmp_path / "now").complete
        moment = backup.points[8][2]
        report = Restorer(cloud.direct, backup.wanted(at_ms=moment), target).run()
    assert report.problem and report.verified.newest_ms <= moment
    assert backup.points[5][1] <= report.verified.seq < backup.points[8][1]


def test_damage_after_the_moment_asked_for_costs_nothing(cloud: Cloud, backup: Backup, target: Path) -> None:
    flip(single(cloud, backup, 11))
    cloud.restart()
    _, seq, moment = backup.points[8]
    report = Restorer(cloud.direct, backup.wanted(at_ms=moment), target).run()
    assert (report.verified.seq, report.problem) == (seq, "")


class Imagined(Restorer):
    """The real search over imagined attempts: from transaction `bad` on, none passes."""

    def __init__(self, cloud: Cloud, backup: Backup, target: Path, count: int, bad: int) -> None:
        super().__init__(cloud.direct, backup.wanted(), target)
        self.count = count
        self.bad = bad
        self.tried: list[int | None] = []

    def search(self) -> int | None:
        found = self._fall_back()
        if found is None:
            return None
        assert found[0].seq == found[1].txid == self.tried[-1], "what was found is what lies in the folder"
        return found[1].txid

    def _points(self) -> list[Point]:
        return [Point(number, number) for number in range(self.count)]

    def _attempt(self, point: Point) -> Verified:
        self.tried.append(point.txid)
        if point.txid is None or point.txid >= self.bad:
            raise ReplicatorError(operation="imagine")
        return Verified(ORIGIN, point.txid, b"", 0, 0, 0)


def test_the_search_finds_the_newest_point_that_passes(cloud: Cloud, backup: Backup, target: Path) -> None:
    for count in range(40):
        for bad in range(count + 1):
            imagined = Imagined(cloud, backup, target, count, bad)
            assert imagined.search() == (bad - 1 if bad else None)
            assert len(imagined.tried) <= 2 * count.bit_length() + 3
