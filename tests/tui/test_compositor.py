"""The compositor that asks for the lines that changed paints what Textual's own one would paint."""

import random
from collections.abc import Callable, Mapping, Sequence

import pytest
from rich.text import Text
from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip

from tests.school import SCHOOL_DAY, School
from tests.tui.conftest import freeze
from tests.tui.driving import LARGE, SMALL, Driver, Slot, in_class, opened, pupils
from tests.tui.driving import at_home as home
from tests.tui.test_looks import screens
from tui.compositor import LineCompositor
from tui.screens.base import OfficeScreen
from tui.widgets.pupiltable import PupilTable


def painted(
    paint: Callable[..., Sequence[Mapping[int, Strip]]], pilot: Driver, crop: Region, lines: set[int]
) -> list[list[tuple[int, Strip]]]:
    compositor = pilot.app.screen._compositor
    assert isinstance(compositor, LineCompositor)
    chops = paint(compositor, crop, lines.__contains__)
    return [list(chops[y].items()) for y in sorted(lines)]


def asked_of(table: PupilTable, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """Return the list in which every part of the table stands whose lines are asked for from now on."""
    asked, render = list[Region](), table.render_lines

    def recording(crop: Region) -> list[Strip]:
        asked.append(crop)
        return render(crop)

    monkeypatch.setattr(table, "render_lines", recording)
    return asked


@pytest.mark.parametrize("size", (SMALL, LARGE))
async def test_every_screen_is_painted_as_textual_paints_it(
    school: School, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    freeze(monkeypatch, SCHOOL_DAY)
    source = random.Random(20)
    async with home(school, size, "kocho") as pilot:
        for make in screens(school).values():
            await opened(pilot, make)
            for count in (1, 2, 5, size[1]):
                lines = set(source.sample(range(size[1]), count))
                crop = Region(0, min(lines), size[0], max(lines) + 1 - min(lines))
                ours, own = (
                    painted(paint, pilot, crop, lines)
                    for paint in (LineCompositor._render_chops, Compositor._render_chops)
                )
                assert ours == own and any(strip for line in ours for _, strip in line)
            pilot.app.pop_screen()
            await pilot.pause()


async def test_only_the_lines_that_changed_are_asked_for(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_class(school, slot, LARGE) as pilot:
        table = pupils(pilot)
        await pilot.pause()
        asked = asked_of(table, monkeypatch)
        await pilot.press("down")
        await pilot.pause(0.05)
        assert asked and all(crop.height <= 2 for crop in asked), (
            "the row that was left and the row that was reached"
        )


async def test_what_a_key_did_is_painted_without_waiting_for_a_turn(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_class(school, slot, LARGE) as pilot:
        table = pupils(pilot)
        await pilot.pause()
        asked = asked_of(table, monkeypatch)
        screen = pilot.app.screen
        assert isinstance(screen, OfficeScreen)
        while screen._dirty_widgets or screen._compositor._dirty_regions:
            await pilot.pause(0.05)
        asked.clear()
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        assert key is not None
        table.replace(key, [Text("遅") for _ in table.columns])
        screen.paint(table)
        assert [crop.height for crop in asked] == [1]
