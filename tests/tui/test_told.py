"""A line that changes while people type is laid out anew only when it needs other room."""

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tui.widgets.told import tell


class Lines(App[None]):
    """One line as wide as the screen, one below it."""

    CSS = "Static { height: auto; width: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Static("短い", id="line", markup=False)
        yield Static("次", id="below", markup=False)


@pytest.mark.parametrize(
    ("text", "anew", "below"),
    [("短い", False, 1), ("別の短い", False, 1), ("二\n行", True, 2), ("長" * 25, True, 2)],
    ids=["the same", "another", "two lines", "folded"],
)
async def test_the_screen_is_laid_out_only_for_other_room(
    monkeypatch: pytest.MonkeyPatch, text: str, anew: bool, below: int
) -> None:
    app = Lines()
    async with app.run_test(size=(40, 8)) as pilot:
        line = app.query_one("#line", Static)
        laid: list[bool] = []
        real = Static.update

        def watched(self: Static, content: Any = "", *, layout: bool = True) -> None:
            laid.append(layout)
            real(self, content, layout=layout)

        monkeypatch.setattr(Static, "update", watched)
        tell(line, text)
        await pilot.pause()
        assert laid == ([] if text == "短い" else [anew])
        assert app.query_one("#below").region.y == below
        shown = "".join(strip.text for strip in app.screen._compositor.render_strips())
        assert shown.replace(" ", "").startswith(text.replace("\n", ""))
