"""One CSV file as a table of rows that know their line.

Invariant: a row is either whole (as many fields as the header) or quarantined; a table that cannot be told
apart into rows is refused. Line numbers are physical lines of the file, 1 being the header.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO

from appliance.oneroster.dialects import canonical_header
from appliance.oneroster.errors import CsvBrokenError
from appliance.oneroster.findings import Findings


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands and its values by canonical column, blanks around them dropped."""

    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")


@dataclass(slots=True)
class Table:
    """A file of the export. `spoilt` tells that rows were lost, so what is absent proves nothing."""

    part: str
    file: str
    header: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    spoilt: bool = False

    def has(self, column: str) -> bool:
        """Tell whether the file carries the column."""
        return column in self.header


def read_header(text: str) -> list[str]:
    """Return the first row, or nothing if it cannot be read."""
    try:
        return next(csv.reader(StringIO(text, newline="")), [])
    except csv.Error:
        return []


def read_table(text: str, part: str, file: str, findings: Findings) -> Table:
    """Take a CSV text apart. Raises CsvBrokenError when a quote swallows the rest of the file."""
    rows = _physical_rows(text, file)
    first = next(rows, None)
    header = canonical_header(part, first[1]) if first is not None and first[1] is not None else ()
    table = Table(part, file, header)
    if len(set(header)) < len(header):
        findings.warn(file, 1, "", f"{part}.header.doubled")
    for line, fields in rows:
        if fields is None:
            findings.quarantine(file, line, "", f"{part}.row.malformed")
            table.spoilt = True
        elif any(value.strip() for value in fields):
            _add_row(table, line, fields, findings)
    return table


def _add_row(table: Table, line: int, fields: Sequence[str], findings: Findings) -> None:
    width = len(table.header)
    if len(fields) < width or any(value.strip() for value in fields[width:]):
        findings.quarantine(table.file, line, "", f"{table.part}.row.columns")
        table.spoilt = True
        return
    values: dict[str, str] = {}
    for column, value in zip(table.header, fields, strict=False):
        # Exporters in transition write both spellings of a column; the filled one counts.
        values[column] = values.get(column) or value.strip()
    table.rows.append(Row(line, values))


def _physical_rows(text: str, file: str) -> Iterator[tuple[int, list[str] | None]]:
    """Yield (first line, fields); fields are None for a row whose quotes are broken."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            if "unexpected end" in str(exc) or "field larger" in str(exc):
                raise CsvBrokenError(
                    operation="read table", subject=file, cause=exc, file=file, line=line
                ) from exc
            yield line, None
            continue
        if fields:
            yield line, fields
