"""The quick table paints what Textual's own table would, and makes anew only what a key changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from rich.segment import Segment
from rich.text import Text
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable

from tui.widgets.quicktable import QuickTable

COLUMNS, ROWS = 12, 40
MOVES = ("down", "down", "right", "end", "pagedown", "down", "up", "home", "down")


class Shown(App[None]):
    """One table, in one of the two kinds."""

    def __init__(self, kind: type[DataTable[Text]], cursor: str) -> None:
        super().__init__()
        self._kind, self._cursor = kind, cursor

    def compose(self) -> ComposeResult:
        fixed = {"fixed_columns": 2, "header_height": 2, "cell_padding": 0} if self._cursor == "cell" else {}
        yield self._kind(cursor_type=self._cursor, zebra_stripes=self._cursor == "row", **fixed)  # type: ignore[arg-type]

    def on_mount(self) -> None:
        table = self.query_one(self._kind)
        for number in range(COLUMNS):
            table.add_column(Text(f"{number}\n日"), width=8, key=f"c{number}")
        for number in range(ROWS):
            table.add_row(*cells(number), key=f"r{number}")


def cells(row: int, word: str = "病") -> list[Text]:
    """Return cells of all sorts: bare, in a style, in two styles, too long, of more lines, empty.

    With another word: the same, other ones, the same in another style.
    """
    sorts = (
        Text(f"児童{row}"),
        Text(word, style="dim on grey19"),
        Text("同", style="dim" if word == "病" else "bold"),
        Text.assemble((word, "bold"), "い"),
        Text(f"{word}とても長い名前です", no_wrap=True, overflow="ellipsis"),
        Text("一\n二"),
        Text(""),
        Text("右", justify="right"),
    )
    return [sorts[(row + column) % len(sorts)] for column in range(COLUMNS)]


def painted(table: DataTable[Text]) -> list[list[Segment]]:
    """Return every line that is seen, in as few pieces as there are styles."""
    lines = table.render_lines(table.size.region)
    return [list(Segment.simplify(strip)) for strip in lines]


async def stages(kind: type[DataTable[Text]], cursor: str) -> Iterator[Any]:
    app, seen = Shown(kind, cursor), []
    async with app.run_test(size=(60, 14)) as pilot:
        table = app.query_one(kind)
        for key in MOVES:
            await pilot.press(key)
            seen.append(painted(table))
        await _changes(pilot, table)
        seen.append(painted(table))
        await pilot.hover(kind, offset=(12, 5))
        seen.append(painted(table))
        table.can_focus = False
        app.set_focus(None)
        await pilot.pause()
        seen.append(painted(table))
        app.theme = "textual-light"
        await pilot.pause()
        seen.append(painted(table))
    return iter(seen)


async def _changes(pilot: Pilot[None], table: DataTable[Text]) -> None:
    row = table.cursor_row
    for number in (row, row + 1):
        if isinstance(table, QuickTable):
            table.replace(f"r{number}", cells(number, "遅"))
            continue
        for column, cell in zip(table.columns, cells(number, "遅"), strict=True):
            table.update_cell(f"r{number}", column, cell)
    await pilot.pause()


@pytest.mark.parametrize("cursor", ["row", "cell"])
async def test_it_is_painted_like_textuals_own(cursor: str) -> None:
    own, quick = await stages(DataTable, cursor), await stages(QuickTable, cursor)
    for number, (theirs, ours) in enumerate(zip(own, quick, strict=True)):
        assert ours == theirs, number


@pytest.mark.parametrize("cursor", ["row", "cell"])
async def test_a_move_makes_no_more_than_the_row_it_leaves_and_the_row_it_reaches(
    monkeypatch: pytest.MonkeyPatch, cursor: str
) -> None:
    app = Shown(QuickTable, cursor)
    made: list[int] = []
    real = DataTable._render_line

    def watched(self: DataTable[Text], y: int, *more: Any) -> Any:
        made.append(y)
        return real(self, y, *more)

    async with app.run_test(size=(140, 14)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(DataTable, "_render_line", watched)
        table = app.query_one(QuickTable)
        for _ in range(ROWS - 1):  # most of them scroll, which paints every line of the table
            made.clear()
            await pilot.press("down")
            assert len(made) <= 3  # the row that is left, the one that is reached, the one that comes into view
        assert table.cursor_row == ROWS - 1 and table.scroll_offset.y > 0
        made.clear()
        table.replace(f"r{ROWS - 2}", cells(0))
        await pilot.pause()
        assert len(made) == 1
