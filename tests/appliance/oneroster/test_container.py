import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from appliance.oneroster import container
from appliance.oneroster.errors import (
    AmbiguousFileError,
    ContainerBrokenError,
    ContainerEncryptedError,
    ContainerTooLargeError,
    ContainerUnsafeError,
    CsvBrokenError,
    NoRosterFilesError,
    NotOneRosterCsvError,
    SourceUnreadableError,
)
from appliance.oneroster.plan import plan_import
from tests.appliance.oneroster.samples import CODE, clean


def made(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("inside", ["", "OneRoster/", "書き出し/2026年度/"])
def test_zip_and_folder_give_the_same_plan(tmp_path: Path, inside: str) -> None:
    expected = clean().plan(tmp_path)
    assert plan_import(clean().zip(tmp_path / "export.zip", inside), CODE) == expected
    clean().write(tmp_path / "nested" / inside)
    assert plan_import(tmp_path / "nested", CODE) == expected


def test_the_suffix_of_a_zip_does_not_matter(tmp_path: Path) -> None:
    assert plan_import(clean().zip(tmp_path / "export.dat"), CODE) == clean().plan(tmp_path)


def test_a_zip_written_by_windows_is_read(tmp_path: Path) -> None:
    # Names in CP932 without the UTF-8 flag, backslashes as separators; 表 ends in a backslash byte.
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in clean().files().items():
            archive.writestr(zipfile.ZipInfo(f"XY{name}"), data)
    raw = path.read_bytes().replace(b"XY", "表".encode("cp932"))
    path.write_bytes(raw.replace("表".encode("cp932"), b"e\\"))
    assert plan_import(path, CODE) == clean().plan(tmp_path)


def test_a_folder_name_in_cp932_is_no_escape(tmp_path: Path) -> None:
    path = clean().zip(tmp_path / "export.zip", "XYZ/")
    path.write_bytes(path.read_bytes().replace(b"XYZ/", "表".encode("cp932") + b"1/"))
    assert plan_import(path, CODE) == clean().plan(tmp_path)


def test_junk_of_desktops_is_ignored(tmp_path: Path) -> None:
    junk = {"__MACOSX/._users.csv": b"\0\5", "._users.csv": b"\0", ".DS_Store": b"\0", "Thumbs.db": b"\0"}
    path = made(tmp_path / "export.zip", clean().files() | junk | {"README.txt": "説明".encode()})
    assert plan_import(path, CODE) == clean().plan(tmp_path)


def test_case_of_file_names_does_not_matter(tmp_path: Path) -> None:
    files = {name.upper() if name < "m" else name.capitalize(): data for name, data in clean().files().items()}
    assert plan_import(made(tmp_path / "e.zip", files), CODE).put == clean().plan(tmp_path).put


def test_every_truncation_of_a_zip_is_refused(tmp_path: Path) -> None:
    whole = clean().zip(tmp_path / "export.zip").read_bytes()
    path = tmp_path / "cut.zip"
    for length in range(4, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ContainerBrokenError):
            plan_import(path, CODE)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "stored.zip", "w") as archive:
        for name, data in clean().files().items():
            archive.writestr(name, data)
    raw = bytearray((tmp_path / "stored.zip").read_bytes())
    raw[raw.index("山田".encode())] ^= 1
    (tmp_path / "stored.zip").write_bytes(raw)
    with pytest.raises(ContainerBrokenError):
        plan_import(tmp_path / "stored.zip", CODE)


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    path = clean().zip(tmp_path / "export.zip")
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02")
    while at >= 0:
        raw[at + 8] |= 1
        local = struct.unpack_from("<I", raw, at + 42)[0]
        raw[local + 6] |= 1
        at = raw.find(b"PK\x01\x02", at + 4)
    path.write_bytes(raw)
    with pytest.raises(ContainerEncryptedError):
        plan_import(path, CODE)


@pytest.mark.parametrize(
    "name", ["../users.csv", "/users.csv", "a/../../users.csv", "..\\users.csv", "C:\\users.csv"]
)
def test_an_entry_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContainerUnsafeError):
        plan_import(made(tmp_path / "slip.zip", clean().files() | {name: b"x"}), CODE)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = clean().zip(tmp_path / "link.zip")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("results.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ContainerUnsafeError):
        plan_import(path, CODE)


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_bytes(clean().files()["users.csv"])
    folder = clean().write(tmp_path / "e")
    (folder / "users.csv").unlink()
    (folder / "users.csv").symlink_to(outside)
    assert plan_import(folder, CODE).totals.users == 0


def test_a_zip_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    with pytest.raises(ContainerTooLargeError):
        plan_import(made(tmp_path / "bomb.zip", {"users.csv": b"\0" * (32 << 20)}), CODE)


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "lie.zip", {"users.csv": b"0" * (8 << 20)})
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(raw)
    with pytest.raises((ContainerBrokenError, ContainerTooLargeError)):
        plan_import(path, CODE)


def test_limits_hold_for_folders_and_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, path = clean().write(tmp_path / "e"), clean().zip(tmp_path / "e.zip")
    monkeypatch.setattr(container, "MAX_FILE", 100)
    for source in (folder, path, folder / "users.csv"):
        with pytest.raises(ContainerTooLargeError):
            plan_import(source, CODE)
    monkeypatch.setattr(container, "MAX_FILE", 64 << 20)
    monkeypatch.setattr(container, "MAX_ENTRIES", 3)
    for source in (folder, path):
        with pytest.raises(ContainerTooLargeError):
            plan_import(source, CODE)


def test_two_files_for_one_part_are_refused(tmp_path: Path) -> None:
    files = clean().files()
    with pytest.raises(AmbiguousFileError):
        plan_import(made(tmp_path / "e.zip", files | {"users-2026-04-01.csv": files["users.csv"]}), CODE)


def test_parts_in_two_folders_are_refused(tmp_path: Path) -> None:
    files = clean().files()
    files["old/users.csv"] = files.pop("users.csv")
    with pytest.raises(AmbiguousFileError):
        plan_import(made(tmp_path / "e.zip", files), CODE)


def test_a_missing_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadableError):
        plan_import(tmp_path / "nowhere.zip", CODE)


@pytest.mark.parametrize(
    ("name", "data", "format_name"),
    [
        ("users.json", b'{"users": []}', "OneRoster REST (JSON)"),
        ("list.json", b"[1]", "JSON"),
        ("users.csv", b'{"users": []}', "OneRoster REST (JSON)"),
        ("student.csv", b"SIS ID,School SIS ID\n1,2\n", "Microsoft School Data Sync (SDS) CSV"),
        ("roster.pdf", b"%PDF-1.7", "PDF"),
        ("roster.xml", b"<?xml version='1.0'?>", "XML / HTML"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, name: str, data: bytes, format_name: str) -> None:
    (tmp_path / name).write_bytes(data)
    for source in (tmp_path / name, tmp_path):
        with pytest.raises(NotOneRosterCsvError) as caught:
            plan_import(source, CODE)
        assert caught.value.params["looks_like"] == format_name


def test_a_spreadsheet_is_named(tmp_path: Path) -> None:
    path = made(tmp_path / "meibo.xlsx", {"[Content_Types].xml": b"<?xml", "xl/workbook.xml": b"<?xml"})
    with pytest.raises(NotOneRosterCsvError) as caught:
        plan_import(path, CODE)
    assert caught.value.params["looks_like"] == "Excel (.xlsx)"


@pytest.mark.parametrize(
    "files", [{}, {"users.csv": b""}, {"a.csv": b"x,y\n1,2\n"}, {"demographics.csv": b"sourcedId\n"}]
)
def test_nothing_of_a_roster_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(NoRosterFilesError):
        plan_import(made(tmp_path / "e.zip", files), CODE)


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    folder = clean().write(tmp_path / "e")
    text = (folder / "users.csv").read_text("utf-8")
    (folder / "users.csv").write_text(text.replace("鈴木", '"鈴木', 1), "utf-8")
    with pytest.raises(CsvBrokenError) as caught:
        plan_import(folder, CODE)
    assert caught.value.params["line"] == 3


def test_a_stray_quote_costs_its_row_only(tmp_path: Path) -> None:
    folder = clean().write(tmp_path / "e")
    text = (folder / "users.csv").read_text("utf-8")
    (folder / "users.csv").write_text(text.replace("鈴木", '"鈴"木', 1), "utf-8")
    plan = plan_import(folder, CODE)
    assert ("users.csv", 3, "users.row.malformed") in {(q.file, q.line, q.rule) for q in plan.quarantined}
    assert plan.totals.users == 3


def test_terminal_controls_in_file_names_are_not_repeated(tmp_path: Path) -> None:
    buffer = io.BytesIO(clean().zip(tmp_path / "e.zip").read_bytes())
    with zipfile.ZipFile(buffer) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["users-\x1b[31m.csv"] = files.pop("users.csv").replace("鈴木".encode(), b"")
    plan = plan_import(made(tmp_path / "evil.zip", files), CODE)
    assert {q.file for q in plan.quarantined if q.file.startswith("users")} == {"users-?[31m.csv"}
