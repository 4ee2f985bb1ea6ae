"""Folding text to a width in terminal cells, as Japanese is set: anywhere, but no closing mark begins a line.

Invariant: nothing is lost or added but line ends; Latin words and numbers stay whole where they fit.
"""

import re
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_NOT_FIRST: Final = "、。，．・：；？！）」』】〕〉》ー々ゝ゛゜ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.!?)]}"
# A piece takes the closing marks behind it along: 」。 would otherwise begin a line together.
_PIECES: Final = re.compile(rf"(?:[A-Za-z0-9][A-Za-z0-9.:/_%+-]*|\S)[{re.escape(_NOT_FIRST)}]*|\s+")


def fold(text: str, width: int) -> str:
    """Return text with line ends so that no line is wider than `width` cells."""
    return "\n".join(part for line in text.split("\n") for part in _fold_line(line, max(4, width)))


def _fold_line(line: str, width: int) -> list[str]:
    lines, current = [], ""
    for piece in _PIECES.findall(line):
        if current and not _fits(current + piece, width):
            lines.append(current.rstrip())
            current = "" if piece.isspace() else piece
        else:
            current += piece
        while cell_len(current) > width + 2:
            head = _head(current, width)
            lines.append(head)
            current = current[len(head) :]
    return [*lines, current.rstrip()]


def _fits(text: str, width: int) -> bool:
    """Return whether text fits a line, beyond whose end one closing mark may hang."""
    return cell_len(text) <= width or (text[-1] in _NOT_FIRST and cell_len(text[:-1]) <= width)


def _head(text: str, width: int) -> str:
    place = 1
    while place < len(text) and cell_len(text[: place + 1]) <= width:
        place += 1
    return text[:place]


def rows(items: Iterable[str], width: int) -> str:
    """Return items side by side, none broken; a short one fills up a line before that has room for it."""
    lines: list[str] = []
    for item in items:
        at = next((n for n, line in enumerate(lines) if cell_len(f"{line}  {item}") <= width), len(lines))
        lines[at:] = [f"{lines[at]}  {item}", *lines[at + 1 :]] if at < len(lines) else [item]
    return "\n".join(lines)


def cut(text: str, width: int) -> str:
    """Return text shortened to `width` cells, with … where something was left out."""
    return text if cell_len(text) <= width else _head(text, width - 1) + "…"


def plain(text: str) -> Text:
    """Return text for a table's cell, in which brackets and colons are taken for what they are."""
    return Text(text, no_wrap=True, overflow="ellipsis", end="")
