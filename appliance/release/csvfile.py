"""A table as CSV for Excel.

Invariant: CRLF, no cell a formula, the label as the last row or in the file's name, and every character either
kept or refused.
CSV has no types: a program that guesses may drop leading zeros; who needs them typed takes Excel's own format.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from appliance.release.cells import Cell, fits, inert, lines, shown
from appliance.release.errors import NotInCp932Error
from appliance.release.label import Label
from appliance.release.sheet import Sheet

BOM: Final = "\ufeff"
# One character of JIS X 0208, two of Unicode: what a Mac types on the left, what cp932 stands for on the right.
_JIS_TWINS: Final = str.maketrans("〜−‖—¢£¬", "～－∥―￠￡￢")


class Encoding(StrEnum):
    """How the file is written; the values are Python's names."""

    UTF8 = "utf-8-sig"
    CP932 = "cp932"


def csv_file(sheet: Sheet, label: Label | None, encoding: Encoding = Encoding.UTF8) -> bytes:
    """Return headings, rows, notes and the label as the bytes of a file.

    Without a label it is for another program, which would take the label for a row; then the file's name bears it.
    Raises CellTooLongError, NotInCp932Error.
    """
    rows = list(_rows(sheet, label.line() if label else ""))
    if encoding is Encoding.CP932:
        rows = [
            [_in_cp932(cell, at, sheet.headings[c]) for c, cell in enumerate(row)]
            for at, row in enumerate(rows, 1)
        ]
    return _written(rows).encode(encoding)


def csv_text(sheet: Sheet, last: str = "") -> str:
    """Return the same as text, with a byte order mark and with `last` as the last row if there is one.

    Raises CellTooLongError.
    """
    return BOM + _written(_rows(sheet, last))


def cells_file(sheet: Sheet, label: Label) -> bytes:
    """Return headings, rows and the label as tab-separated UTF-8, as spreadsheets paste it.

    Raises CellTooLongError.
    """
    bare = Sheet(sheet.title, sheet.columns, sheet.rows)
    return _written(_rows(bare, label.line()), "\t").encode()


def _rows(sheet: Sheet, last: str) -> Iterator[list[str]]:
    table: list[tuple[Cell, ...]] = [sheet.headings, *sheet.rows, *((note,) for note in sheet.notes)]
    if last:
        table.append((last,))
    for at, row in enumerate(table, 1):
        yield [_cell(cell, at, sheet.headings[c]) for c, cell in enumerate(row)]


def _cell(cell: Cell, row: int, heading: str) -> str:
    return fits(inert(lines(cell)), row, heading) if isinstance(cell, str) else shown(cell)


def _in_cp932(text: str, row: int, heading: str) -> str:
    twin = text.translate(_JIS_TWINS)
    try:
        twin.encode("cp932")
    except UnicodeEncodeError:
        raise NotInCp932Error(operation="write cell", row=row, column=heading) from None  # it would tell the cell
    return twin


def _written(rows: Iterable[list[str]], between: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=between, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
