"""The export as named pieces of bytes, whether it came as a ZIP, a folder or a single file.

Invariant: nothing is written to disk, nothing outside the source is read, and sizes are limited by what was
really read, not by what the ZIP claims. A damaged, locked or hostile container is refused as a whole.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from appliance.oneroster.errors import (
    ContainerBrokenError,
    ContainerEncryptedError,
    ContainerTooLargeError,
    ContainerUnsafeError,
    SourceUnreadableError,
)

MIB = 1 << 20
MAX_FILE = 64 * MIB
MAX_TOTAL = 256 * MIB
MAX_ENTRIES = 2_000
MAX_DEPTH = 3
# Rosters are repetitive, but real ones stay below forty-fold; deflate itself can reach a thousand.
MAX_RATIO = 250
RATIO_FLOOR = 4 * MIB

_JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_KEPT_SUFFIXES = frozenset({".csv", ".json", ".txt", ".xlsx", ".xls", ".xml", ".pdf", ""})
_ENCRYPTED, _UTF8_NAME = 0x1, 0x800
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, IndexError, OverflowError, OSError)


class Piece(NamedTuple):
    """One file of the export: its bare name, the folder it lay in, its bytes."""

    name: str
    folder: str
    data: bytes


class Held(NamedTuple):
    """An export that is in memory already, such as an opened document."""

    name: str
    data: bytes


Source = Path | Held


def read_source(source: Source) -> tuple[Piece, ...]:
    """Read every file of the export that may matter. Raises one of the container errors, APP-101 to APP-105."""
    if isinstance(source, Held):
        return _read_bytes(source.data, source.name)
    try:
        if source.is_dir():
            return _read_folder(source)
        if source.stat().st_size > MAX_TOTAL:
            raise _too_large(source.name)
        data = source.read_bytes()
    except (OSError, ValueError) as exc:
        raise SourceUnreadableError(operation="read export", subject=source.name, file=source.name) from exc
    return _read_bytes(data, source.name)


def _read_bytes(data: bytes, name: str) -> tuple[Piece, ...]:
    if len(data) > MAX_TOTAL:
        raise _too_large(name)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")) or name.lower().endswith(".zip"):
        return _read_zip(data, name)
    return (Piece(_shown(name), "", _within_limit(data, name)),)


def _read_folder(source: Path) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    total = 0
    for path in _walk(source, 0):
        if path.stat().st_size > MAX_FILE:
            raise _too_large(path.name)
        data = _within_limit(path.read_bytes(), path.name)
        total += len(data)
        if total > MAX_TOTAL or len(pieces) >= MAX_ENTRIES:
            raise _too_large(source.name)
        pieces.append(Piece(_shown(path.name), _shown(path.parent.relative_to(source).as_posix()), data))
    return tuple(pieces)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or _is_junk(PurePosixPath(path.name)):
            continue
        if path.is_dir() and depth < MAX_DEPTH:
            yield from _walk(path, depth + 1)
        elif path.is_file() and path.suffix.lower() in _KEPT_SUFFIXES:
            yield path


def _read_zip(data: bytes, name: str) -> tuple[Piece, ...]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _read_entries(archive, name)
    except (RuntimeError, NotImplementedError) as exc:
        # zipfile raises bare RuntimeError for passwords and NotImplementedError for methods it lacks.
        raise ContainerEncryptedError(operation="open export", subject=name, cause=exc, file=name) from exc
    except _BROKEN as exc:
        raise ContainerBrokenError(operation="open export", subject=name, cause=exc, file=name) from exc


def _read_entries(archive: zipfile.ZipFile, name: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    total = 0
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise _too_large(name)
    for entry in entries:
        path = _safe_path(entry, name)
        if entry.flag_bits & _ENCRYPTED:
            raise ContainerEncryptedError(operation="open export", subject=name, file=name)
        if entry.is_dir() or _is_junk(path) or path.suffix.lower() not in _KEPT_SUFFIXES:
            continue
        content = _read_entry(archive, entry, name)
        total += len(content)
        if total > MAX_TOTAL:
            raise _too_large(name)
        pieces.append(Piece(_shown(path.name), _shown(path.parent.as_posix()), content))
    return tuple(pieces)


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    allowed = min(MAX_FILE, max(RATIO_FLOOR, entry.compress_size * MAX_RATIO))
    with archive.open(entry) as stream:
        content = stream.read(allowed + 1)
        if len(content) > allowed:
            raise _too_large(name)
        # The checksum is only compared at the very end.
        stream.read(1)
    if len(content) != entry.file_size:
        raise zipfile.BadZipFile("an entry is shorter than it claims")
    return content


def _safe_path(entry: zipfile.ZipInfo, name: str) -> PurePosixPath:
    """Return the entry's path, refusing one that leaves the archive."""
    text = entry.filename
    if not entry.flag_bits & _UTF8_NAME:
        # Windows writes names in CP932, whose second bytes include the backslash; zipfile reads CP437.
        raw = text.encode("cp437", "replace")
        text = raw.decode("cp932", "replace")
    path = PurePosixPath(text.replace("\\", "/"))
    link = stat.S_ISLNK(entry.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts):
        raise ContainerUnsafeError(operation="open export", subject=name, file=name)
    return path


def _is_junk(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part.lower() in _JUNK_NAMES for part in path.parts)


def _shown(name: str) -> str:
    """Make a name safe to print: a file name may carry terminal controls."""
    return "".join(c if c.isprintable() else "?" for c in name)


def _within_limit(data: bytes, name: str) -> bytes:
    if len(data) > MAX_FILE:
        raise _too_large(name)
    return data


def _too_large(name: str) -> ContainerTooLargeError:
    return ContainerTooLargeError(operation="read export", subject=name, file=name, limit_mib=MAX_FILE // MIB)
