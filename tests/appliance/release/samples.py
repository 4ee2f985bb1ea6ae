"""A label, a roll of three pages, and a PDF written by hand."""

from datetime import date, datetime, timedelta, timezone

from appliance.release.cells import Cell
from appliance.release.label import Act, Label
from appliance.release.sheet import Align, Column, Sheet

JST = timezone(timedelta(hours=9))
LABEL = Label(
    "多久市立東原庠舎中央校", "Ⅱ", "佐藤 花子", datetime(2026, 11, 23, 8, 25, tzinfo=JST), "2026-0012", Act.EXPORT
)
NAMES = ("髙橋 一郎", "山﨑 二葉", "𠮷田 三咲", "葛\U000e0101城 四季")
COLUMNS = (Column("番号", 6, Align.RIGHT), Column("氏名"), Column("電話", 14), Column("生年月日"))


def roll(pupils: int) -> Sheet:
    """Return a class roll."""
    rows = [(n, NAMES[n % 4], f"0952-00-{n:04}", date(2018, 4, 2) + timedelta(n)) for n in range(1, pupils + 1)]
    return Sheet("1年1組 名簿", COLUMNS, tuple(rows), ("用がすんだら細断する。",))


def texts(*cells: Cell) -> Sheet:
    """Return a table of one column."""
    return Sheet("表", (Column("見出し"),), tuple((cell,) for cell in cells))


def hand_pdf(page: str = "/MediaBox [0 0 400 600]", catalog: str = "", *more: bytes) -> bytes:
    """Return a PDF of one page that says Hello, its graphics state left scaled; `more` are objects from 6 on."""
    content = b"2 0 0 2 0 0 cm BT /F1 12 Tf 60 110 Td (Hello) Tj ET"
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R {page} >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *more,
    ]
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + head + table + tail
