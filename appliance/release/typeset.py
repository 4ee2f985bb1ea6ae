"""The typesetter: a fixed page program and data in, a PDF out, all in memory.

Invariant: no text of a record is ever part of a program; only the bundled font is used, and nothing is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import msgspec
import typst

from appliance.release.errors import PdfNotMadeError
from appliance.release.glyphs import FAMILY, FOLDER, Fitting, Missing
from appliance.release.label import Label


class Paper(Enum):
    """Paper as typst names it, and whether it lies on its side."""

    A4 = ("a4", False)
    A4_LANDSCAPE = ("a4", True)
    A3 = ("a3", False)
    A3_LANDSCAPE = ("a3", True)


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF, and what it could not show."""

    pdf: bytes
    missing: tuple[Missing, ...]


def typeset(program: str, data: Mapping[str, object], label: Label, fitting: Fitting) -> bytes:
    """Return what a page program of this package makes of data and a label.

    Raises PdfNotMadeError.
    """
    given = {
        **data,
        "font": FAMILY,
        "label": fitting.fit(label.line()),
        "watermark": [fitting.fit(line) for line in label.watermark()],
    }
    # Without a root the working folder would be it; the programs read no file at all.
    compiler = typst.Compiler(root=str(FOLDER), font_paths=_fonts(), ignore_system_fonts=True)
    try:
        made = compiler.compile(
            _program(program),
            format="pdf",
            sys_inputs={"data": msgspec.json.encode(given).decode()},
            timestamp=int(label.at.timestamp()),
        )
    except typst.TypstError as error:
        # Its diagnostics may quote the data.
        raise PdfNotMadeError(operation="typeset", subject=program, fault=type(error).__name__) from None
    if not isinstance(made, bytes):
        raise PdfNotMadeError(operation="typeset", subject=program, fault="empty")
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER)])


@cache
def _program(name: str) -> bytes:
    return files("appliance.release").joinpath(name).read_bytes()
