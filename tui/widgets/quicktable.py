"""A table that is painted while somebody types: what a key did not change is not made anew.

Invariant: what is painted is what Textual's own table would paint. That one forgets how a row was painted when the
cursor moves elsewhere, and every row when one cell changes, and sends every cell through the machinery of rich.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeGuard

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.coordinate import Coordinate
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey, RowKey

_Lines = list[list[Segment]]
_ELSEWHERE: Final = Coordinate(-2, -2)


class QuickTable(DataTable[Text]):
    """A table of texts whose cursor is a row or a cell."""

    _ground: Style | None = None

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        # How often: what was painted of a row, or of a cell of it, before that is nobody's any more.
        self._replaced: Counter[RowKey | tuple[RowKey, ColumnKey]] = Counter()

    def replace(self, key: str, cells: Sequence[Text]) -> None:
        """Put others in place of a row's cells and paint that row alone."""
        row, place = RowKey(key), self.get_row_index(key)
        before, after = self._data[row], dict(zip(self.columns, cells, strict=True))
        self._data[row] = after
        self._row_renderable_cache.discard((self._update_count, place))
        self._replaced.update(
            [row, *((row, column) for column in after if not _same(after[column], before[column]))]
        )
        _forget(self._row_render_cache, lambda start: start == row)
        _forget(self._line_cache, lambda start: isinstance(start, int))  # Textual's own begin with a line's number
        self.refresh_row(place)

    @property
    def rich_style(self) -> Style:
        """Return the style of what has none of its own: reckoned once for all lines of a paint."""
        return self._ground or super().rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint the lines of a part of the table.

        Where nothing is drawn around them they are the same strips as before, which know how they look filtered
        and cut, so that scrolling costs little more than a step.
        """
        self._ground = super().rich_style
        try:
            styles = self.styles
            if styles.gutter or self.opacity != 1.0 or styles.text_opacity != 1.0 or styles.tint.a:
                return super().render_lines(crop)
            self._pseudo_class_state = self.get_pseudo_class_state()
            return [strip.crop(crop.x, crop.right) for strip in self._strips(crop, self._ground)]
        finally:
            self._ground = None

    def _strips(self, crop: Region, ground: Style) -> Iterator[Strip]:
        """Yield the strips of some lines; all lines of the table are asked for at every paint."""
        left, down = self.scroll_offset
        right, whole = left + self.size.width, self.region.width
        still, filters = self._get_fixed_offset().top, self.get_line_filters()
        background = self.background_colors[1]
        for y in crop.line_range:
            strip = self._render_line(y if y < still else y + down, left, right, ground)
            strip = strip.adjust_cell_length(whole, ground)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            yield strip

    def _render_line(self, y: int, x1: int, x2: int, base_style: Style) -> Strip:
        """Paint a line, or take it as it was painted."""
        try:
            row_key, line = self._get_offsets(y)
        except LookupError:
            return super()._render_line(y, x1, x2, base_style)
        where = self._seen_from(row_key, self.cursor_coordinate), self._seen_from(row_key, self.hover_coordinate)
        shown = self.show_cursor, self._show_hover_cursor, self._update_count, self._pseudo_class_state
        key: Any = (row_key, self._replaced[row_key], line, x1, x2, *where, base_style, *shown)
        strip = self._line_cache.get(key)
        if strip is None:
            strip = self._line_cache[key] = super()._render_line(y, x1, x2, base_style)
        return strip

    def _seen_from(self, row_key: RowKey, place: Coordinate) -> Coordinate:
        """Return a place as it matters to a row."""
        row = self._row_locations.get(row_key) if row_key in self._row_locations else -1
        return place if place.row == row else _ELSEWHERE

    def _render_line_in_row(
        self,
        row_key: RowKey,
        line_no: int,
        base_style: Style,
        cursor_location: Coordinate,
        hover_location: Coordinate,
    ) -> tuple[_Lines, _Lines]:
        """Paint a row; where in the others the cursor is makes no difference to it."""
        cursor, hover = self._seen_from(row_key, cursor_location), self._seen_from(row_key, hover_location)
        return super()._render_line_in_row(row_key, line_no, base_style, cursor, hover)

    def _render_cell(
        self,
        row_index: int,
        column_index: int,
        base_style: Style,
        width: int,
        cursor: bool = False,
        hover: bool = False,
    ) -> _Lines:
        """Paint a cell: one line of one style is a piece of text and the blanks around it."""
        if row_index < 0 or column_index < 0:
            return super()._render_cell(row_index, column_index, base_style, width, cursor, hover)
        shown = self._show_hover_cursor, self._update_count, self._pseudo_class_state
        row, column = self._row_locations.get_key(row_index), self._column_locations.get_key(column_index)
        if row is None or column is None:
            return super()._render_cell(row_index, column_index, base_style, width, cursor, hover)
        key: Any = (row, column, self._replaced[row, column], base_style, cursor, hover, *shown)
        if (painted := self._cell_render_cache.get(key)) is not None:
            return painted
        cell = self._get_row_renderables(row_index).cells[column_index]
        if self.rows[row].height != 1 or not _plain(cell, width - 2 * self.cell_padding):
            # Textual remembers it too, by a key that does not know of the cell that was replaced.
            self._cell_render_cache.discard((row, column, base_style, cursor, hover, *shown))
            painted = super()._render_cell(row_index, column_index, base_style, width, cursor, hover)
            self._cell_render_cache[key] = painted
            return painted
        fixed = row_index < self.fixed_rows or column_index < self.fixed_columns
        how = cursor, self.show_cursor, self._show_hover_cursor
        text_over, ground_over = self.cursor_foreground_priority, self.cursor_background_priority
        style, over = self._get_styles_to_render_cell(
            False, False, fixed, hover, *how, text_over == "css", ground_over == "css"
        )
        under = base_style + Style.from_meta({"row": row_index, "column": column_index}) + style
        painted = [self._pieces(cell, width, under, over)]
        self._cell_render_cache[key] = painted
        return painted

    def _pieces(self, cell: Text, width: int, under: Style, over: Style) -> list[Segment]:
        own, blank = self.app.console.get_style(cell.style), under + over
        left, right = self.cell_padding, width - self.cell_padding - cell.cell_len
        if not own:
            return [Segment(" " * left + cell.plain + " " * right, blank)]
        pieces = (" " * left, blank), (cell.plain, under + own + over), (" " * right, blank)
        return [Segment(text, style) for text, style in pieces if text]


def _same(one: Text, other: Text) -> bool:
    """Say whether two cells look the same; texts are equal in any style."""
    return one == other and one.style == other.style


def _plain(cell: object, width: int) -> TypeGuard[Text]:
    """Say whether a cell is one line in one style that fits."""
    if not isinstance(cell, Text) or cell.spans or cell.justify or not cell.plain.isprintable():
        return False
    return cell_len(cell.plain) <= width


def _forget(cache: LRUCache[Any, Any], stale: Callable[[Any], bool]) -> None:
    """Drop what was painted, by what its key begins with."""
    for key in [key for key in cache.keys() if stale(key[0])]:  # noqa: SIM118 - it is no mapping
        cache.discard(key)
