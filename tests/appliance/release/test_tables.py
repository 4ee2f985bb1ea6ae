"""CSV and Excel: what comes back is what stood there, and none of it is computed."""

import csv
import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.cell.cell import Cell as XlsxCell
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.worksheet import Worksheet

from appliance.release.cells import LIMIT, inert, like_formula, one_line
from appliance.release.csvfile import Encoding, csv_file, csv_text
from appliance.release.errors import CellTooLongError, NotInCp932Error
from appliance.release.label import Act, Label
from appliance.release.sheet import Column, Sheet
from appliance.release.xlsx import xlsx_file
from tests.appliance.release.samples import JST, LABEL, roll, texts

LINE = "重要性分類Ⅱ　多久市立東原庠舎中央校　佐藤 花子　2026-11-23 08:25 書き出し　許可番号 2026-0012"
# Written apart from the product's own list: what the programs that read tables are known to compute.
TRIGGERS = tuple("=+-@＝＋－＠﹢﹣⁺⁼−\t\r")
TEXT = st.one_of(
    st.text(),
    st.builds("{}{}{}".format, st.text(' "\n\u3000\ufeff\x00', max_size=3), st.sampled_from(TRIGGERS), st.text()),
)


def csv_rows(data: bytes, encoding: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(encoding), newline="")))


def sheet_of(data: bytes) -> Worksheet:
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def column_a(ws: Worksheet) -> list[XlsxCell]:
    cells = [ws.cell(at, 1) for at in range(4, ws.max_row + 1)]
    return [cell for cell in cells if isinstance(cell, XlsxCell)]


def header_of(item: HeaderFooterItem | None) -> str:
    assert item is not None
    return item.left.text or ""


def test_the_label_is_one_line_whatever_stands_in_it() -> None:
    assert LABEL.line() == LINE
    odd = Label("校\r\n名", "Ⅲ", "a\tb\u202ec", LABEL.at, "", Act.PRINT)
    assert odd.line() == "重要性分類Ⅲ　校 名　a b〓c　2026-11-23 08:25 印刷"
    assert odd.watermark() == ("a b〓c", "2026-11-23 08:25 印刷")
    with pytest.raises(ValueError, match="offset"):
        Label("校", "Ⅲ", "人", datetime(2026, 11, 23), "", Act.PRINT)  # noqa: DTZ001 - refused for just that


@given(st.lists(TEXT, max_size=6))
def test_no_csv_cell_read_back_begins_a_formula(cells: list[str]) -> None:
    rows = csv_rows(csv_file(texts(*cells), LABEL))
    assert len(rows) == len(cells) + 2 and rows[-1] == [LINE]
    for row in rows:
        cell = row[0] if row else ""
        assert not cell.startswith(TRIGGERS)
        assert not cell.lstrip(' "\n\u3000\ufeff').startswith(TRIGGERS)


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_no_xlsx_cell_read_back_is_a_formula(cells: list[str]) -> None:
    read = column_a(sheet_of(xlsx_file(texts(*cells), LABEL)))
    assert all(cell.data_type in "sn" for cell in read)
    assert all(isinstance(cell.value, str | None) for cell in read)
    for cell in read:
        assert cell.quotePrefix or not str(cell.value or "").startswith(TRIGGERS)


@pytest.mark.parametrize("text", ["=1", " =1", "　＝1", '"=1', "\n=1", "\ufeff+1", "-", "＠x", "\tx", "\rx", "−1"])
def test_what_might_be_computed_gets_an_apostrophe(text: str) -> None:
    assert like_formula(text) and inert(text) == "'" + text


@pytest.mark.parametrize("text", ["", "1年", "0952-00-1111", "a=b", "'=1", "・-", " "])
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert not like_formula(text) and inert(text) == text


def test_numbers_and_days_keep_their_type_and_zeros_stay() -> None:
    sheet = texts(-5, 10**15, "0012", "0952001111", date(2018, 4, 2), date(1899, 12, 31), "#N/A", "_x0041_")
    read = column_a(sheet_of(xlsx_file(sheet, LABEL)))
    day = datetime(2018, 4, 2)  # noqa: DTZ001 - Excel knows no offsets
    assert [cell.value for cell in read] == [
        *(-5, "1000000000000000", "0012", "0952001111", day, "1899-12-31", "#N/A"),
        "_x005F_x0041_",  # Excel reads this as _x0041_, and the bare text as A
    ]
    assert [cell.data_type for cell in read] == list("nsssdsss")
    rows = csv_rows(csv_file(sheet, LABEL))
    assert [row[0] for row in rows[1:5]] == ["-5", "1000000000000000", "0012", "0952001111"]
    assert rows[5] == ["2018-04-02"]


def test_what_files_refuse_shows_as_geta() -> None:
    sheet = texts("a\x00b\x1fc\ud842d\uffffe", "1\r\n2\r3")
    assert [cell.value for cell in column_a(sheet_of(xlsx_file(sheet, LABEL)))] == ["a〓b〓c〓d〓e", "1\n2\n3"]
    assert csv_rows(csv_file(sheet, LABEL))[1:3] == [["a〓b〓c〓d〓e"], ["1\n2\n3"]]
    assert one_line("a\u2028b\u200bc") == "a b〓c"


def test_a_cell_too_long_is_refused_by_place_and_without_its_text() -> None:
    at_limit = "𠮷" * (LIMIT // 2) + "x"
    assert csv_rows(csv_file(texts(at_limit), LABEL))[1] == [at_limit]
    assert column_a(sheet_of(xlsx_file(texts(at_limit), LABEL)))[0].value == at_limit
    for write in (csv_file, xlsx_file):
        with pytest.raises(CellTooLongError) as told:
            write(texts("よい", at_limit + "x"), LABEL)
        assert told.value.params["column"] == "見出し" and "𠮷" not in str(told.value)
    with pytest.raises(CellTooLongError):
        csv_file(texts("=" + "x" * (LIMIT - 1)), LABEL)  # the apostrophe counts


def test_the_csv_is_what_excel_opens() -> None:
    data = csv_file(roll(2), LABEL)
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == data.count(b"\n") == 5
    rows = csv_rows(data)
    assert rows[0] == ["番号", "氏名", "電話", "生年月日"] and rows[-2:] == [["用がすんだら細断する。"], [LINE]]
    assert csv_text(roll(2), LINE).encode() == data
    assert csv_text(texts("x")) == "\ufeff見出し\r\nx\r\n"


def test_cp932_keeps_every_character_or_names_the_place() -> None:
    data = csv_file(texts("髙﨑①Ⅱ", "9時〜10時", "−5"), LABEL, Encoding.CP932)
    assert csv_rows(data, "cp932")[1:4] == [["髙﨑①Ⅱ"], ["9時～10時"], ["'－5"]]
    for sheet, row in ((texts("よい", "𠮷田"), 3), (texts("😀"), 2)):
        with pytest.raises(NotInCp932Error) as told:
            csv_file(sheet, LABEL, Encoding.CP932)
        assert told.value.params == {"row": row, "column": "見出し"}
        assert told.value.__cause__ is None and told.value.__suppress_context__


def test_the_workbook_bears_its_label_everywhere_and_no_other_name() -> None:
    data = xlsx_file(roll(40), LABEL)
    book = openpyxl.load_workbook(io.BytesIO(data))
    ws = book.worksheets[0]
    assert ws.title == "1年1組 名簿" and ws["A1"].value == LINE and ws["A2"].value == "1年1組 名簿"
    assert ws.freeze_panes == "A4" and ws.print_title_rows == "$3:$3"
    assert header_of(ws.oddHeader) == header_of(ws.oddFooter) == LINE
    assert (ws.page_setup.paperSize, ws.page_setup.orientation) == (9, "landscape")
    assert (ws.page_setup.fitToWidth, ws.page_setup.fitToHeight) == (1, 0)
    setup = ws.sheet_properties.pageSetUpPr
    assert setup is not None and setup.fitToPage
    assert ws.column_dimensions["B"].width >= len("髙橋 一郎") * 2
    told = book.properties
    assert told.creator == "Kurabako" and told.lastModifiedBy is None and told.description == LINE
    assert data == xlsx_file(roll(40), LABEL)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 23, 8, 25, 0)}


def test_a_header_takes_no_commands_and_never_too_much() -> None:
    label = Label("A&B&P校", "Ⅱ", "長" * 400, datetime(2026, 11, 23, 8, 25, tzinfo=JST), "", Act.EXPORT)
    header = header_of(sheet_of(xlsx_file(texts("x"), label)).oddHeader)
    assert "A&&B&&P校" in header and header.endswith("…") and len(header) <= 255


def test_a_title_that_is_no_sheet_name_becomes_one() -> None:
    for title, name in (("1/2年:'名簿'?[x]", "1 2年  名簿   x"), ("", "表"), ("長" * 40, "長" * 31)):
        assert sheet_of(xlsx_file(Sheet(title, (Column("a"),), ()), LABEL)).title == name


def test_a_row_of_another_length_is_no_row() -> None:
    with pytest.raises(ValueError, match="every column"):
        Sheet("表", (Column("a"), Column("b")), (("x",),))
