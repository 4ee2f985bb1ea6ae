"""A replica in which objects of two lives of a box are mixed: what is this life's comes back, the reason named."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.errors import MixedEpochsError
from sync.ids import Origin, Site
from sync.litestream import ltx_name, replica_path
from sync.offlinelog import rebase
from sync.restore import Restorer, RestoreReport, Wanted
from sync.site import create_site
from tests.sync.cloud import LONG_S, ORIGIN, Cloud, Office, cloud_at, copy_of, new_site, replicating
from tests.sync.site import SCHOOL, TestSite

NEXT = Origin(SCHOOL, Site.BOX, 2)


@dataclass
class Lives:
    """Two lives of a box, each replicated under its own name; `seq` and `txid` are where the first ended."""

    folder: Path
    wanted: Wanted
    seq: int
    txid: int

    def restored(self, cloud: Cloud, target: Path) -> RestoreReport:
        return Restorer(cloud.direct, self.wanted, target).run()


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Lives:
    folder = tmp_path_factory.mktemp("lives")
    first = new_site(folder / "first")
    with cloud_at(folder) as cloud:
        seq, txid = replicated(first, cloud, ORIGIN, 1)
        store = Restorer(
            cloud.direct, wanted := Wanted(ORIGIN, first.root.sign.verify_key, known_seq=seq), folder / "copy"
        )
        restored = store.run().path / "school.db"
        rebase(restored, NEXT)
        paths = create_site(folder / "second", NEXT)
        for stale in paths.root.glob("school.db*"):
            stale.unlink()
        shutil.copy(restored, paths.store)
        second = TestSite(paths, first.root, first.people)
        second.start_keeper()
        replicated(second, cloud, NEXT, txid + 3)
    first.close()
    second.close()
    return Lives(folder, wanted, seq, txid)


def replicated(site: TestSite, cloud: Cloud, origin: Origin, upto: int) -> tuple[int, int]:
    """Make entries in single transactions until Litestream counts to `upto`; return its last seq and txid."""
    litestream, office = replicating(site, cloud.direct, origin), Office(site)
    seq = txid = 0
    while seq < 5 or txid < upto:
        seq, txid = office.make(), litestream.sync(LONG_S).txid
    office.close()
    litestream.stop()
    return seq, txid


@pytest.fixture
def cloud(lives: Lives, tmp_path: Path) -> Iterator[Cloud]:
    with cloud_at(copy_of(lives.folder, tmp_path / "store")) as made:
        yield made


def place(cloud: Cloud, origin: Origin, txid: int) -> Path:
    return cloud.bucket / replica_path(origin) / ltx_name(txid)


def test_each_life_alone_is_whole(lives: Lives, cloud: Cloud, tmp_path: Path) -> None:
    report = lives.restored(cloud, tmp_path / "back")
    assert report.complete and report.verified.seq == lives.seq


def test_newer_transactions_of_another_life_are_not_taken(lives: Lives, cloud: Cloud, tmp_path: Path) -> None:
    for txid in (lives.txid + 1, lives.txid + 2):
        shutil.copy2(place(cloud, NEXT, txid), place(cloud, ORIGIN, txid))
    cloud.restart()
    report = lives.restored(cloud, tmp_path / "back")
    assert report.problem and not report.complete, "it is told, although nothing of this life is missing"
    assert (report.verified.origin, report.verified.seq) == (ORIGIN, lives.seq)


def test_another_lifes_whole_database_on_top_is_refused_by_name(
    lives: Lives, cloud: Cloud, tmp_path: Path
) -> None:
    shutil.rmtree(cloud.replica)
    shutil.copytree(cloud.bucket / replica_path(NEXT), cloud.replica, copy_function=shutil.copy2)
    cloud.restart()
    with pytest.raises(MixedEpochsError):
        lives.restored(cloud, tmp_path / "back")
    assert not (tmp_path / "back").exists()
