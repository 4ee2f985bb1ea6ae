import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from crypto.secret import Secret
from sync.blobnotes import ask_to_send, sent_at_ms
from sync.blobs import Blobs
from sync.checkpoint import read_checkpoint
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.daemon import SiteDaemon
from sync.errors import SecondKeeperError
from sync.exchange import Told
from sync.ids import Origin, Site
from sync.keeperlock import take_lock
from sync.openrecords import CHECKPOINT
from sync.reader import Reader
from sync.replica import Prover
from sync.sitevoice import SiteVoice
from sync.status import LinkState, read_status
from tests.sync.cloud import ORIGIN, flip, wait_until
from tests.sync.serving import Serving, job, serving_at


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    with serving_at(tmp_path, monkeypatch) as serving:
        yield serving


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill(serving: Serving, name: str) -> int:
    pid = serving.daemon.children()[name]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: gone(pid), f"{name} is dead")
    return pid


def test_everything_is_sent_and_the_status_file_says_so(serving: Serving) -> None:
    serving.start()
    last = serving.office.make(3)
    serving.settle()
    serving.online()
    status = serving.status
    assert status.saved == status.sent >= last and status.waiting == 0 and status.sent_at_ms
    assert (status.replica_resets, status.litestream_restarts, status.warnings) == (0, 0, ())
    assert set(serving.daemon.children()) == {"keeper", "litestream"}
    wait_until(
        lambda: (told := read_status(serving.paths)) is not None and told.sent == status.sent,
        "the file says so",
        serving.daemon.tick,
    )


@pytest.mark.faults
def test_a_cut_is_seen_what_waits_is_counted_and_a_mended_line_carries_it(
    serving: Serving, tmp_path: Path
) -> None:
    serving.start()
    serving.office.make()
    serving.settle()
    sent, began = serving.status.sent, wall_ms()
    serving.cloud.line.cut()
    serving.offline()
    for number in range(1, 4):
        serving.office.make(5)
        serving.daemon.tick()
        status = serving.status
        assert status.sent == sent and status.waiting == status.saved - sent >= 5 * number
        assert status.waiting_since_ms and began <= status.waiting_since_ms <= status.at_ms
    serving.cloud.line.mend()
    serving.all_sent()
    assert serving.status.waiting_since_ms is None
    serving.online()
    assert serving.restored(tmp_path / "back").complete


@pytest.mark.faults
def test_nothing_counts_as_countersigned_beyond_what_was_sent(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving.start()
    last = serving.office.make()
    serving.settle()
    sent = serving.status.sent
    told = Told((Origin(ORIGIN.school, Site.HUB, 1),), sent, confirmed=last)
    monkeypatch.setattr(serving.daemon._courier, "told", lambda: told)
    assert serving.status.confirmed == sent, "the site's last word, which nobody countersigns, holds nothing back"
    serving.cloud.line.cut()
    serving.offline()
    with closing(Reader(serving.paths.store)) as reader, closing(KeeperClient(serving.paths.socket)) as client:
        SiteVoice(reader, client, serving.key.sign).checkpoint()
    assert serving.status.saved == sent + 1
    assert (serving.status.sent, serving.status.confirmed) == (sent, sent)


@pytest.mark.faults
def test_a_site_that_starts_without_a_line_catches_up(serving: Serving, tmp_path: Path) -> None:
    serving.cloud.line.cut()
    serving.start()
    serving.offline()
    serving.office.make(5)
    assert serving.status.sent == 0
    serving.cloud.line.mend()
    serving.all_sent()
    assert serving.restored(tmp_path / "back").complete


@pytest.mark.faults
@pytest.mark.parametrize("line", ["up", "cut"])
def test_a_killed_keeper_is_back_and_the_replica_is_made_anew(serving: Serving, tmp_path: Path, line: str) -> None:
    serving.start()
    serving.office.make(5)
    serving.settle()
    if line == "cut":
        serving.cloud.line.cut()
        serving.offline()
    old = kill(serving, "keeper")
    last = serving.office.make(3)
    serving.until(lambda status: status.replica_resets == 1, "reset")
    assert not serving.paths.reset_mark.exists()
    assert serving.daemon.children()["keeper"] != old
    if line == "cut":
        assert serving.status.sent == 0
        serving.cloud.line.mend()
    serving.settle()
    report = serving.restored(tmp_path / "back")
    assert report.complete and report.verified.seq >= last


@pytest.mark.faults
def test_resets_are_remembered_and_a_clean_stop_owes_none(serving: Serving) -> None:
    serving.start()
    kill(serving, "keeper")
    serving.office.make()
    serving.until(lambda status: status.replica_resets == 1, "reset")
    serving.settle()
    serving.stop()
    serving.start()
    serving.all_sent()
    assert serving.status.replica_resets == 1
    serving.stop()
    serving.paths.reset_mark.write_bytes(b"unclean stop\n")  # owed from the last life: done first
    serving.start()
    assert serving.status.replica_resets == 2 and not serving.paths.reset_mark.exists()
    serving.all_sent()


@pytest.mark.faults
def test_a_reset_that_a_reader_holds_up_stays_owed(serving: Serving) -> None:
    serving.start()
    serving.office.make()
    serving.settle()
    reader = Reader(serving.paths.store)
    with reader.snapshot() as moment:
        moment.position()
        kill(serving, "keeper")
        serving.office.make()
        wait_until(serving.paths.reset_mark.exists, "owed")
        serving.daemon.tick()
        assert serving.paths.reset_mark.exists() and serving.status.replica_resets == 0
        assert "litestream" not in serving.daemon.children()
    reader.close()
    serving.until(lambda status: status.replica_resets == 1, "reset")
    serving.settle()


@pytest.mark.faults
def test_a_killed_litestream_is_started_again_and_nothing_is_lost(serving: Serving, tmp_path: Path) -> None:
    serving.start()
    serving.office.make()
    serving.settle()
    old = kill(serving, "litestream")
    serving.office.make(5)
    serving.until(lambda status: status.litestream_restarts == 1, "restart")
    serving.settle()
    assert serving.daemon.children()["litestream"] != old and serving.status.replica_resets == 0
    assert serving.restored(tmp_path / "back").complete


@pytest.mark.faults
def test_a_hung_litestream_is_started_again_when_the_store_answers(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sync.daemon._STUCK_S", 0.5)
    monkeypatch.setattr(Prover.step, "__defaults__", (1.0,))
    serving.start()
    serving.settle()
    serving.cloud.line.hang()
    serving.office.make()
    wait_until(lambda: serving.daemon._prover.stuck_since, "an upload hangs")
    serving.cloud.line.mend()
    serving.until(lambda status: status.litestream_restarts >= 1, "restart")
    serving.settle()
    assert serving.restored(tmp_path / "back").complete


def test_checkpoints_cover_what_was_kept_and_not_themselves(serving: Serving) -> None:
    serving.start()
    last = serving.office.make(3)
    serving.settle()
    end = serving.status.saved
    for _ in range(5):
        serving.daemon.tick()
        time.sleep(0.25)  # longer than from one checkpoint to the next
    assert serving.status.saved == end
    reader = Reader(serving.paths.store)
    (row,) = reader.heads(CHECKPOINT)
    reader.close()
    checkpoint = read_checkpoint(row.body)
    assert last <= checkpoint.seq == row.seq - 1 and row.seq == end


def test_a_self_check_sets_the_time_of_the_proof_for_good(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.replicacheck._FIRST_S", 0)
    serving.start()
    last = serving.office.make(3)
    assert serving.status.verified_at_ms is None
    serving.until(lambda status: status.verified_at_ms and status.verified_seq >= last, "verified")
    found = serving.status
    assert found.verified_seq <= found.sent and found.warnings == ()
    assert not (serving.paths.run / "selfcheck").exists()
    serving.stop()
    monkeypatch.setattr("sync.replicacheck._FIRST_S", 1e9)
    serving.start()
    again = serving.status
    assert (again.verified_at_ms, again.verified_seq) == (found.verified_at_ms, found.verified_seq)


@pytest.mark.faults
def test_a_self_check_that_finds_damage_warns_and_has_the_replica_made_anew(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sync.replicacheck._AGAIN_S", 0.2)
    serving.start()
    wait_until(lambda: serving.cloud.objects("0009"), "the first snapshot", serving.daemon.tick)
    serving.office.make()
    serving.settle()
    for path in serving.cloud.replica.rglob("*.ltx"):
        flip(path)
    serving.daemon._check.hurry()
    serving.until(lambda status: status.warnings == ("SYNC-044",), "the damage is told")
    serving.until(lambda status: status.verified_at_ms, "verified again")
    assert serving.status.warnings == () and serving.status.replica_resets == 1
    assert serving.restored(tmp_path / "back").complete


@pytest.mark.faults
def test_a_replica_that_vanished_is_made_anew(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sync.replicacheck._AGAIN_S", 0.2)
    serving.start()
    wait_until(lambda: serving.cloud.objects("0009"), "the first snapshot", serving.daemon.tick)
    serving.office.make()
    serving.settle()
    for path in serving.cloud.replica.rglob("*.ltx"):
        path.unlink()
    serving.cloud.restart()
    serving.online()
    serving.daemon._check.hurry()
    serving.until(lambda status: status.verified_at_ms, "made anew and verified")
    assert serving.status.replica_resets >= 1 and serving.status.warnings == ()
    assert serving.restored(tmp_path / "back").complete


def test_a_store_that_refuses_the_key_pair_is_told(serving: Serving) -> None:
    wrong = Secret(b"not-this-one")
    config = serving.cloud.config
    serving.start(store=type(config)(config.endpoint, config.bucket, config.region, config.access_key, wrong))
    serving.until(lambda status: status.warnings == ("SYNC-041",), "told")
    serving.offline()
    assert serving.status.sent == 0


@pytest.mark.parametrize("line", ["up", pytest.param("hang", marks=pytest.mark.faults)])
def test_a_stop_leaves_no_child_and_no_mark(serving: Serving, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr("sync.daemon._LAST_PROOF_S", 1.0)
    serving.start()
    serving.settle()
    children = serving.daemon.children()
    assert len(children) == 2
    if line == "hang":
        serving.cloud.line.hang()
    serving.office.make()
    serving.stop()
    assert all(gone(pid) for pid in children.values())
    for left in (serving.paths.status, serving.paths.running_mark, serving.paths.reset_mark, serving.paths.socket):
        assert not left.exists()
    os.close(take_lock(serving.paths))


def test_a_stop_sends_what_is_kept_while_the_line_is_up(serving: Serving, tmp_path: Path) -> None:
    serving.start()
    serving.settle()
    serving.online()
    last = serving.office.make(5)
    serving.stop()
    serving.start()
    report = serving.restored(tmp_path / "back")
    assert report.complete and report.verified.seq == last + 1  # and its checkpoint


def test_a_second_daemon_is_refused_and_the_first_goes_on(serving: Serving) -> None:
    serving.start()
    serving.settle()
    children = serving.daemon.children()
    with pytest.raises(SecondKeeperError):
        SiteDaemon(serving.paths, serving.settings())
    serving.office.make()
    serving.settle()
    assert serving.daemon.children() == children and serving.status.link is not LinkState.OFFLINE


@pytest.mark.faults
@pytest.mark.parametrize("line", ["mend", "cut", "hang"])
def test_killing_the_serving_process_takes_its_children_down_and_the_next_start_carries_on(
    serving: Serving, tmp_path: Path, line: str
) -> None:
    command = [sys.executable, "-m", "tests.sync.serving"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(job(serving).encode() + b"\n")
        process.stdin.flush()
        children: dict[str, int] = json.loads(process.stdout.readline())
        getattr(serving.cloud.line, line)()
        last = serving.office.make(3)
        time.sleep(1)  # Litestream is sending, or trying to: then one SIGTERM does not end it (measured)
        process.kill()
    assert set(children) == {"keeper", "litestream"}
    wait_until(lambda: all(gone(pid) for pid in children.values()), "the children are down")
    serving.cloud.line.mend()
    serving.start()
    serving.settle()
    report = serving.restored(tmp_path / "back")
    assert report.complete and report.verified.seq >= last


def test_a_document_goes_out_and_the_status_counts_it_until_it_was_read_back(serving: Serving) -> None:
    serving.start()
    serving.office.make()
    serving.settle()
    serving.cloud.line.cut()
    data = os.urandom(300_000)
    digest = sha256(data).digest()
    with Blobs(serving.paths.blobs).receive() as incoming:
        incoming.file.write(data)
        incoming.keep(digest)
    with closing(KeeperClient(serving.paths.socket)) as client:
        ask_to_send(client, digest)
        serving.until(lambda status: status.documents == 1, "it is seen")
        assert sent_at_ms(client, digest) is None
        serving.cloud.line.mend()
        serving.until(lambda status: status.documents == 0, "it is sent")
        assert sent_at_ms(client, digest) is not None
    assert serving.status.warnings == ()
