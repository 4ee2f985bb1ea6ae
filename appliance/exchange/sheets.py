"""The cells of a workbook as rows that know their number, read without touching a disk.

Invariant: sizes are limited before anything is unpacked, rows and columns while it is. No formula is worked out:
what counts is the value that the other program left in the cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from itertools import islice
from typing import Final

from openpyxl import load_workbook

from appliance.exchange.errors import WorkbookUnreadableError
from appliance.oneroster.container import MIB, Held, read_source
from appliance.text import printable

OLE: Final = b"\xd0\xcf\x11\xe0"
"""How an old .xls begins, and an .xlsx with a password."""
MOST_BYTES: Final = 16 * MIB
MOST_ROWS: Final = 5_000
MOST_COLUMNS: Final = 200
MOST_SHEETS: Final = 100
Cell = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class SheetRows:
    """A sheet that is shown: its name, and (row number from 1, cells) of the rows that hold anything."""

    name: str
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]


def read_sheets(held: Held) -> tuple[SheetRows, ...]:
    """Read the visible sheets; raises WorkbookUnreadableError, and what the importer says of a bad container."""
    if held.data.startswith(OLE) or len(held.data) > MOST_BYTES:
        raise WorkbookUnreadableError(operation="read workbook", subject=held.name, file=held.name)
    read_source(held)  # what swells without measure, points outside or is torn ends here
    try:
        return tuple(_sheets(held.data))
    except Exception as exc:  # noqa: BLE001 - openpyxl raises whatever the XML of a stranger makes it raise
        raise WorkbookUnreadableError(
            operation="read workbook", subject=held.name, cause=exc, file=held.name
        ) from exc


def _sheets(data: bytes) -> Iterator[SheetRows]:
    book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in islice(book.worksheets, MOST_SHEETS):
            if sheet.sheet_state != "visible":
                continue
            sheet.reset_dimensions()  # what a file says of its own size is not believed
            cells = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
            rows = tuple((at, tuple(map(_cell, row))) for at, row in enumerate(cells, 1))
            filled = tuple((at, row) for at, row in rows if any(cell is not None for cell in row))
            yield SheetRows(printable(sheet.title), filled)
    finally:
        book.close()


def _cell(value: object) -> Cell:
    if isinstance(value, bool) or not isinstance(value, str | int | float | date | datetime):
        return None if value is None else str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None if isinstance(value, str) and not value.strip() else value
