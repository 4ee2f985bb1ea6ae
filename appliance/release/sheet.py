"""A plain table, as every released format takes it.

Invariant: every row has a cell for every column.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from appliance.release.cells import Cell, shown, width_of

NARROWEST = 4
WIDEST = 48


class Tone(StrEnum):
    """How a printed column stands out."""

    PLAIN = ""
    SHADED = "shaded"
    RED = "red"


class Align(StrEnum):
    """Where a cell's text stands; the values are those of Excel and typst alike."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: heading, width in half-width characters (0: as wide as what stands in it), alignment.

    On paper, `no_zero` leaves a count of none blank.
    """

    heading: str
    width: int = 0
    align: Align = Align.LEFT
    tone: Tone = Tone.PLAIN
    no_zero: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with a title and with notes that follow it.

    `beside` stands at the title's right and boxes for `seals` follow the notes. On paper, with `one_page` letters
    and rows are made smaller, as far as they stay legible, until all of it stands on one page. In a workbook the
    first `frozen` columns stay in sight.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    beside: str = ""
    seals: tuple[str, ...] = ()
    one_page: bool = False
    frozen: int = 0

    def __post_init__(self) -> None:
        if not self.columns or any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row needs a cell for every column")

    @property
    def headings(self) -> tuple[str, ...]:
        """Return the headings in order."""
        return tuple(column.heading for column in self.columns)

    def widths(self) -> tuple[int, ...]:
        """Return each column's width in half-width characters: its hint, or what its longest line needs."""
        return tuple(column.width or self._needed(at) for at, column in enumerate(self.columns))

    def _needed(self, at: int) -> int:
        return min(WIDEST, max(NARROWEST, *(width_of(text) for text in self._texts(at))))

    def _texts(self, at: int) -> Iterator[str]:
        yield self.columns[at].heading
        yield from (shown(row[at]) for row in self.rows)
