"""A table as a PDF to print.

Invariant: every page bears the label above and below and a large watermark behind; every text is data to the page
program.
"""

import re
from typing import Final

from appliance.release.cells import Cell, shown
from appliance.release.glyphs import Fitting
from appliance.release.label import Label
from appliance.release.sheet import Sheet
from appliance.release.typeset import Paper, Printed, typeset

_SIZE_PT: Final = 9
_LETTER_PT: Final = _SIZE_PT * 0.6  # what a Latin letter or a digit takes at most, but for a few wide ones
_INSET_PT: Final = 7
_ROOM_PT: Final = {Paper.A4: 527, Paper.A4_LANDSCAPE: 774, Paper.A3: 774, Paper.A3_LANDSCAPE: 1122}
_MAY_BREAK: Final = "\u200b"


def sheet_pdf(sheet: Sheet, label: Label, paper: Paper = Paper.A4) -> Printed:
    """Return a table as a PDF, its headings on every page, its columns over the whole width.

    Raises PdfNotMadeError.
    """
    fitting = Fitting()
    name, landscape = paper.value
    breakable = _breakable(sheet.widths(), _ROOM_PT[paper])
    data = {
        "paper": name,
        "landscape": landscape,
        "size": _SIZE_PT,
        "title": fitting.fit(sheet.title),
        "widths": sheet.widths(),
        "aligns": [column.align.value for column in sheet.columns],
        "headings": [fitting.fit(heading) for heading in sheet.headings],
        "cells": [
            "" if column.no_zero and cell == 0 else _cell(cell, fitting, long)
            for row in sheet.rows
            for column, cell, long in zip(sheet.columns, row, breakable, strict=True)
        ],
        "notes": [fitting.fit(note) for note in sheet.notes],
        "beside": fitting.fit(sheet.beside),
        "seals": [fitting.fit(seal) for seal in sheet.seals],
        "tones": [column.tone.value for column in sheet.columns],
        "one_page": sheet.one_page,
    }
    return Printed(typeset("sheet.typ", data, label, fitting), fitting.missing())


def _breakable(widths: tuple[int, ...], room_pt: int) -> list[re.Pattern[str]]:
    """Return for each column what is too long for it: a mail address or a link has no place to break at."""
    letters = [max(1, int((room_pt * width / sum(widths) - _INSET_PT) / _LETTER_PT)) for width in widths]
    return [re.compile(f"[!-~]{{{count}}}(?=[!-~])") for count in letters]


def _cell(cell: Cell, fitting: Fitting, too_long: re.Pattern[str]) -> str:
    return too_long.sub(lambda m: m[0] + _MAY_BREAK, fitting.fit(shown(cell)))
