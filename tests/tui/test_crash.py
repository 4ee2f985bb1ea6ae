"""A program error ends the screen with its place, and with nothing of what it was working on."""

import io

import pytest
from rich.console import Console
from textual.app import App
from textual.pilot import Pilot

from tests.school import School
from tests.tui.driving import at_home
from tui.app import OfficeApp
from tui.screens.home import HomeScreen

SECRET = "発熱でお休みします"


async def test_a_crash_shows_no_values(
    school: School, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_screen: HomeScreen) -> None:
        told = SECRET
        if told:
            raise RuntimeError("out of order")

    monkeypatch.setattr(HomeScreen, "action_look", fail)
    pilot: Pilot[int]
    with pytest.raises(RuntimeError, match="out of order"):
        async with at_home(school) as pilot:
            await pilot.press("z")
            await pilot.pause()
    app = pilot.app
    assert isinstance(app, OfficeApp)
    paper = Console(file=io.StringIO(), width=200)
    for shown in app._exit_renderables:
        paper.print(shown)
    written = capsys.readouterr()
    told = f"{paper.file.getvalue()}{written.out}{written.err}"  # type: ignore[attr-defined]
    assert "out of order" in told and SECRET not in told


def test_textual_still_has_what_is_replaced_here() -> None:
    assert callable(App._fatal_error), "without it the values of variables would be printed"
