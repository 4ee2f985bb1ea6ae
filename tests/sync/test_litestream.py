import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.errors import ReplicatorError
from sync.ids import Origin, Site
from sync.litestream import Litestream, Replicated, Synced, environment, ltx_name, replica_path
from sync.programs import find_program
from sync.restore import Restorer, RestoreReport, Wanted
from tests.sync.cloud import (
    ACCESS,
    ORIGIN,
    PATH,
    SECRET,
    Cloud,
    Office,
    ask,
    cloud_at,
    flip,
    new_site,
    replicating,
    store_of,
    syncs,
    wait_until,
)
from tests.sync.site import SCHOOL, TestSite


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with cloud_at(tmp_path) as cloud:
        yield cloud


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TestSite]:
    site = new_site(tmp_path / "site")
    yield site
    site.close()


@pytest.fixture
def office(site: TestSite) -> Iterator[Office]:
    office = Office(site)
    yield office
    office.close()


@pytest.fixture
def litestream(site: TestSite, cloud: Cloud) -> Iterator[Litestream]:
    litestream = replicating(site, cloud.config)
    yield litestream
    litestream.kill()


def restored(site: TestSite, cloud: Cloud, folder: Path) -> RestoreReport:
    return Restorer(cloud.direct, Wanted(ORIGIN, site.root.sign.verify_key), folder).run()


@pytest.mark.parametrize("epoch", [1, 27])
def test_replica_and_local_state_belong_to_one_epoch(site: TestSite, cloud: Cloud, epoch: int) -> None:
    origin = Origin(SCHOOL, Site.BOX, epoch)
    litestream = replicating(site, cloud.config, origin)
    litestream.stop()
    config = json.loads((site.paths.run / "litestream.yml").read_text())
    (database,) = config["dbs"]
    assert database["replica"]["path"] == f"{SCHOOL}/box/{epoch}/db" == replica_path(origin)
    assert database["meta-path"] == str(site.paths.litestream_meta / str(epoch))
    assert database["path"] == str(site.paths.store)
    assert list((cloud.bucket / SCHOOL / "box" / str(epoch) / "db" / "0000").iterdir())
    assert list((site.paths.litestream_meta / str(epoch)).rglob("*.ltx"))


def test_auto_recover_is_never_asked_for(site: TestSite, litestream: Litestream) -> None:
    assert "auto-recover" not in (site.paths.run / "litestream.yml").read_text()


def test_no_file_holds_the_key_pair(site: TestSite, litestream: Litestream) -> None:
    litestream.stop()
    files = [path for path in site.paths.root.rglob("*") if path.is_file()]
    assert site.paths.run / "litestream.yml" in files
    for path in files:
        assert SECRET.encode() not in path.read_bytes() and ACCESS.encode() not in path.read_bytes(), path


def test_the_child_gets_the_key_pair_and_none_of_the_traps(
    site: TestSite, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    traps = [
        "AWS_CA_BUNDLE",
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "LITESTREAM_CONFIG",
        "LITESTREAM_REGION",
        "LOG_LEVEL",
    ]
    for name in traps:
        monkeypatch.setenv(name, "/no/such/trap")
    monkeypatch.setenv("KEPT_FOR_THE_CHILD", "yes")
    litestream = replicating(site, cloud.config)
    raw = Path(f"/proc/{litestream.pid}/environ").read_bytes().decode()
    litestream.stop()
    found = dict(line.split("=", 1) for line in raw.split("\0") if line)
    assert not [name for name in found if name.startswith(("AWS_", "LITESTREAM_", "LOG_LEVEL"))]
    assert found["KURABAKO_STORE_ACCESS"] == ACCESS and found["KURABAKO_STORE_SECRET"] == SECRET
    assert found["KEPT_FOR_THE_CHILD"] == "yes"


def test_trap_one_inherited_variable_keeps_litestream_from_reading(
    site: TestSite, cloud: Cloud, litestream: Litestream
) -> None:
    config, store = str(site.paths.run / "litestream.yml"), str(site.paths.store)
    command = [find_program("litestream"), "ltx", "-config", config, store]
    clean = environment(cloud.config)
    assert subprocess.run(command, env=clean, capture_output=True).returncode == 0
    trapped = clean | {"AWS_CA_BUNDLE": "/no/such/file"}
    assert subprocess.run(command, env=trapped, capture_output=True).returncode != 0


def test_sync_names_an_object_that_is_there(cloud: Cloud, litestream: Litestream, office: Office) -> None:
    store = store_of(cloud.direct)
    seen: list[Synced] = []
    for _ in range(5):
        office.make()
        seen.append(litestream.sync(10))
        there = store.get(f"{PATH}/{ltx_name(seen[-1].txid)}")
        assert there and there == litestream.local_ltx(seen[-1].txid)
    assert [one.txid for one in seen] == sorted({one.txid for one in seen})


def test_a_sync_without_changes_stays_where_it_is(litestream: Litestream) -> None:
    assert litestream.sync(10) == litestream.sync(10)
    assert litestream.local_ltx(10**6) is None


def test_sync_without_the_process_is_an_error(site: TestSite, cloud: Cloud) -> None:
    litestream = Litestream(site.paths.run, [Replicated(site.paths, ORIGIN)], cloud.config)
    assert not litestream.alive and litestream.pid is None
    with pytest.raises(ReplicatorError):
        litestream.sync(1)


def test_a_second_process_is_not_begun_nor_its_files_touched_while_the_first_one_lives(
    site: TestSite, cloud: Cloud, litestream: Litestream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.litestream._FORMER_S", 0.1)
    config = site.paths.run / "litestream.yml"
    before, second = config.stat(), Litestream(site.paths.run, [Replicated(site.paths, ORIGIN)], cloud.config)
    for touch in (second.start, second.reset):
        with pytest.raises(ReplicatorError) as refused:
            touch()
        assert refused.value.retry_safe and config.stat() == before
    assert not second.alive and syncs(litestream)
    litestream.kill()
    second.reset()
    second.start()
    wait_until(lambda: syncs(second), "its turn")
    second.kill()


@pytest.mark.faults
def test_killing_litestream_loses_nothing(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office, tmp_path: Path
) -> None:
    for _ in range(5):
        office.make(3)
        assert litestream.pid is not None
        os.kill(litestream.pid, signal.SIGKILL)
        wait_until(lambda: not litestream.alive)
        office.make(3)
        litestream.start()
    last = office.make()
    wait_until(lambda: syncs(litestream), "caught up")
    report = restored(site, cloud, tmp_path / "back")
    assert (report.verified.seq, report.complete) == (last, True)


@pytest.mark.faults
def test_a_litestream_started_without_a_line_catches_up_when_it_returns(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office, tmp_path: Path
) -> None:
    litestream.kill()
    cloud.line.cut()
    litestream.start()
    last = office.make(3)
    with pytest.raises(ReplicatorError):
        litestream.sync(1)
    cloud.line.mend()
    litestream.kill()
    litestream.start()
    wait_until(lambda: syncs(litestream), "caught up")
    assert restored(site, cloud, tmp_path / "back").verified.seq == last


@pytest.mark.faults
def test_stop_ends_the_process_on_a_hung_line(cloud: Cloud, litestream: Litestream, office: Office) -> None:
    pid = litestream.pid
    cloud.line.hang()
    office.make()
    with pytest.raises(ReplicatorError):
        litestream.sync(1)
    litestream.stop()
    assert pid is not None and not Path(f"/proc/{pid}").exists()


@pytest.mark.faults
def test_trap_a_hung_connection_is_not_given_up_and_a_restart_is_the_cure(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office, tmp_path: Path
) -> None:
    cloud.line.hang()
    last = office.make()
    time.sleep(1)  # long enough for Litestream to begin an upload of its own
    with pytest.raises(ReplicatorError):
        litestream.sync(1)
    cloud.line.mend()
    store_of(cloud.config).probe(PATH)  # the line is well
    with pytest.raises(ReplicatorError):
        litestream.sync(2)
    litestream.kill()
    litestream.start()
    wait_until(lambda: syncs(litestream), "caught up")
    assert restored(site, cloud, tmp_path / "back").verified.seq == last


@pytest.mark.faults
def test_trap_its_own_word_stays_green_in_an_outage(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office
) -> None:
    green = ask(site, "/list")["databases"]
    cloud.line.cut()
    office.make()
    with pytest.raises(ReplicatorError):
        litestream.sync(2)
    assert litestream.alive
    (before,), (after,) = green, ask(site, "/list")["databases"]
    assert before["status"] == after["status"] == "replicating"


@pytest.mark.faults
@pytest.mark.parametrize("late", [False, True], ids=["before it is used", "after more was sent"])
def test_a_reset_heals_a_replica_that_holds_what_sqlite_discarded(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office, tmp_path: Path, late: bool
) -> None:
    office.make(5)
    litestream.sync(10)
    index = site.paths.store.with_name("school.db-shm")
    before = index.read_bytes()[:96]
    office.make()
    litestream.sync(10)
    # As when the keeper dies after its frames reached the log and before the index says so: Litestream has read
    # them, and the next writer writes over them.
    site.kill_keeper()
    with index.open("r+b") as file:
        file.write(before)
    site.start_keeper()
    other = Office(site)
    if late:
        other.make(4)
        time.sleep(0.6)  # two rounds of Litestream's polling
    litestream.kill()
    litestream.reset()
    litestream.start()
    wait_until(lambda: syncs(litestream), "taken up again")
    last = other.make(3)
    wait_until(lambda: syncs(litestream), "sent")
    other.close()
    report = restored(site, cloud, tmp_path / "back")
    assert (report.verified.seq, report.problem) == (last, "")


@pytest.mark.faults
@pytest.mark.parametrize("forget", [True, False])
def test_after_a_reset_with_a_snapshot_nothing_older_is_needed(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office, tmp_path: Path, forget: bool
) -> None:
    office.make(3)
    litestream.sync(10)
    litestream.kill()
    litestream.reset(forget=forget)
    old = sorted(cloud.replica.rglob("*.ltx"))
    litestream.start(snapshot=True)
    wait_until(lambda: not litestream.alive, "the snapshot is sent")
    litestream.start()
    last = office.make()
    wait_until(lambda: syncs(litestream), "sent")
    litestream.stop()
    for path in old:
        path.unlink(missing_ok=True)
    cloud.restart()
    report = restored(site, cloud, tmp_path / "back")
    assert (report.verified.seq, report.problem) == (last, "")


@pytest.mark.faults
def test_trap_a_reset_that_forgets_is_stuck_on_a_damaged_newest_object(
    site: TestSite, cloud: Cloud, litestream: Litestream, office: Office
) -> None:
    office.make(3)
    litestream.sync(10)
    litestream.kill()
    flip(cloud.objects()[-1])
    litestream.reset()
    litestream.start()
    wait_until((site.paths.run / "litestream.sock").exists, "listening")
    with pytest.raises(ReplicatorError):
        litestream.sync(2)
