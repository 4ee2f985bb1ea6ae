"""Lines that change while people type: nothing is laid out anew for a text that takes the same room."""

from rich.cells import cell_len
from textual.widgets import Static


def tell(widget: Static, text: str) -> None:
    """Show a text in a widget as wide as its place; what stands there already costs nothing.

    To lay a screen out costs as much as to paint most of it.
    """
    before = str(widget.content)
    if text == before:
        return
    old, new, room = before.split("\n"), text.split("\n"), widget.content_size.width
    fits = len(old) == len(new) and all(cell_len(line) <= room for line in (*old, *new))
    widget.update(text, layout=not fits)
