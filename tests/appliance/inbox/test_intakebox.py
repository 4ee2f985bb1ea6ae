"""What lies in the drop folder becomes a sealed document, or is told of; never both gone and unsealed."""

import contextlib
import os
import socket
import stat
from pathlib import Path

import pytest

from appliance.inbox.told import FILE, folder_of
from crypto.importance import Importance
from crypto.streaming import MAX_PLAIN_BYTES
from sync.blobnotes import wishes
from sync.client import KeeperClient
from tests.appliance.inbox.boxing import Box

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
