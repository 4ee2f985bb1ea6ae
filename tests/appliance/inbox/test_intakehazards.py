"""The drop folder while somebody still writes, the disk is full, the keeper is down, or nothing may be removed."""

import contextlib
import errno
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.documents.intake import Intake
from appliance.inbox import running
from appliance.inbox.settled import Quiet
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.errors import BadBatchError, SupersededError
from sync.keeperchild import KeeperChild
from sync.localstore import FENCE
from tests.appliance.inbox.boxing import Box, until

MOUNT, UMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))


def test_a_file_replaced_while_it_is_sealed_is_taken_too(box: Box) -> None:
    path = Path(os.fsdecode(box.put("II/a.txt", b"first")))

    def replace(step: str) -> None:
        if step == "kept" and path.read_bytes() == b"first":
            path.with_name("new").write_bytes(b"second")
            path.with_name("new").replace(path)

    box.renew(step=replace)
    box.settle()
    assert box.contents == [b"first", b"second"] or box.contents == [b"second"]
    assert b"second" in box.contents and box.plain == []


def test_a_file_written_again_after_it_was_recorded_is_taken_again_and_told(box: Box) -> None:
    path = Path(os.fsdecode(box.put("II/a.txt", b"first")))

    def write(step: str) -> None:
        if step == "recorded" and path.exists() and path.read_bytes() == b"first":
            path.write_bytes(b"again")

    box.renew(step=write)
    told = box.settle()
    assert box.contents == [b"again", b"first"] and told.again == 1 and box.plain == [] and box.notes == ()


def test_the_same_bytes_count_even_when_the_times_were_set_back(box: Box) -> None:
    path = box.put("II/a.txt", b"first")
    times = os.stat(path)

    def write(step: str) -> None:
        if step == "recorded" and not box.told.again and os.path.exists(path):
            with open(path, "r+b") as file:
                file.write(b"other")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    box.renew(step=write)
    told = box.settle()
    assert box.contents == [b"first", b"other"] and box.plain == [] and told.again == 1


def test_somebody_who_still_writes_when_it_is_removed_loses_nothing(box: Box) -> None:
    path = box.put("II/a.txt", b"first")
    writers: list[int] = []

    def reopen(step: str) -> None:
        if step == "recorded" and not writers:
            writers.append(os.open(path, os.O_WRONLY | os.O_APPEND))

    box.renew(step=reopen)
    until(lambda: box.worker.turn() is not None and bool(writers), "never recorded")
    assert len(box.plain) == 1 and box.contents == [b"first"]  # out of sight, not gone
    os.write(writers[0], b" and more")
    os.close(writers[0])
    box.settle()
    assert box.contents == [b"first", b"first and more"] and box.plain == []


def test_while_the_keeper_is_down_the_plain_file_stays(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PATIENCE_S", 0.2)
    box.school.keeper.stop(10)
    try:
        for name in "ab":
            box.put(f"II/{name}.txt", name.encode())
        until(lambda: box.worker.turn() is not None and box.told.problem == "SYNC-003", "not told")
        assert len(box.plain) == 2 and not box.told.taken
    finally:
        restart_keeper(box)
    told = box.settle()
    assert box.contents == [b"a", b"b"] and told.problem == "" and told.taken == 2 and box.plain == []


def test_a_full_disk_keeps_everything_where_it_is(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    box.put("II/a.txt")
    with monkeypatch.context() as patch:
        patch.setattr("sync.blobs.os.fsync", full)
        until(lambda: box.worker.turn() is not None and box.told.problem != "", "not told")
    assert len(box.plain) == 1 and box.taken == []
    assert not [path for path in box.paths.blobs.iterdir() if path.name.startswith(".new")]
    box.settle()
    assert box.contents == [b"words"]


def test_a_record_that_is_refused_leaves_no_sealed_bytes_behind(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(Blobs(box.paths.blobs).names())
    box.put("II/a.txt")
    box.put("II/b.txt")
    refused = []

    def refuse(*_: object) -> None:
        refused.append(1)
        raise BadBatchError(operation="keep batch")

    with monkeypatch.context() as patch:
        patch.setattr(Intake, "record", refuse)
        assert box.settle().counts == {"APP-305": 2}
        for _ in range(5):
            box.worker.turn()
    assert len(refused) == 2  # each waits for its next time
    assert set(Blobs(box.paths.blobs).names()) == before and len(box.plain) == 2
    box.renew()
    box.settle()
    assert box.contents == [b"words", b"words"]


def test_a_box_that_was_replaced_seals_nothing(box: Box) -> None:
    before = set(Blobs(box.paths.blobs).names())
    box.put("II/a.txt")
    with contextlib.closing(KeeperClient(box.paths.socket)) as client:
        client.local_put(*FENCE, b"1")
        try:
            until(lambda: box.worker.turn() is not None and box.told.problem == SupersededError.code, "not told")
            assert set(Blobs(box.paths.blobs).names()) == before and len(box.plain) == 1
        finally:
            client.local_put(*FENCE, None)
            box.school.keeper.stop(10)  # it never forgets a fence
            restart_keeper(box)
    box.settle()
    assert box.contents == [b"words"]


def restart_keeper(box: Box) -> None:
    box.school.keeper = KeeperChild(box.paths)
    box.school.keeper.start()
    assert box.notes == ()


def test_a_reading_that_fails_holds_up_no_other_file(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("hostile")

    box.put("I/a.txt")
    box.worker.close()
    with monkeypatch.context() as patch:
        patch.setattr(box.worker, "_reading", fails)
        box.put("II/b.txt", b"")
        assert box.settle().counts == {"APP-300": 1, "APP-305": 1}
    box.renew()
    box.settle()
    assert box.contents == [b"words"]


@contextlib.contextmanager
def read_only(folder: Path):  # type: ignore[no-untyped-def]
    """Make a folder read-only, for root too."""
    if os.geteuid():
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    if subprocess.run([MOUNT, "--bind", folder, folder], capture_output=True, check=False).returncode:
        pytest.skip("root without the right to mount cannot make a folder read-only")
    try:
        subprocess.run([MOUNT, "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run([UMOUNT, folder], check=True)


def test_a_read_only_folder_is_sealed_once_told_and_emptied_when_it_can_be(box: Box) -> None:
    box.put("II/a.txt")
    with read_only(box.inbox / "II"):
        box.settle()
        for _ in range(3):
            box.worker.turn()
        assert box.told.counts == {"APP-306": 1} and box.contents == [b"words"] and len(box.plain) == 1
    box.renew()
    box.settle()
    assert box.contents == [b"words"] and box.plain == [] and box.told.counts == {}


def test_a_file_system_without_leases_needs_a_longer_rest_and_works(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EINVAL, "no leases")

    monkeypatch.setattr("appliance.inbox.settled.fcntl.fcntl", refused)
    path = box.put("II/a.txt")
    with open(path, "ab") as writer:
        for _ in range(5):
            assert box.worker.turn() is not None
        assert box.taken == []
        writer.write(b" and more")
    box.settle()
    assert box.contents == [b"words and more"] and box.plain == []


def test_a_file_of_another_user_is_taken_though_the_kernel_grants_no_lease(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.fcntl

    def refused(descriptor: int, command: int, *more: int) -> int:
        if command == fcntl.F_SETLEASE:  # F_GETLEASE answers all the same: that there is none
            raise PermissionError(errno.EACCES, "not yours")
        return real(descriptor, command, *more)

    monkeypatch.setattr("appliance.inbox.settled.fcntl.fcntl", refused)
    box.put("II/a.txt")
    box.settle()
    assert box.contents == [b"words"] and box.plain == [] and box.told.waiting == 0


def test_what_is_written_for_very_long_is_told(box: Box) -> None:
    box.worker._rest._quiet = box.worker._quiet = Quiet(0.05, 0.1, 0.0)
    with open(box.put("II/a.txt"), "ab"):
        until(lambda: box.worker.turn() is not None and "APP-308" in box.told.counts, "not told")
    box.settle()
    assert box.told.counts == {} and box.contents == [b"words"]


def test_the_drop_folder_away_is_told_and_nothing_breaks(box: Box) -> None:
    away = box.inbox.with_name("inbox.away")
    box.inbox.rename(away)
    try:
        assert box.worker.turn() is not None and box.told.problem == "APP-304"
    finally:
        away.rename(box.inbox)
