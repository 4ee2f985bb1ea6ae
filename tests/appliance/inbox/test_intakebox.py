"""What lies in the drop folder becomes a sealed document, or is told of; never both gone and unsealed."""

import contextlib
import errno
import fcntl
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from appliance.documents.intake import Intake
from appliance.inbox import running
from appliance.inbox.settled import Quiet
from appliance.inbox.told import FILE, folder_of
from crypto.importance import Importance
from crypto.streaming import MAX_PLAIN_BYTES
from sync.blobnotes import wishes
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.errors import BadBatchError, SupersededError
from sync.keeperchild import KeeperChild
from sync.localstore import FENCE
from tests.appliance.inbox.boxing import Box, until

MOUNT, UMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))
SECRET = "佐藤花子さんの面談記録"


def test_folders_say_the_importance_and_the_plain_file_is_gone(box: Box) -> None:
    for number, where in enumerate(("I/a", "Ⅱ/b", "３/c", "iv/d", "2/e", "f", "三年生/g")):
        box.put(where + ".txt", f"{number}".encode())
    told = box.settle()
    found = {v.file.name[0]: (v.importance, v.file.labelled, v.file.title) for v in box.taken}
    assert found == {
        "a": (Importance.I, True, "a.txt"),
        "b": (Importance.II, True, "b.txt"),
        "c": (Importance.III, True, "c.txt"),
        "d": (Importance.IV, True, "d.txt"),
        "e": (Importance.II, True, "e.txt"),
        "f": (Importance.II, False, "f.txt"),
        "g": (Importance.II, False, "三年生/g.txt"),
    }
    assert box.plain == [] and box.notes == () and told.taken == 7 and not told.not_taken
    assert box.contents == [f"{n}".encode() for n in range(7)]
    with contextlib.closing(KeeperClient(box.paths.socket)) as client:
        asked = {wish.digest for wish in wishes(client)}
    assert {v.file.blob for v in box.taken} <= asked


def test_subfolders_are_part_of_the_title_and_stay(box: Box) -> None:
    box.put("III/校外学習/二日目/しおり.txt", b"words")
    box.settle()
    (version,) = box.taken
    assert (version.file.title, version.file.name) == ("校外学習/二日目/しおり.txt", "しおり.txt")
    assert (box.inbox / "III/校外学習/二日目").is_dir()
    assert box.book.text(version.file.blob).text == "words"


def test_each_intake_and_each_refusal_is_in_the_audit_record(box: Box) -> None:
    before = len(box.entries())
    box.put("III/a.txt")
    for name in "xyz":
        box.put(f"I/{name}.txt", b"")
    box.settle()
    box.worker.turn()
    box.renew()
    box.worker.turn()  # after a restart it is not said again
    (version,) = box.taken
    kept, refused = sorted(box.entries()[before:], key=lambda entry: entry.verdict)
    assert (kept.action, kept.graded, kept.subject) == ("edit", Importance.III, version.document.hex())
    assert (refused.verdict, refused.graded, refused.rule, refused.count) == ("deny", Importance.I, "APP-300", 3)


def test_the_same_name_again_is_another_document(box: Box) -> None:
    for data in (b"first", b"second", b"second"):
        box.put("II/a.txt", data)
        box.settle()
    assert box.contents == [b"first", b"second", b"second"]


def test_what_is_no_plain_file_is_refused_and_its_other_end_never_looked_at(box: Box, tmp_path: Path) -> None:
    victim = tmp_path / "elsewhere.txt"
    victim.write_text(SECRET)
    (box.inbox / "II/link.txt").symlink_to("/etc/passwd")
    (box.inbox / "II/folder.txt").symlink_to(tmp_path)
    (box.inbox / "II/loop").symlink_to(box.inbox)
    os.mkfifo(box.inbox / "II/pipe.txt")
    (box.inbox / "II/named.txt").mkdir()
    with (
        socket.socket(socket.AF_UNIX) as server,
        contextlib.chdir(box.inbox / "II"),
    ):  # a short name: they are bounded
        server.bind("socket.txt")
    told = box.settle()
    assert told.counts == {"APP-302": 5} and told.taken == 0 and box.taken == []
    assert victim.read_text() == SECRET and Path("/etc/passwd").exists()


def test_a_folder_swapped_for_a_link_while_it_is_walked_leads_nowhere(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text(SECRET)
    box.put("II/sub/a.txt", b"mine")

    def swap(stat: os.stat_result) -> None:
        if not (box.inbox / "II/sub").is_symlink():
            (box.inbox / "II/sub").rename(box.inbox / "II/real")
            (box.inbox / "II/sub").symlink_to(tmp_path)

    monkeypatch.setattr("appliance.inbox.intakebox._check", swap)
    box.settle()
    assert (tmp_path / "a.txt").read_text() == SECRET
    assert set(box.contents) == {b"mine"}


def test_zero_bytes_huge_and_linked_files_stay_and_are_told(box: Box, tmp_path: Path) -> None:
    box.put("I/empty.txt", b"")
    with open(box.put("III/huge.bin", b""), "r+b") as file:
        file.truncate(MAX_PLAIN_BYTES + 1)
    os.link(box.put("IV/linked.txt"), tmp_path / "other.txt")
    told = box.settle()
    assert told.counts == {"APP-300": 1, "APP-301": 1, "APP-303": 1}
    assert {(e.code, e.folder, e.size) for e in told.not_taken} == {
        ("APP-300", "I", 0),
        ("APP-301", "III", MAX_PLAIN_BYTES + 1),
        ("APP-303", "IV", 5),
    }
    assert box.taken == [] and len(box.plain) == 3
    (tmp_path / "other.txt").unlink()
    box.settle()
    assert box.contents == [b"words"] and "APP-303" not in box.told.counts


def test_the_largest_document_is_taken(box: Box) -> None:
    with open(box.put("III/large.bin", b""), "r+b") as file:
        file.truncate(MAX_PLAIN_BYTES)
    box.settle()
    (version,) = box.taken
    assert version.file.size == MAX_PLAIN_BYTES and box.plain == []


def test_what_is_told_holds_no_name_and_is_nobody_elses_to_read(box: Box) -> None:
    box.put(f"I/{SECRET}.txt", b"")
    box.put(f"{SECRET}/{SECRET}.txt", b"")
    os.symlink("/etc/passwd", box.inbox / f"{SECRET}.pdf")
    box.settle()
    raw = (folder_of(box.paths) / FILE).read_bytes()
    assert box.told.counts == {"APP-300": 2, "APP-302": 1}
    assert SECRET not in raw.decode() and SECRET.encode("unicode_escape").decode() not in raw.decode()
    assert stat.S_IMODE(folder_of(box.paths).stat().st_mode) == 0o700


def test_names_of_programs_at_work_are_left_and_those_of_file_managers_removed(box: Box) -> None:
    left = (
        "~$しおり.docx",
        ".~lock.a.odt#",
        "scan.tmp",
        "a.part",
        "a.crdownload",
        ".smbdeleteAAA",
        "b~",
        "._named by somebody",
    )
    for name in left:
        box.put("II/" + name)
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        box.put("II/" + name)
    box.put("II/._しおり.docx", bytes.fromhex("0005160700020000"))
    told = box.settle()
    assert (told.left, told.removed, told.taken) == (len(left), 4, 0)
    assert sorted(os.path.basename(path).decode() for path in box.plain) == sorted(left)
    os.rename(box.inbox / "II/scan.tmp", box.inbox / "II/scan.pdf")
    box.settle()
    assert [version.file.name for version in box.taken] == ["scan.pdf"]


def test_broken_names_are_read_and_the_raw_one_is_kept_beside_them(box: Box) -> None:
    raw = "校外学習のしおり.txt".encode("cp932")
    box.put(b"III/" + raw)
    box.put("II/a\u202etxt.exe")
    box.put(b"II/" + b"\xff\xfe\xfd.txt")
    box.settle()
    found = {version.file.name: version.file.note for version in box.taken}
    assert "\\x8dZ\\x8aO" in found["校外学習のしおり.txt"] and "\\xe2\\x80\\xae" in found["atxt.exe"]
    assert len(found) == 3 and box.plain == []


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
