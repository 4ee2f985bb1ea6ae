"""What a file is, told by its first bytes, and by its name only where bytes do not tell.

Invariant: a pure function; a wrong answer shows nothing or garbage, and opens no other way into the file.
"""

import zipfile
from enum import StrEnum
from pathlib import PurePath
from typing import BinaryIO, Final

HEAD_BYTES: Final = 1024


class Media(StrEnum):
    """What can be told apart. BINARY: nothing that could be shown."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PNG = "image/png"
    JPEG = "image/jpeg"
    MARKDOWN = "text/markdown"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    TEXT = "text/plain"
    BINARY = "application/octet-stream"


_MAGIC: Final = ((b"%PDF-", Media.PDF), (b"\x89PNG\r\n\x1a\n", Media.PNG), (b"\xff\xd8\xff", Media.JPEG))
_PARTS: Final = {"word/document.xml": Media.DOCX, "xl/workbook.xml": Media.XLSX}
_NAMES: Final = {".md": Media.MARKDOWN, ".markdown": Media.MARKDOWN, ".csv": Media.CSV, ".tsv": Media.TSV}
_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT: Final = bytes(range(7)) + bytes(range(14, 27)) + bytes(range(28, 32))  # ESC is ISO-2022-JP's


def media_of(source: BinaryIO, name: str) -> Media:
    """Say what a file is; leaves the source at its begin."""
    source.seek(0)
    head = source.read(HEAD_BYTES)
    source.seek(0)
    for magic, media in _MAGIC:
        if magic in head if media is Media.PDF else head.startswith(magic):
            return media
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(source)
    if not head.startswith(_BOMS) and head.translate(None, _NO_TEXT) != head:
        return Media.BINARY
    return _NAMES.get(PurePath(name).suffix.lower(), Media.TEXT)


def _of_zip(source: BinaryIO) -> Media:
    try:
        with zipfile.ZipFile(source) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):  # zipfile's own, for methods it lacks
        names = set()
    finally:
        source.seek(0)
    return next((media for part, media in _PARTS.items() if part in names), Media.BINARY)
