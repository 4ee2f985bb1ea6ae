"""Pictures in the terminal: real ones where the terminal is known to draw them, else half cells.

Invariant: the terminal is never asked what it can do. Its answer would come between the keys that are being typed,
one of which may be a passphrase's; so a site's configuration says it (`[office] pictures`).
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from textual.widget import Widget

WIDE: Final = {"sixel": 1200, "kitty": 1200, "blocks": 400}
"""How many pixels across are worth drawing."""
_CELL: Final = (10, 20)  # pixels; sixel terminals take a VT340's where they are not asked


def picture_of(png: bytes, how: str) -> Widget:
    """Return a widget that shows a picture; `how` is sixel, kitty or blocks."""
    made = _widgets()[how](io.BytesIO(png))
    made.styles.width = "100%"
    made.styles.height = "auto"
    return made


def _widgets() -> dict[str, Callable[[io.BytesIO], Widget]]:
    """Import the widgets with no terminal to ask: they would ask at import."""
    from textual_image import _terminal

    asked = sys.__stdout__
    with Path(os.devnull).open("w") as nobody:
        setattr(sys, "__stdout__", nobody)  # noqa: B010 - typed as final
        try:
            if not hasattr(_terminal.get_cell_size, "_result"):
                setattr(_terminal.get_cell_size, "_result", _terminal.CellSize(*_CELL))  # noqa: B010 - its cache
            from textual_image.widget import HalfcellImage, SixelImage, TGPImage
        finally:
            setattr(sys, "__stdout__", asked)  # noqa: B010 - as above
    return {"sixel": SixelImage, "kitty": TGPImage, "blocks": HalfcellImage}
