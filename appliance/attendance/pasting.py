"""Cells from a spreadsheet: what was pasted at a place of a month's grid, checked as a whole.

Invariant: one cell that cannot be kept refuses them all; what stands in the grid already is no change.
"""

import unicodedata
from collections.abc import Sequence

from appliance.errors import ApplianceError
from appliance.views import AttendanceCode, MonthGrid

MOST_CELLS = 31 * 60


class PastedCellError(ApplianceError):
    """A pasted cell is no code, or lies where nothing can be entered. `row` and `column` count from 1."""

    code = "APP-420"


class PastedTooMuchError(ApplianceError):
    """More was pasted than a class has cells, or nothing at all."""

    code = "APP-421"


def pasted_cells(
    text: str, grid: MonthGrid, pupil: int, day: int, codes: Sequence[AttendanceCode]
) -> list[tuple[str, int, str]]:
    """Return (pupil id, index of the day, code) of every cell that changes, from a place of the grid on.

    `text` is tab separated; a cell is a code's symbol or name, or empty for no mark. Raises PastedCellError,
    PastedTooMuchError.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")  # terminals paste CR
    table = [line.split("\t") for line in lines]
    if not any(cell.strip() for line in table for cell in line) or sum(map(len, table)) > MOST_CELLS:
        raise PastedTooMuchError(operation="paste marks", subject=str(len(table)))
    known = {_plain(word): code.code for code in codes for word in (code.symbol, code.name)} | {"": ""}
    changes = []
    for down, line in enumerate(table):
        for right, cell in enumerate(line):
            code = known.get(_plain(cell))
            row, column = pupil + down, day + right
            here = row < len(grid.pupils) and column < len(grid.days)
            free = here and grid.days[column].open and grid.pupils[row].inside[column]
            if code is None or (code and not free):
                raise PastedCellError(operation="paste marks", row=down + 1, column=right + 1)
            if free and code != grid.pupils[row].codes[column]:
                changes.append((grid.pupils[row].pupil_id, column, code))
    return changes


def _plain(cell: str) -> str:
    return unicodedata.normalize("NFKC", cell).strip()
