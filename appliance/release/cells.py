"""Cells that a spreadsheet cannot take for anything but what they are.

Invariant: no text leaves as a formula; what is replaced shows as 〓, and what does not fit is refused, never cut.
Source: OWASP, CSV Injection; Excel specifications and limits.
"""

import re
import unicodedata
from datetime import date
from typing import Final

from appliance.release.errors import CellTooLongError

Cell = str | int | date

GETA: Final = "〓"
LIMIT: Final = 32_767  # UTF-16 units in one cell; Excel runs a longer cell of a CSV over into the next row
_SIGNS: Final = frozenset("=+-@\u2212")
_BEFORE: Final = frozenset("\t\r\n")
# What XML 1.0 has no place for, the C1 controls, and halves of surrogate pairs.
_REFUSED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BREAKS: Final = re.compile("\r\n|[\r\n\u2028\u2029]")


def clean(text: str) -> str:
    """Return a text with 〓 for every control character that files refuse."""
    return _REFUSED.sub(GETA, text)


def lines(text: str) -> str:
    """Return a clean text whose line breaks are all LF."""
    return _BREAKS.sub("\n", clean(text))


def one_line(text: str) -> str:
    """Return a clean text without line breaks, tabs and characters that turn the reading direction."""
    told = "".join(" " if c == "\t" else GETA if unicodedata.category(c) == "Cf" else c for c in lines(text))
    return told.replace("\n", " ")


def like_formula(text: str) -> bool:
    """Return whether a spreadsheet, or a careless importer before it, might compute a text.

    Spaces, quotes and characters that nobody sees are passed over; a tab or a break before the first word is
    enough, and ＝ counts as =.
    """
    for c in text:
        if c in _BEFORE:
            return True
        if not _passed_over(c):
            return unicodedata.normalize("NFKC", c)[0] in _SIGNS
    return False


def inert(text: str) -> str:
    """Return a text for CSV, with an apostrophe before it if it might be computed."""
    return "'" + text if like_formula(text) else text


def shown(cell: Cell) -> str:
    """Return a cell as text: a day as 2026-11-23."""
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def fits(text: str, row: int, heading: str) -> str:
    """Return a text that fits in one cell; `row` counts the headings as row 1.

    Raises CellTooLongError.
    """
    # A surrogate pair counts twice in Excel.
    if len(text) > LIMIT // 2 and len(text.encode("utf-16-le")) // 2 > LIMIT:
        raise CellTooLongError(operation="write cell", row=row, column=heading, limit=LIMIT)
    return text


def width_of(text: str) -> int:
    """Return how many half-width characters the longest line of a text is wide."""
    return max(
        sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in line) for line in text.split("\n")
    )


def _passed_over(c: str) -> bool:
    return c == '"' or c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp")
