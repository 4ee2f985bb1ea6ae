"""What came out: counted rightly, drawn to width, the same on paper, on a page and in a table."""

import re
from datetime import date, datetime

import pypdfium2 as pdfium
import pytest
from pypdfium2.raw import FPDF_PAGEOBJ_PATH
from rich.cells import cell_len

from appliance.release.chart import Chart, ChartBar, ChartGroup, chart_html, chart_pdf
from appliance.release.label import Act, Label
from appliance.session import JST
from appliance.surveys.ballots import fits
from appliance.surveys.records import Given
from appliance.surveys.results import Results, bar_lines, chart_of, result_sheet, results_of
from appliance.surveys.surveytext import read_survey, survey_template

FORM = read_survey(survey_template(date(2026, 12, 1)), date(2026, 11, 24))
GIVEN: list[tuple[Given, ...]] = [
    ((0,), (0, 1), "よかった"),
    ((1,), (0,), ""),
    ((1,), (2,), "静かな場所が要る"),
    ((3,), (0,), ""),
    ((2,), (), ""),
    ((1,), (1,), "=cmd|' /C calc'!A0"),
]
LABEL = Label("青葉小学校", "Ⅲ", "佐藤 葵", datetime(2026, 11, 24, 10, 0, tzinfo=JST), "", Act.PRINT)


def made() -> Results:
    return results_of(FORM, GIVEN, 27)


def test_every_answer_counts_once() -> None:
    one, many, text = made().outcomes
    assert [(bar.label, bar.count, bar.of, bar.percent) for bar in one.bars] == [
        ("とてもはかどった", 1, 6, 17),
        ("はかどった", 3, 6, 50),
        ("かわらない", 1, 6, 17),
        ("はかどらなかった", 1, 6, 17),
    ]
    assert [(bar.count, bar.of) for bar in many.bars] == [(3, 5), (2, 5), (1, 5)], "who skipped it is not of those"
    assert text.texts == tuple(sorted(one for *_, one in GIVEN if one)), "in no order of people"


@pytest.mark.parametrize("width", [40, 68, 110])
def test_bars_are_as_long_as_their_numbers_and_fit(width: int) -> None:
    lines = list(bar_lines(made(), width))
    assert lines[0] == "回答 6人（27人中）無記名"
    drawn = {line.split()[0]: line for line in lines if "%" in line}
    lengths = {name: line.count("█") for name, line in drawn.items()}
    assert lengths["はかどった"] in range(3 * lengths["かわらない"], 3 * lengths["かわらない"] + 3)
    assert all(cell_len(line) <= width for line in drawn.values())
    assert drawn["はかどった"].endswith("  3  50%")


def test_the_pdf_says_the_same_on_every_page() -> None:
    pages = pdfium.PdfDocument(chart_pdf(chart_of(made()), LABEL).pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in pages)
    for word in (
        "テレワークについて",
        "回答 6人（27人中）無記名",
        "はかどった",
        "3 人",
        "50 %",
        "静かな場所が要る",
    ):
        assert word in text
    assert text.count("重要性分類Ⅲ") == 2 * len(pages)


def test_on_paper_and_on_the_page_a_bar_is_as_long_as_its_number_says() -> None:
    shares = [1 / 6, 3 / 6, 1 / 6, 1 / 6, 3 / 5, 2 / 5, 1 / 5]
    page = chart_html(chart_of(made()), LABEL).decode()
    assert [float(width) for width in re.findall(r'<rect width="([\d.]+)"', page)] == [
        round(100 * share, 2) for share in shares
    ]
    (paper,) = pdfium.PdfDocument(chart_pdf(chart_of(made()), LABEL).pdf)
    bounds = [drawn.get_bounds() for drawn in paper.get_objects(filter=[FPDF_PAGEOBJ_PATH])]
    widths = [right - left for left, _, right, _ in bounds]
    frames, bars = widths[::2], widths[1::2]
    assert [bar / frame for bar, frame in zip(bars, frames, strict=True)] == pytest.approx(shares, abs=0.005)


def test_a_long_chart_goes_on_over_pages() -> None:
    groups = tuple(
        ChartGroup(f"{n}. 問い", (ChartBar("はい", n, n, 40), ChartBar("いいえ", 0, 0, 0))) for n in range(40)
    )
    pages = pdfium.PdfDocument(chart_pdf(Chart("長い", "回答", groups), LABEL).pdf)
    assert len(pages) > 1 and all("重要性分類" in page.get_textpage().get_text_range() for page in pages)


def test_the_page_runs_nothing_and_takes_every_text_for_text() -> None:
    evil = "<script>alert(1)</script>"
    chart = Chart(evil, evil, (ChartGroup(evil, (ChartBar(evil, 1, 100, 1),), (evil,)),))
    page = chart_html(chart, LABEL).decode()
    assert "<script" not in page and page.count("&lt;script&gt;") >= 5
    assert "src=" not in page and "http:" not in page and "url(" not in page
    assert "default-src 'none'" in page.replace("&#39;", "'") and LABEL.line() in page


def test_the_table_has_a_row_for_every_choice_and_text() -> None:
    sheet = result_sheet(made())
    assert len(sheet.rows) == 4 + 3 + 3 and sheet.notes == ("回答 6人（27人中）無記名",)
    assert ("テレワークで仕事は、はかどりましたか", "はかどった", 3, 50) in sheet.rows


@pytest.mark.parametrize(
    ("given", "good"),
    [
        (((0,), (0, 1), ""), True),
        (((), (), ""), True),
        (((0, 1), (), ""), False),
        (((4,), (), ""), False),
        (((-1,), (), ""), False),
        (((0,), (0, 0), ""), False),
        (((0,), (), (0,)), False),
        (("x", (), ""), False),
        (((0,), ()), False),
        (((0,), (), "", ""), False),
    ],
)
def test_only_what_can_be_chosen_is_an_answer(given: tuple[Given, ...], good: bool) -> None:
    assert fits(FORM, given) is good
