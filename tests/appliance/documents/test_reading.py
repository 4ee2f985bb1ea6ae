"""Untrusted documents are read in a process that can do nothing else; whatever they do, an answer comes."""

import io
import os
import signal
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from docx import Document as new_word
from openpyxl import Workbook

from appliance.documents import pages as pages_module
from appliance.documents.media import Media, media_of
from appliance.documents.pages import Pages
from appliance.documents.reading import MOST_LETTERS, read_document
from appliance.release.label import Act, Label
from appliance.release.pdf import sheet_pdf
from appliance.release.sheet import Column, Sheet
from appliance.release.typeset import Paper

WORDS = "髙橋さんの①㈱、ﾊﾝｶｸと全角。"
AT = datetime(2026, 11, 24, 8, 25, tzinfo=timezone(timedelta(hours=9)))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slow machine start the process."""
    monkeypatch.setattr(pages_module, "PATIENCE_S", 180.0)


def pdf(rows: int = 100) -> bytes:
    label = Label("みどり小学校", "Ⅲ", "佐藤 葵", AT, "", Act.PRINT)
    return sheet_pdf(Sheet("名簿", (Column("氏名"),), (("髙橋 誠",),) * rows), label, Paper.A4).pdf


def word() -> bytes:
    sink, made = io.BytesIO(), new_word()
    made.add_paragraph("修学旅行の保護者あて通知")
    made.add_table(1, 2).rows[0].cells[1].text = "集合時刻"
    made.save(sink)
    return sink.getvalue()


def excel() -> bytes:
    sink, book = io.BytesIO(), Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["番号", "氏名"])
    sheet.append([1, "髙橋 誠"])
    book.create_sheet("二枚目").append(["二学期"])
    book.save(sink)
    return sink.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932", "euc_jp", "iso2022_jp"])
def test_text_is_read_in_every_encoding_of_an_office(encoding: str) -> None:
    words = WORDS if encoding not in ("euc_jp", "iso2022_jp") else "高橋さんの全角だけ。"
    data = words.encode(encoding)
    read = read_document(io.BytesIO(data), len(data), "memo.txt")
    assert (read.media, read.text, read.unread) == (Media.TEXT, words, "")


@pytest.mark.parametrize(
    ("data", "name", "media", "words"),
    [
        (pdf(), "meibo.pdf", Media.PDF, "髙橋 誠"),
        (word(), "tsuchi.docx", Media.DOCX, "集合時刻"),
        (excel(), "hyo.xlsx", Media.XLSX, "二学期"),
        ("番号,氏名\n1,髙橋".encode("cp932"), "hyo.csv", Media.CSV, "髙橋"),
        ("# 見出し".encode(), "kiroku.md", Media.MARKDOWN, "見出し"),
    ],
    ids=["pdf", "docx", "xlsx", "csv", "md"],
)
def test_every_kind_of_office_file_gives_its_text(data: bytes, name: str, media: Media, words: str) -> None:
    read = read_document(io.BytesIO(data), len(data), name)
    assert read.media is media and words in read.text and not read.unread and not read.cut


def test_the_bytes_say_what_a_file_is_and_not_its_name() -> None:
    assert media_of(io.BytesIO(pdf(1)), "picture.png") is Media.PDF
    assert media_of(io.BytesIO(word()), "a.xlsx") is Media.DOCX
    assert media_of(io.BytesIO(b"PK\x03\x04broken"), "a.docx") is Media.BINARY
    assert media_of(io.BytesIO(b"\x7fELF\x02\x00\x00"), "a.txt") is Media.BINARY
    assert media_of(io.BytesIO(b""), "a.csv") is Media.CSV


def test_a_pdf_is_drawn_and_told_page_by_page() -> None:
    data = pdf()
    with Pages(io.BytesIO(data), len(data), Media.PDF) as pages:
        assert (pages.kind, pages.count > 1, pages.fault) == ("picture", True, "")
        assert pages.picture(0, 600).startswith(b"\x89PNG") and "髙橋" in pages.text(1)
        assert pages.picture(99, 600) == b"" and pages.text(99) == ""
        assert pages.fault == "", "a page that is not there ends nothing"


def test_a_table_gives_rows() -> None:
    data = excel()
    with Pages(io.BytesIO(data), len(data), Media.XLSX) as pages:
        assert (pages.kind, pages.count) == ("table", 2)
        assert pages.rows(0) == (("番号", "氏名"), ("1", "髙橋 誠"))


def bomb() -> bytes:
    """A Word file whose only part is 2 GB of spaces."""
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(200):
            part.write(b" " * 10_000_000)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7\nnonsense", "broken.pdf"),
        (pdf(1)[:-2000], "cut.pdf"),
        (b"\x89PNG\r\n\x1a\nnonsense", "broken.png"),
        (bomb(), "bomb.docx"),
        (os.urandom(100_000), "random.bin"),
        (bytes(3_000_000), "zeros.txt"),
        (b"", "empty.txt"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_hostile_and_broken_files_give_an_answer(data: bytes, name: str) -> None:
    read = read_document(io.BytesIO(data), len(data), name)
    assert len(read.text) <= MOST_LETTERS
    assert bool(read.unread) or name in ("cut.pdf", "empty.txt")


def test_long_texts_are_cut_and_told() -> None:
    data = ("あ" * 70_000).encode()
    read = read_document(io.BytesIO(data), len(data), "long.txt")
    assert len(read.text) == MOST_LETTERS and read.cut


def child_of(pages: Pages) -> int:
    return pages._child.pid


def test_the_process_may_write_no_file_and_dump_no_core() -> None:
    with Pages(io.BytesIO(b"text"), 4, Media.TEXT) as pages:
        assert pages.text(0) == "text"
        limits = Path(f"/proc/{child_of(pages)}/limits").read_text()
        told = {line[:26].strip(): line[26:47].strip() for line in limits.splitlines()[1:]}
    assert told["Max file size"] == told["Max core file size"] == told["Max processes"] == "0"
    assert told["Max address space"] != "unlimited" and told["Max cpu time"] != "unlimited"


def test_a_process_that_dies_or_hangs_is_a_fault_and_close_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Pages(io.BytesIO(b"text"), 4, Media.TEXT) as pages:
        monkeypatch.setattr(pages_module, "PATIENCE_S", 0.3)  # now that it has begun
        os.kill(child_of(pages), signal.SIGSTOP)
        assert pages.text(0) == "" and pages.fault == "TimeoutError"
    monkeypatch.setattr(pages_module, "PATIENCE_S", 180.0)
    pages = Pages(io.BytesIO(b"text"), 4, Media.TEXT)
    os.kill(child_of(pages), signal.SIGKILL)
    assert pages.text(0) == "" and pages.fault == "ended"
    pages.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child_of(pages), 0)
