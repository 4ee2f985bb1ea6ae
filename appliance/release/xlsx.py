"""A table as an Excel workbook, made in memory.

Invariant: text is written as text whatever it looks like, nothing is a formula, no temporary file is made, and
equal input gives equal bytes.
"""

import io
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as XlsxCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from appliance.release.cells import Cell, fits, like_formula, lines, one_line, shown
from appliance.release.label import Label
from appliance.release.sheet import Align, Column, Sheet, Tone

_HEADINGS: Final = 3  # the row: the label stands in the first, the title in the second
_EXACT: Final = 10**15  # Excel keeps 15 digits of a number
_FIRST_DAY: Final = date(1900, 3, 1)  # Excel believes in 29 February 1900
_HEADER_LIMIT: Final = 255  # Excel calls a file damaged whose header is longer
_NAME_LIMIT: Final = 31
_GREY: Final = "E8E8E8"
_SEAL_WIDTH: Final = 12  # in half-width characters
_SEAL_HEIGHT: Final = 40.0  # in points: a seal of 14 mm
_ESCAPE_LIKE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_NOT_IN_NAME: Final = re.compile(r"[\[\]:*?/\\']")


def xlsx_file(sheet: Sheet, label: Label) -> bytes:
    """Return a workbook for A4 landscape with the label in its first row and on every printed page.

    Raises CellTooLongError.
    """
    book = Workbook()
    ws = book.worksheets[0]
    ws.title = _NOT_IN_NAME.sub(" ", one_line(sheet.title))[:_NAME_LIMIT].strip() or "表"
    _fill(ws, sheet, label.line())
    _page(ws, label.line())
    at = label.at.astimezone(UTC).replace(tzinfo=None)
    properties = book.properties
    properties.creator, properties.description = "Kurabako", label.line()
    properties.created = properties.modified = at
    book.calculation.fullCalcOnLoad = False  # there is nothing to compute, so no question when it is closed
    out = io.BytesIO()
    with _Archive(out, label.at.timetuple()[:6]) as archive:
        _Writer(book, archive).write_data()
    return out.getvalue()


def _fill(ws: Worksheet, sheet: Sheet, label: str) -> None:
    headings = [replace(column, align=Align.CENTER) for column in sheet.columns]
    _row(ws, 1, sheet, [label])
    _row(ws, 2, sheet, ["　".join(filter(None, (sheet.title, sheet.beside)))])
    _row(ws, _HEADINGS, sheet, sheet.headings, headings)
    for at, row in enumerate(sheet.rows, _HEADINGS + 1):
        _row(ws, at, sheet, row, sheet.columns)
    for at, note in enumerate(sheet.notes, _HEADINGS + len(sheet.rows) + 1):
        _row(ws, at, sheet, [note])
    ws.cell(2, 1).font = Font(bold=True, size=14)
    for cell in ws[_HEADINGS]:
        cell.font = Font(bold=True, color=cell.font.color)
        cell.fill = PatternFill("solid", fgColor=_GREY)
    for at, width in enumerate(sheet.widths(), 1):
        ws.column_dimensions[get_column_letter(at)].width = width + 2
    _seals(ws, sheet, _HEADINGS + len(sheet.rows) + len(sheet.notes) + 2)
    ws.freeze_panes = f"{get_column_letter(sheet.frozen + 1)}{_HEADINGS + 1}"
    ws.print_title_rows = f"{_HEADINGS}:{_HEADINGS}"


def _seals(ws: Worksheet, sheet: Sheet, at: int) -> None:
    """Write a box for each seal, the name over the room for it, each across as many columns as it needs."""
    widths = sheet.widths()
    begin = 1
    for seal in sheet.seals:
        end = begin
        while sum(width + 2 for width in widths[begin - 1 : end]) < _SEAL_WIDTH and end < len(widths):
            end += 1
        for row in (at, at + 1):
            for column in range(begin, end + 1):
                ws.cell(row, column).border = _box()
            ws.merge_cells(start_row=row, end_row=row, start_column=begin, end_column=end)
        _row(ws, at, sheet, [seal], begin=begin)
        ws.cell(at, begin).alignment = Alignment(horizontal="center")
        begin = end + 1
    if sheet.seals:
        ws.row_dimensions[at + 1].height = _SEAL_HEIGHT


def _stand_out(target: XlsxCell, tone: Tone) -> None:
    if tone is not Tone.PLAIN:
        target.fill = PatternFill("solid", fgColor=_GREY)
    if tone is Tone.RED:
        target.font = Font(color="C00000")


def _box() -> Border:
    thin = Side("thin", color="A0A0A0")
    return Border(left=thin, right=thin, top=thin, bottom=thin)


def _row(
    ws: Worksheet,
    at: int,
    sheet: Sheet,
    cells: Iterable[Cell],
    columns: tuple[Column, ...] | list[Column] = (),
    begin: int = 1,
) -> None:
    """Write one row; one of the table has columns, a line over or under the table has none."""
    for c, cell in enumerate(cells):
        target = ws.cell(at, begin + c)
        if not isinstance(target, XlsxCell):
            raise TypeError("a merged cell takes no value")
        _write(target, cell, at, sheet.headings[c])
        if columns:
            _stand_out(target, columns[c].tone)
            target.alignment = Alignment(horizontal=columns[c].align.value, vertical="top", wrap_text=True)
            target.border = _box()


def _write(target: XlsxCell, cell: Cell, row: int, heading: str) -> None:
    if isinstance(cell, date) and cell >= _FIRST_DAY:
        target.value, target.number_format = cell, "yyyy-mm-dd"
    elif isinstance(cell, int) and abs(cell) < _EXACT:
        target.value = cell
    elif cell != "":
        text = fits(lines(shown(cell)), row, heading)
        target.value = _ESCAPE_LIKE.sub("_x005F_", text)
        target.data_type = "s"  # openpyxl guesses a formula from = and an error from #N/A
        target.number_format = "@"
        target.quotePrefix = like_formula(text)


def _page(ws: Worksheet, label: str) -> None:
    ws.page_setup.paperSize, ws.page_setup.orientation = 9, "landscape"  # 9: A4
    ws.page_setup.fitToWidth, ws.page_setup.fitToHeight = 1, 0
    ws.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    told = _header(label)
    header, footer = ws.oddHeader, ws.oddFooter
    if not isinstance(header, HeaderFooterItem) or not isinstance(footer, HeaderFooterItem):
        raise TypeError("a new worksheet has a header and a footer")
    header.left.text, footer.left.text, footer.right.text = told, told, "&P / &N"


def _header(text: str) -> str:
    """Return a text for a header, where & begins a command; what Excel would refuse is cut with …."""
    room = _HEADER_LIMIT - len("&L&R&P / &N")
    whole = text.replace("&", "&&")
    while len(whole.encode("utf-16-le")) // 2 > room:
        text = text[:-2] + "…"
        whole = text.replace("&", "&&")
    return whole


class _Archive(ZipFile):
    """A zip whose parts all bear one time, so that equal workbooks are equal bytes."""

    def __init__(self, out: io.BytesIO, at: tuple[int, ...]) -> None:
        super().__init__(out, "w", ZIP_DEFLATED)
        self._at = (at[0], at[1], at[2], at[3], at[4], at[5])

    def writestr(
        self,
        zinfo_or_arcname: str | ZipInfo,
        data: bytes | str,  # type: ignore[override]
        compress_type: int | None = None,
        compresslevel: int | None = None,
    ) -> None:
        name = zinfo_or_arcname if isinstance(zinfo_or_arcname, str) else zinfo_or_arcname.filename
        super().writestr(ZipInfo(name, self._at), data, compress_type or ZIP_DEFLATED, compresslevel)


class _Writer(ExcelWriter):
    """openpyxl's writer without the temporary file through which it passes every sheet in plain."""

    def __init__(self, book: Workbook, archive: ZipFile) -> None:
        super().__init__(book, archive)
        self._zip = archive

    def write_worksheet(self, ws: Worksheet) -> None:
        out = io.BytesIO()
        writer = WorksheetWriter(ws, out)
        writer.write()
        self._zip.writestr(ws.path[1:], out.getvalue())
        self.manifest.append(ws)
