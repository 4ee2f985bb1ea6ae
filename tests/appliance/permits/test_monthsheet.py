"""The month sheet of the attendance book as it leaves: on one page, legible, with legend, seals and label."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from click.testing import CliRunner

from appliance.cli import cli
from appliance.exits import Exit
from appliance.office import Office
from appliance.permits.releases import Form
from appliance.release.typeset import Paper
from tests.school import PASSPHRASE, School, enrol

OCTOBER, TUESDAY = date(2026, 10, 1), date(2026, 10, 6)
MM = 72 / 25.4


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("monthsheet"))
    yield made
    made.close()


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
    assert len(document) == (1 if paper is Paper.A3_LANDSCAPE else len(document)) and len(document) <= 2
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
    ):
        assert "".join(words.split()) in told, words
    document.close()


def test_tables_hold_every_day_and_the_totals(office: Office) -> None:
    class_id, name = marked(office)
    grid = office.attendance.month(class_id, OCTOBER)
    data = office.releases.month(class_id, OCTOBER, Form.CSV).data.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(data)))
    assert len(lines[0]) == 2 + 31 + 7 and lines[0][2] == "1 木" and lines[1][1] == name
    assert lines[1][2 + 5] == "病" and lines[1][2 + 3] == "・", "the 6th is a Tuesday, the 4th a Sunday"
    first = grid.pupils[0].totals
    assert lines[1][-7:] == [str(n) for n in (first.school_days, 0, first.school_days, 1, first.present, 0, 0)]
    sheet = openpyxl.load_workbook(io.BytesIO(office.releases.month(class_id, OCTOBER, Form.XLSX).data)).active
    assert sheet is not None and name in {cell.value for cell in sheet["B"]}


def test_the_command_writes_it(own: School, tmp_path: Path) -> None:
    words = ["export", "month", str(own.site), "--class", "1年1組", "--month", "2026-10", "--form", "pdf"]
    more = ["--paper", "a3", "--login", "sato", "--to", str(tmp_path), "--passphrase-stdin"]
    done = CliRunner().invoke(cli, [*words, *more], input=PASSPHRASE + "\n", standalone_mode=False)
    assert done.return_value == Exit.OK, done.output
    assert (tmp_path / "attendance-2026-10.pdf").read_bytes().startswith(b"%PDF")
