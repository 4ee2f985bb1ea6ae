"""The label and the watermark over every page of a document that is a PDF already.

Invariant: no page leaves without both; what a PDF carries beside its pages (attachments, scripts, forms, names of
authors) stays behind; nothing is written to disk.
"""

import io
from typing import Final

import pypdfium2 as pdfium
from pypdfium2 import raw

from appliance.release.errors import UnreadablePdfError
from appliance.release.glyphs import Fitting
from appliance.release.label import Label
from appliance.release.typeset import Printed, typeset

_SMALLEST_PT: Final = 1.0
_LARGEST_PT: Final = 14_400.0


def document_pdf(document: bytes, label: Label) -> Printed:
    """Return the pages of a PDF with the label above and below and a watermark over each.

    PDFium works in one thread at a time: the caller keeps it so. Raises UnreadablePdfError, PdfNotMadeError.
    """
    fitting = Fitting()
    try:
        with pdfium.PdfDocument(document) as source, pdfium.PdfDocument.new() as made:
            sizes = _flattened(source)
            kinds = sorted(set(sizes))
            stamps = typeset("stamp.typ", {"sizes": kinds}, label, fitting)
            with pdfium.PdfDocument(stamps) as stamped:
                overlays = {kind: stamped.page_as_xobject(at, made) for at, kind in enumerate(kinds)}
            for at, size in enumerate(sizes):
                _add(made, size, source.page_as_xobject(at, made), overlays[size])
            out = io.BytesIO()
            made.save(out)
    except pdfium.PdfiumError as error:
        raise UnreadablePdfError(operation="stamp document", cause=error) from error
    return Printed(out.getvalue(), fitting.missing())


def _flattened(source: pdfium.PdfDocument) -> list[tuple[float, float]]:
    """Make notes and filled fields part of their pages; return each page's size in points, as it is seen."""
    source.init_forms()
    sizes = []
    for page in source:
        if raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) == raw.FLATTEN_FAIL:
            raise UnreadablePdfError(operation="stamp document", subject="notes")
        width, height = page.get_size()
        if not all(_SMALLEST_PT <= side <= _LARGEST_PT for side in (width, height)):
            raise UnreadablePdfError(operation="stamp document", subject="page size")
        sizes.append((round(width, 2), round(height, 2)))
        page.close()
    if not sizes:
        raise UnreadablePdfError(operation="stamp document", subject="no page")
    return sizes


def _add(made: pdfium.PdfDocument, size: tuple[float, float], *layers: pdfium.PdfXObject) -> None:
    """Add a page; PDFium has turned each layer upright and moved its visible corner to the origin."""
    page = made.new_page(*size)
    for layer in layers:
        page.insert_obj(layer.as_pageobject())
    page.gen_content()
    page.close()
