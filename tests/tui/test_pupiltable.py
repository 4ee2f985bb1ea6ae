"""An entry paints its own row anew, and what is painted is what stands in the table."""

import pytest
from textual.app import App, ComposeResult

from tui.widgets.pupiltable import PupilTable

ROWS = {f"p{number}": (f"{number}", f"児童{number}", "・") for number in range(1, 31)}


class Book(App[None]):
    """A table of thirty pupils."""

    def compose(self) -> ComposeResult:
        yield PupilTable()

    def on_mount(self) -> None:
        table = self.query_one(PupilTable)
        for label in ("番号", "氏名", "出欠"):
            table.add_column(label, width=10, key=label)
        table.show(ROWS)


def painted(app: Book) -> dict[str, str]:
    """Return number → the mark that is on the screen."""
    lines = [strip.text.split() for strip in app.screen._compositor.render_strips()]
    return {cells[0]: cells[2] for cells in lines if len(cells) == 3 and cells[0].isdecimal()}


async def test_every_row_that_changed_is_painted_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Book()
    async with app.run_test(size=(60, 40)) as pilot:
        await pilot.pause()
        table = app.query_one(PupilTable)
        assert painted(app) == {str(n): "・" for n in range(1, 31)}
        seen: set[int] = set()
        real = PupilTable._compute_row_renderables

        def watched(self: PupilTable, row_index: int) -> object:
            seen.add(row_index)
            return real(self, row_index)

        monkeypatch.setattr(PupilTable, "_compute_row_renderables", watched)
        marks = {3: "／", 7: "×"}
        for number in marks:
            table.show({**ROWS, **{f"p{n}": (str(n), f"児童{n}", m) for n, m in marks.items() if n <= number}})
            await pilot.pause()
        wanted = {str(n): marks.get(n, "・") for n in range(1, 31)}
        assert painted(app) == wanted and seen == {2, 6}

        await pilot.press("down", "down", "up")
        table.show({**ROWS, "p7": ("7", "児童7", "遅")})
        await pilot.pause()
        assert painted(app) == {str(n): "遅" if n == 7 else "・" for n in range(1, 31)}
        assert table.pupil_id == "p2" and table.get_row("p7")[2].plain == "遅"
