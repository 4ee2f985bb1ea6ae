"""Columns that a mapping file names: what another program wants in its table, in its words and order.

Invariant: a column holds a value that the table knows, or a text as it stands; nothing else can get into it.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from appliance.release.cells import Cell
from appliance.release.sheet import Column, Sheet


class MappedColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column: its heading, and either the name of a value or a text."""

    heading: str
    value: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what the types cannot."""
        if bool(self.value) is bool(self.text):
            raise ValueError("a column needs either value or text")


def check_columns(columns: Collection[MappedColumn], values: Collection[str]) -> None:
    """Raise ValueError where there is no column, or one with a value that the table does not know."""
    if not columns:
        raise ValueError("there is no column")
    for column in columns:
        if column.value and column.value not in values:
            raise ValueError(f"no such value: {column.value}; there are {' '.join(sorted(values))}")


def mapped_sheet(title: str, columns: Collection[MappedColumn], rows: Iterable[Mapping[str, Cell]]) -> Sheet:
    """Return the table."""
    cells = tuple(tuple(c.text or values[c.value] for c in columns) for values in rows)
    return Sheet(title, tuple(Column(column.heading) for column in columns), cells)
