"""PDF: every page tells whose it is, nothing vanishes unsaid, and no text is a program."""

import io
from datetime import date

import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageOps
from pypdfium2 import raw

from appliance.release.errors import PdfNotMadeError, UnreadablePdfError
from appliance.release.glyphs import Fitting, Missing
from appliance.release.label import Act, Label
from appliance.release.pdf import sheet_pdf
from appliance.release.sheet import Align, Column, Sheet
from appliance.release.stamp import document_pdf
from appliance.release.typeset import Paper, typeset
from tests.appliance.release.samples import LABEL, hand_pdf, roll, texts

MARKUP = '#panic("x") *b* $x^2$ = h <l> @r `c` // c \\ #import "/etc/passwd" [ ] { } " ~ --'


def pages(data: bytes) -> list[str]:
    with pdfium.PdfDocument(data) as document:
        return [page.get_textpage().get_text_range() for page in document]


def picture(data: bytes, scale: float = 1) -> Image.Image:
    with pdfium.PdfDocument(data) as document:
        image: Image.Image = document[0].render(scale=scale, grayscale=True).to_pil()
        return image.copy()


def fonts_of(data: bytes) -> set[tuple[str, bool]]:
    """Return base name and embeddedness of every font that a text uses."""
    with pdfium.PdfDocument(data) as document:
        found = [o.get_font() for page in document for o in page.get_objects([raw.FPDF_PAGEOBJ_TEXT])]
        return {(font.get_base_name(), bool(raw.FPDFFont_GetIsEmbedded(font))) for font in found}


def test_three_pages_each_with_label_watermark_and_headings() -> None:
    printed = sheet_pdf(roll(120), LABEL)
    told = pages(printed.pdf)
    assert len(told) == 3 and not printed.missing
    for number, page in enumerate(told, 1):
        assert page.count(LABEL.line()) == 2 and f"{number} / 3" in page
        assert all(
            page.count(line) >= 3 for line in ("佐藤 花子", "2026-11-23 08:25 書き出し", "許可番号 2026-0012")
        )
        assert "番号 氏名 電話 生年月日" in page
    assert "1年1組 名簿" in told[0] and "用がすんだら細断する。" in told[-1]
    assert all(name in "".join(told) for name in ("髙橋 一郎", "山﨑 二葉", "𠮷田 三咲", "0952-00-0120"))
    (font,) = fonts_of(printed.pdf)
    assert "NotoSansCJKjp" in font[0] and font[1] and b"/FontFile3" in printed.pdf
    assert printed == sheet_pdf(roll(120), LABEL)


def test_the_watermark_lies_across_the_page_behind_the_words() -> None:
    blank = ImageOps.invert(picture(sheet_pdf(texts(), LABEL).pdf))
    grey = blank.point(lambda ink: 255 if 10 < ink < 60 else 0)
    left, top, right, bottom = grey.getbbox() or (0, 0, 0, 0)
    assert right - left > blank.width * 0.6 and bottom - top > blank.height * 0.4
    assert left > 0 and right < blank.width and top > 0 and bottom < blank.height


@pytest.mark.parametrize(
    ("paper", "size"), zip(Paper, ((595, 842), (842, 595), (842, 1191), (1191, 842)), strict=True)
)
def test_paper(paper: Paper, size: tuple[int, int]) -> None:
    with pdfium.PdfDocument(sheet_pdf(roll(3), LABEL, paper).pdf) as document:
        assert tuple(round(side) for side in document[0].get_size()) == size


def test_no_text_is_a_program() -> None:
    sheet = Sheet(MARKUP, (Column(MARKUP, align=Align.CENTER),), ((MARKUP,),), (MARKUP,))
    label = Label(MARKUP, "Ⅱ", "#x", LABEL.at, "", Act.PRINT)
    (page,) = pages(sheet_pdf(sheet, label, Paper.A3_LANDSCAPE).pdf)
    assert page.count(MARKUP) == 6  # title, heading, cell, note, header, footer


def test_a_failing_typesetter_tells_nothing_of_the_data() -> None:
    with pytest.raises(PdfNotMadeError) as told:
        typeset("sheet.typ", {"paper": "秘密の名前"}, LABEL, Fitting())
    assert "秘密" not in str(told.value) and told.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "shown", "missing"),
    [
        ("髙﨑𠮷㐂①Ⅱ〓", "髙﨑𠮷㐂①Ⅱ〓", []),
        ("か\u3099は\u309a", "がぱ", []),
        ("\ufa19", "\ufa19", []),  # NFC would write 神 for it
        ("葛\U000e0100葛\U000e0101", "葛\U000e0100葛\U000e0101", []),
        ("葛\U000e01ef", "葛", [Missing("葛\U000e01ef", "葛", 1)]),
        ("\ue000と\ue000", "〓と〓", [Missing("\ue000", "〓", 2)]),
        ("😀\U0001f468\u200d\U0001f469\u200d\U0001f467", "〓〓", [
            Missing("😀", "〓", 1), Missing("\U0001f468\u200d\U0001f469\u200d\U0001f467", "〓", 1)]),
        ("a\u200bb\ufeff\u00adc", "abc", []),
        ("a\u202eb", "a〓b", [Missing("\u202e", "〓", 1)]),
        ("1\n2\t3\x00", "1\n2\t3〓", []),
        ("☎\ufe0f", "☎", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_what_the_font_lacks_is_told(text: str, shown: str, missing: list[Missing]) -> None:
    fitting = Fitting()
    assert fitting.fit(text) == shown
    assert list(fitting.missing()) == missing


def test_what_was_lost_in_cells_and_label_comes_back_with_the_pdf() -> None:
    label = Label("校😀", "Ⅱ", "佐藤", LABEL.at, "", Act.PRINT)
    printed = sheet_pdf(texts("外\ue000字"), label)
    assert {(lost.text, lost.shown) for lost in printed.missing} == {("\ue000", "〓"), ("😀", "〓")}
    assert "外〓字" in pages(printed.pdf)[0]


def test_variants_differ_on_paper() -> None:
    plain, variant = (
        picture(sheet_pdf(texts(f"辻{mark}"), LABEL).pdf, 3) for mark in ("\U000e0100", "\U000e0101")
    )
    assert plain.tobytes() != variant.tobytes()


def test_a_long_address_stays_in_its_column() -> None:
    address = "a.very.long.address.of.a.guardian@an.even.longer.name.of.a.provider.example.jp"
    sheet = Sheet("", (Column("メール", 20), Column("空き", 60)), ((address, ""),))
    with pdfium.PdfDocument(sheet_pdf(sheet, LABEL).pdf) as document:
        page = document[0].get_textpage()
        said = page.get_text_range()
        places = [page.get_charbox(at)[2] for at in range(len(said)) if said[at] == "."]
    assert said.replace("\u200b", "").replace("\r\n", "").count(address) == 1
    assert max(places) < 34 + 527 * 20 / 80


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_stamped_document_is_the_same_picture_with_the_stamp_upright(rotate: int) -> None:
    before = hand_pdf(f"/MediaBox [0 0 400 600] /CropBox [100 200 300 500] /Rotate {rotate}")
    printed = document_pdf(before, LABEL)
    (page,) = pages(printed.pdf)
    assert page.count(LABEL.line()) == 2 and "Hello" in page and page.count("許可番号 2026-0012") == 3
    dark = [picture(data).point(lambda grey: 255 if grey < 60 else 0) for data in (before, printed.pdf)]
    assert dark[0].size == dark[1].size
    box = dark[0].getbbox()
    assert box is not None and dark[0].crop(box).tobytes() == dark[1].crop(box).tobytes()
    with pdfium.PdfDocument(printed.pdf) as document:
        text = document[0].get_textpage()
        at = text.get_text_range().index("重要性分類")
        first, last = text.get_charbox(at), text.get_charbox(at + len("重要性分類") - 1)
    assert last[0] > first[0] and abs(last[1] - first[1]) < 2


def test_every_page_of_a_document_of_many_sizes_is_stamped() -> None:
    with pdfium.PdfDocument.new() as document:
        for size in ((595, 842), (842, 595), (595, 842), (20, 20), (5000, 100)):
            document.new_page(*size).close()
        out = io.BytesIO()
        document.save(out)
    told = pages(document_pdf(out.getvalue(), LABEL).pdf)
    assert len(told) == 5 and all("".join(page.split()).count("".join(LABEL.line().split())) == 2 for page in told)


def test_notes_lie_under_the_stamp_and_what_is_no_page_stays_behind() -> None:
    paint = b"0.5 g 0 0 400 600 re f"
    look = b"<< /Type /XObject /Subtype /Form /BBox [0 0 400 600] /Length %d >>\nstream\n%s\nendstream"
    note = b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [0 0 400 600] /AP << /N 7 0 R >> >>"
    script = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
    secret = b"<< /Author (YAMADA) >>"
    before = hand_pdf(
        "/MediaBox [0 0 400 600] /Annots [6 0 R] /AA << /O 8 0 R >>",
        "/OpenAction 8 0 R",
        note,
        look % (len(paint), paint),
        script,
        secret,
    )
    after = document_pdf(before, LABEL).pdf
    with pdfium.PdfDocument(after) as document:
        assert raw.FPDFPage_GetAnnotCount(document[0]) == 0 and not document.get_metadata_value("Author")
    assert b"JavaScript" not in after and b"YAMADA" not in after and b"app.alert" not in after
    seen = picture(after)
    assert seen.getpixel((2, 300)) in range(120, 136)  # the note is part of the page
    strip = seen.crop((20, 0, 380, 24)).point(lambda grey: 255 if grey > 200 else 0)
    assert strip.getbbox() is not None  # and the label's light strip lies over it


def locked() -> bytes:
    encrypt = b"<< /Filter /Standard /V 1 /R 2 /O (" + b"o" * 32 + b") /U (" + b"u" * 32 + b") /P -4 >>"
    whole = hand_pdf("/MediaBox [0 0 9 9]", "", encrypt)
    return whole.replace(b"/Root 1 0 R >>", b"/Root 1 0 R /Encrypt 6 0 R /ID [(a) (a)] >>")


@pytest.mark.parametrize("bad", [b"", b"%PDF-1.7\nhello", locked(), hand_pdf("/MediaBox [0 0 30000 9]")])
def test_what_cannot_be_stamped_is_refused(bad: bytes) -> None:
    with pytest.raises(UnreadablePdfError):
        document_pdf(bad, LABEL)


def test_a_thousand_rows_and_a_day_cell() -> None:
    printed = sheet_pdf(roll(1000), LABEL, Paper.A3)
    told = pages(printed.pdf)
    assert all(page.count(LABEL.line()) == 2 for page in told) and str(date(2018, 4, 3)) in told[0]
