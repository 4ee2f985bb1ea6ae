"""The process that reads an untrusted document: `python -m appliance.documents.pagechild MEDIA`.

Invariant: it gets the document on its input and gives texts and pictures on its output; it may write no file,
start no process, leave no core file, and use no more memory and time than it is given. Whatever the document does
to it, nothing but this process ends. Protocol: 8 bytes of length and the document; then requests and answers, each
4 bytes of length and MessagePack: ("text", n), ("rows", n), ("picture", n, width) → Answer.
"""

import contextlib
import io
import resource
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from appliance.documents.media import Media
from crypto.memory import forbid_dumps

if TYPE_CHECKING:
    from PIL import Image

MEMORY_BYTES: Final = 1_500 * 2**20  # of address space; a document has at most 200 MiB
CPU_S: Final = 60
PAGE_LETTERS: Final = 200_000
ROWS: Final = 2_000
COLUMNS: Final = 40
MOST_PIXELS: Final = 20_000_000


class Request(msgspec.Struct, frozen=True, array_like=True):
    """What is wanted of which page, counted from 0."""

    what: str
    page: int
    width: int = 0


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The answer; `fault` says why there is none. The first answer, to nothing, tells `pages` and `kind`."""

    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    picture: bytes = b""
    pages: int = 0
    kind: str = "none"
    fault: str = ""


class Document:
    """A document that was opened; sub-classes say what their pages are."""

    kind = "none"
    pages = 0

    def text(self, page: int) -> str:
        """Return a page's text."""
        return ""

    def rows(self, page: int) -> tuple[tuple[str, ...], ...]:
        """Return a page's rows."""
        return ()

    def picture(self, page: int, width: int) -> bytes:
        """Return a page as PNG; empty where it cannot be drawn."""
        return b""


class Text(Document):
    """Plain text or Markdown, one page."""

    pages = 1

    def __init__(self, data: bytes, kind: str) -> None:
        self.kind = kind
        self._text = decoded(data)

    def text(self, page: int) -> str:
        """Return the text."""
        return self._text[:PAGE_LETTERS]


class Table(Text):
    """Comma or tab separated values, one page."""

    def __init__(self, data: bytes, delimiter: str) -> None:
        super().__init__(data, "table")
        self._delimiter = delimiter

    def rows(self, page: int) -> tuple[tuple[str, ...], ...]:
        """Return the first rows."""
        import csv

        reader = csv.reader(io.StringIO(self._text), delimiter=self._delimiter)
        return tuple(tuple(row[:COLUMNS]) for row, _ in zip(reader, range(ROWS), strict=False))


class Pdf(Document):
    """A PDF by PDFium."""

    kind = "picture"

    def __init__(self, data: bytes) -> None:
        from pypdfium2 import PdfDocument

        self._pdf = PdfDocument(data)
        self.pages = len(self._pdf)

    def text(self, page: int) -> str:
        """Return what is written on a page."""
        opened = self._pdf[page]
        words = opened.get_textpage()
        try:
            return str(words.get_text_bounded())[:PAGE_LETTERS].replace("\r\n", "\n")
        finally:
            words.close()
            opened.close()

    def picture(self, page: int, width: int) -> bytes:
        """Draw a page."""
        opened = self._pdf[page]
        try:
            wide, high = opened.get_size()
            scale = min(width / wide, (MOST_PIXELS / (wide * high)) ** 0.5)
            drawn = opened.render(scale=scale).to_pil()
        finally:
            opened.close()
        return _png(drawn)


class Picture(Document):
    """A picture, one page."""

    kind = "picture"
    pages = 1

    def __init__(self, data: bytes) -> None:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = 10 * MOST_PIXELS
        self._image = Image.open(io.BytesIO(data))

    def picture(self, page: int, width: int) -> bytes:
        """Return it, smaller where it is larger than asked for."""
        image = self._image.convert("RGB")
        image.thumbnail((width, width * 4))
        return _png(image)


class Word(Text):
    """The paragraphs and tables of a Word file, as text."""

    def __init__(self, data: bytes) -> None:
        from docx import Document as open_docx

        body = open_docx(io.BytesIO(data))
        lines = [paragraph.text for paragraph in body.paragraphs]
        lines += ["\t".join(cell.text for cell in row.cells) for table in body.tables for row in table.rows]
        super().__init__("\n".join(lines).encode(errors="replace"), "text")


class Excel(Document):
    """The sheets of a workbook, one page each, values only."""

    kind = "table"

    def __init__(self, data: bytes) -> None:
        from openpyxl import load_workbook

        self._book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        self.pages = len(self._book.sheetnames)

    def text(self, page: int) -> str:
        """Return a sheet's cells, a line for each row."""
        return "\n".join("\t".join(row) for row in self.rows(page))[:PAGE_LETTERS]

    def rows(self, page: int) -> tuple[tuple[str, ...], ...]:
        """Return a sheet's first rows."""
        sheet = self._book[self._book.sheetnames[page]]
        cells = sheet.iter_rows(max_row=ROWS, max_col=COLUMNS, values_only=True)
        return tuple(_trimmed(row) for row in cells)


def _trimmed(row: tuple[object, ...]) -> tuple[str, ...]:
    told = ["" if value is None else str(value) for value in row]
    while told and not told[-1]:
        told.pop()
    return tuple(told)


_Opener = Callable[[bytes], Document]
_OPENERS: Final[dict[Media, _Opener]] = {
    Media.PDF: Pdf,
    Media.PNG: Picture,
    Media.JPEG: Picture,
    Media.DOCX: Word,
    Media.XLSX: Excel,
    Media.CSV: lambda data: Table(data, ","),
    Media.TSV: lambda data: Table(data, "\t"),
    Media.MARKDOWN: lambda data: Text(data, "markdown"),
    Media.TEXT: lambda data: Text(data, "text"),
}


def decoded(data: bytes) -> str:
    """Return text in whatever encoding Japanese offices write; what fits none is shown as replaced."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\x1b$" in data:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("iso2022_jp")
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    found = []
    for encoding in ("cp932", "euc_jp"):
        with contextlib.suppress(UnicodeDecodeError):
            found.append(data.decode(encoding))
    if found:  # read as CP932, most EUC text is half-width katakana
        return min(found, key=lambda text: sum("\uff61" <= letter <= "\uff9f" for letter in text))
    from charset_normalizer import from_bytes

    best = from_bytes(data[:100_000]).best()
    return data.decode(best.encoding if best else "utf-8", "replace")


def main() -> None:
    """Open the document and answer until the input ends."""
    _confine()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    data = source.read(int.from_bytes(source.read(8), "big"))
    document = Document()
    fault = ""
    try:
        opener: _Opener = _OPENERS.get(Media(sys.argv[1]), lambda data: Document())
        document = opener(data)
    except Exception as error:  # noqa: BLE001 - whatever an untrusted file makes a library do
        fault = type(error).__name__
    _say(sink, Answer(pages=document.pages, kind=document.kind, fault=fault))
    while size := source.read(4):
        request = msgspec.msgpack.decode(source.read(int.from_bytes(size, "big")), type=Request)
        _say(sink, _answer(document, request))


def _answer(document: Document, request: Request) -> Answer:
    try:
        match request.what:
            case "text":
                return Answer(text=document.text(request.page).encode(errors="replace").decode())
            case "rows":
                return Answer(rows=document.rows(request.page))
            case "picture":
                return Answer(picture=document.picture(request.page, request.width))
    except Exception as error:  # noqa: BLE001 - as above
        return Answer(fault=type(error).__name__)
    return Answer(fault="request")


def _say(sink: BinaryIO, answer: Answer) -> None:
    data = msgspec.msgpack.encode(answer)
    sink.write(len(data).to_bytes(4, "big") + data)
    sink.flush()


def _png(image: "Image.Image") -> bytes:
    sink = io.BytesIO()
    image.save(sink, "PNG")
    return sink.getvalue()


def _confine() -> None:
    forbid_dumps()
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))


if __name__ == "__main__":
    main()
