"""What puts the widgets of a screen together: where little changed, little is asked for.

Invariant: what is painted is what Textual's own compositor would paint. That one has every widget between the
topmost and the lowest change make all its lines, and then uses those that changed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip

Wanted = Callable[[int], bool]


class LineCompositor(Compositor):
    """Asks the widgets for the lines of the screen that are painted anew, and for no others."""

    _wanted: Wanted | None = None

    def _render_chops(self, crop: Region, is_rendered_line: Wanted) -> Sequence[Mapping[int, Strip]]:
        self._wanted = is_rendered_line
        try:
            return super()._render_chops(crop, is_rendered_line)
        finally:
            self._wanted = None

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Yield a part of a widget on the screen, what it is cut to, and its lines; in front first."""
        if self._wanted is None or crop is None:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            for part in _runs(region.intersection(clip), crop, self._wanted):
                yield part, clip, widget.render_lines(part.translate((-region.x, -region.y)))


def _runs(seen: Region, crop: Region, wanted: Wanted) -> Iterator[Region]:
    """Yield the parts of what is seen of a widget whose lines are wanted, one below the other."""
    lines = [y for y in seen.line_range if crop.y <= y < crop.bottom and wanted(y)]
    for _, places in groupby(enumerate(lines), lambda place: place[1] - place[0]):
        run = [y for _, y in places]
        yield Region(seen.x, run[0], seen.width, len(run))
