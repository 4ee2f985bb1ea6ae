"""A whole export, read but not yet judged: its tables, version, modes and encoding.

Invariant: an `Export` holds at least one table an import can use, each part comes from exactly one file, and
all of them lay in one folder; anything else was refused by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.errors import ApplianceError
from appliance.oneroster.container import Piece, Source, read_source
from appliance.oneroster.dialects import (
    COLUMNS,
    CORE_PARTS,
    IGNORED_PARTS,
    Version,
    canonical_header,
    guess_version,
    part_of_file,
    part_of_header,
)
from appliance.oneroster.encoding import decode
from appliance.oneroster.errors import AmbiguousFileError, NoRosterFilesError, NotOneRosterCsvError
from appliance.oneroster.findings import Findings
from appliance.oneroster.foreign import looks_like
from appliance.oneroster.manifest import FILE, Manifest, guess_mode, read_manifest
from appliance.oneroster.sifting import Mode
from appliance.oneroster.tables import Table, read_header, read_table
from appliance.oneroster.values import is_iso_time


@dataclass(frozen=True, slots=True)
class Export:
    """The tables by part, the mode of each, and what the export as a whole is."""

    version: Version
    encoding: str
    tables: dict[str, Table]
    modes: dict[str, Mode]

    @property
    def mode(self) -> Mode:
        """Return delta as soon as one file is."""
        return "delta" if "delta" in self.modes.values() else "bulk"

    @property
    def rows(self) -> int:
        """Count the rows of all tables."""
        return sum(len(table.rows) for table in self.tables.values())


def load_export(source: Source, findings: Findings) -> Export:
    """Read an export from a ZIP, a folder or one CSV file. Raises the errors APP-101 to APP-112."""
    pieces = read_source(source)
    texts: dict[str, tuple[Piece, str]] = {}
    encodings: set[str] = set()
    for part, piece in _assign(pieces).items():
        text, encoding = decode(piece.data, piece.name)
        if not _belongs(part, text):
            continue
        texts[part] = (piece, text)
        if not text.isascii() or encoding == "utf-8-sig":
            encodings.add(encoding)
    if not CORE_PARTS & texts.keys():
        raise _nothing_found(pieces, source.name)
    tables = {part: read_table(text, part, piece.name, findings) for part, (piece, text) in texts.items()}
    manifest = _manifest(tables.pop("manifest", None), findings)
    modes = _modes(tables, manifest, findings)
    tables = {part: table for part, table in tables.items() if part in modes}
    if not CORE_PARTS & tables.keys():
        raise NoRosterFilesError(operation="read export", subject=source.name, file=source.name)
    version = manifest.version or guess_version({part: table.header for part, table in tables.items()})
    return Export(version, "+".join(sorted(encodings)) or "utf-8", tables, modes)


def newest_change(export: Export) -> str:
    """Return the latest dateLastModified of the tables that are deltas, in UTC; empty where none says one."""
    told = [
        row["dateLastModified"]
        for part, table in export.tables.items()
        if export.modes[part] == "delta"
        for row in table.rows
    ]
    moments = [datetime.fromisoformat(text) for text in told if is_iso_time(text)]
    zoned = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments]
    return max(zoned).astimezone(UTC).isoformat() if zoned else ""


def _assign(pieces: Sequence[Piece]) -> dict[str, Piece]:
    """Tell which piece is which part: by name, and by header where the name says nothing."""
    assigned: dict[str, Piece] = {}
    strangers: list[Piece] = []
    for piece in pieces:
        part = part_of_file(piece.name)
        if part is None and piece.name.lower().endswith(".csv"):
            strangers.append(piece)
        elif part is not None and part not in IGNORED_PARTS:
            _take(assigned, part, piece)
    for piece in strangers:
        part = part_of_header(_header(piece))
        if part is not None and part not in assigned:
            _take(assigned, part, piece)
    return assigned


def _take(assigned: dict[str, Piece], part: str, piece: Piece) -> None:
    rival = assigned.get(part) or next((p for p in assigned.values() if p.folder != piece.folder), None)
    if rival is not None:
        raise AmbiguousFileError(
            operation="read export",
            subject=part,
            part=part,
            first=str(Path(rival.folder) / rival.name),
            second=str(Path(piece.folder) / piece.name),
        )
    assigned[part] = piece


def _header(piece: Piece) -> list[str]:
    try:
        return read_header(decode(piece.data, piece.name).text)
    except ApplianceError:
        # A stray file that is no text is no reason to refuse the roster beside it.
        return []


def _belongs(part: str, text: str) -> bool:
    """Tell whether a file named like a part has any of its columns; an empty file has none."""
    return bool(set(COLUMNS[part]) & set(canonical_header(part, read_header(text))))


def _nothing_found(pieces: Sequence[Piece], name: str) -> ApplianceError:
    for piece in pieces:
        if piece.name.lower().endswith(".csv"):
            decode(piece.data, piece.name)
    format_name = looks_like(pieces)
    if format_name:
        return NotOneRosterCsvError(operation="read export", subject=name, file=name, looks_like=format_name)
    return NoRosterFilesError(operation="read export", subject=name, file=name)


def _manifest(table: Table | None, findings: Findings) -> Manifest:
    if table is not None:
        return read_manifest(table, findings)
    findings.warn(FILE, 0, "", "manifest.file.absent")
    return Manifest()


def _modes(tables: dict[str, Table], manifest: Manifest, findings: Findings) -> dict[str, Mode]:
    """Settle the mode of each table; one that the manifest calls absent is left out."""
    modes: dict[str, Mode] = {}
    guess = guess_mode(tables.values())
    for part, table in tables.items():
        said = manifest.modes.get(part)
        if said == "absent":
            findings.warn(table.file, 0, "", f"{part}.file.conflict")
            continue
        if said is None and manifest.modes:
            findings.warn(table.file, 0, "", f"{part}.file.unlisted")
        modes[part] = said or ("delta" if "delta" in manifest.modes.values() else guess)
    for part, said in manifest.modes.items():
        if said != "absent" and part not in tables and part not in IGNORED_PARTS:
            findings.warn(f"{part}.csv", 0, "", f"{part}.file.absent")
    return modes
