"""The month sheet of the attendance book as it leaves: on one page, legible, with legend, seals and label."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from click.testing import CliRunner

from appliance.attendance.codes import load_codes
from appliance.attendance.monthsheet import month_sheet
from appliance.attendance.sheetform import load_sheet_form
from appliance.cli import cli
from appliance.exits import Exit
from appliance.office import Office
from appliance.permits.releases import Form
from appliance.release.pdf import sheet_pdf
from appliance.release.sheet import Tone
from appliance.release.typeset import Paper
from appliance.views import MonthDay, MonthGrid, MonthPupil, PeriodTotals, PupilTotals
from tests.appliance.release.samples import LABEL
from tests.school import PASSPHRASE, School

OCTOBER, TUESDAY = date(2026, 10, 1), date(2026, 10, 6)
MM = 72 / 25.4


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.logout()


def marked(office: Office) -> tuple[str, str]:
    """Mark the first pupil of the first class ill; return class and name."""
    view = office.attendance.classes(OCTOBER)[0]
    row = office.attendance.day(view.class_id, TUESDAY).rows[0]
    office.attendance.mark(view.class_id, TUESDAY, row.pupil_id, "sick")
    return view.class_id, row.name


@pytest.mark.parametrize(("paper", "size"), [(Paper.A4_LANDSCAPE, (297, 210)), (Paper.A3_LANDSCAPE, (420, 297))])
def test_a_class_stands_on_one_page(office: Office, paper: Paper, size: tuple[int, int]) -> None:
    class_id, name = marked(office)
    released = office.releases.month(class_id, OCTOBER, Form.PDF, paper=paper)
    document = pypdfium2.PdfDocument(released.data)
    assert [round(side / MM) for side in document[0].get_size()] == [*size]
    assert len(document) == 1, "with its legend and its seals"
    text = "".join(page.get_textpage().get_text_range() for page in document)
    told = "".join(text.split())
    for words in (
        name,
        "1年1組出席簿2026年10月",
        "凡例:空欄出席",
        "病病欠",
        "校長印",
        "未確定の日",
        "31土",
        "授業",
        "担任",
        "備考",
    ):
        assert "".join(words.split()) in told, words
    document.close()


def test_forty_pupils_of_a_long_month_still_stand_on_one_page() -> None:
    pupil = MonthPupil("p", 1, "長谷川 健太", ("",) * 31, (True,) * 31, PupilTotals("p", 1, "", *(0,) * 8))
    days = tuple(MonthDay(OCTOBER + timedelta(n), True, "", True, False) for n in range(31))
    totals = PeriodTotals("c", "1年1組", "", OCTOBER, (), ())
    grid = MonthGrid("c", "1年1組", OCTOBER, days, tuple(replace(pupil, number=n) for n in range(1, 41)), totals)
    sheet = month_sheet(grid, load_codes(), load_sheet_form(), "多良川市立みどり義務教育学校", "副島 颯太")
    for paper in (Paper.A4_LANDSCAPE, Paper.A3_LANDSCAPE):
        with pypdfium2.PdfDocument(sheet_pdf(sheet, LABEL, paper).pdf) as document:
            assert len(document) == 1
    with pypdfium2.PdfDocument(sheet_pdf(replace(sheet, rows=sheet.rows * 3), LABEL).pdf) as document:
        assert len(document) > 1, "letters are never made too small to be read"


def test_a_closed_class_is_stopped_and_a_closed_school_stands_in_red(office: Office) -> None:
    view = next(view for view in office.attendance.classes(OCTOBER) if view.title == "5年1組")
    targets = office.closures.targets()
    flu, _ = office.closures.close(
        next(one for one in targets if one.target == view.class_id), date(2026, 10, 14), date(2026, 10, 15), "流感"
    )
    storm, _ = office.closures.close(targets[0], date(2026, 10, 20), date(2026, 10, 20), "台風")
    grid = office.attendance.month(view.class_id, OCTOBER)
    sheet = month_sheet(grid, office.attendance.codes(), load_sheet_form())
    assert {row[2 + 13] for row in sheet.rows} == {row[2 + 14] for row in sheet.rows} == {"停"}
    tones = {column.heading: column.tone for column in sheet.columns}
    assert (tones["13 火"], tones["14 水"], tones["18 日"], tones["20 火"]) == (
        Tone.PLAIN, Tone.SHADED, Tone.SHADED, Tone.RED,
    )  # fmt: skip
    assert "備考（全員）: 流感に伴う学級閉鎖2" in sheet.notes and {row[-1] for row in sheet.rows} == {""}
    with pypdfium2.PdfDocument(office.releases.month(view.class_id, OCTOBER, Form.PDF).data) as document:
        image = document[0].render(scale=2).to_pil().convert("RGB")
    pixels = image.tobytes()
    red = sum(r > 150 and g < 60 and b < 60 for r, g, b in zip(*[iter(pixels)] * 3, strict=True))
    assert red > 50, "the 20th"
    for own in (flu, storm):
        office.closures.lift(own)


def test_tables_hold_every_day_and_the_totals(office: Office) -> None:
    class_id, name = marked(office)
    grid = office.attendance.month(class_id, OCTOBER)
    data = office.releases.month(class_id, OCTOBER, Form.CSV).data.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(data)))
    assert len(lines[0]) == 2 + 31 + 7 + 1 and lines[0][2] == "1 木" and lines[1][1] == name
    assert lines[1][2 + 5] == "病" and lines[1][2 + 3] == "・", "the 6th is a Tuesday, the 4th a Sunday"
    first = grid.pupils[0].totals
    assert lines[1][-8:-1] == [str(n) for n in (first.school_days, 0, first.school_days, 1, first.present, 0, 0)]
    sheet = openpyxl.load_workbook(io.BytesIO(office.releases.month(class_id, OCTOBER, Form.XLSX).data)).active
    assert sheet is not None and name in {cell.value for cell in sheet["B"]}


def test_a_workbook_keeps_names_in_sight_and_has_boxes_for_seals(office: Office) -> None:
    class_id, _name = marked(office)
    grid = office.attendance.month(class_id, OCTOBER)
    book = openpyxl.load_workbook(io.BytesIO(office.releases.month(class_id, OCTOBER, Form.XLSX).data))
    sheet = book.worksheets[0]
    assert sheet.freeze_panes == "C4", "number and name at the left, headings above"
    seals = load_sheet_form().seals
    below = max(row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 1).value == seals[0])
    named = [cell for cell in sheet[below] if cell.value]
    assert [cell.value for cell in named] == [*seals] and below > 3 + len(grid.pupils)
    rooms = {str(merged) for merged in sheet.merged_cells.ranges}
    assert len(rooms) == 2 * len(seals), "a name and a room for each seal, wide enough for it"
    for cell in named:
        room = sheet.cell(below + 1, cell.column)
        assert room.value is None and room.border.left.style == "thin"
    assert sheet.row_dimensions[below + 1].height == 40
    ill, closed = sheet.cell(4, 2 + TUESDAY.day), sheet.cell(4, 2 + 4)  # the 4th is a Sunday
    assert (ill.value, ill.fill.fill_type, closed.value, closed.fill.fill_type) == ("病", None, "・", "solid")


def test_the_command_writes_it(own: School, tmp_path: Path) -> None:
    words = ["export", "month", str(own.site), "--class", "1年1組", "--month", "2026-10", "--form", "pdf"]
    more = ["--paper", "a3", "--login", "sato", "--to", str(tmp_path), "--passphrase-stdin"]
    done = CliRunner().invoke(cli, [*words, *more], input=PASSPHRASE + "\n", standalone_mode=False)
    assert done.return_value == Exit.OK, done.output
    assert (tmp_path / "attendance-2026-10-1年1組.pdf").read_bytes().startswith(b"%PDF")
