"""The interpreter's own pauses are taken while nobody types."""

import gc
import sys
import time
from collections.abc import Iterator
from unittest import mock

import pytest

from tests.school import School
from tests.tui.driving import at_home, office_of
from tui import pauses


@pytest.fixture
def ways() -> Iterator[None]:
    """Give the interpreter its own ways back."""
    passes, turn = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*passes)
    sys.setswitchinterval(turn)
    gc.unfreeze()


def full_passes() -> int:
    return int(gc.get_stats()[2]["collections"])


def test_no_full_pass_comes_while_much_is_made(ways: None) -> None:
    pauses.keep_out_of_the_way()
    assert gc.get_freeze_count() > 0
    before = full_passes()
    kept = [[number] for number in range(300_000)]
    assert full_passes() == before and len(kept) == 300_000


def test_a_rest_is_taken_only_when_it_is_worth_it(ways: None) -> None:
    pauses.keep_out_of_the_way()
    gc.collect()
    before = full_passes()
    pauses.rest()
    assert full_passes() == before
    while gc.get_count()[2] < 150:
        gc.collect(1)
    pauses.rest()
    assert full_passes() == before + 1


async def test_the_office_rests_once_after_somebody_stopped_typing(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(pauses, "rest", lambda: rests.append(time.monotonic()))
    async with at_home(school) as pilot:
        app = office_of(pilot)
        app._rest_if_quiet()
        assert not rests  # a key came a moment ago
        app._touched = time.monotonic() - 60
        app._rested = app._touched - 1
        app._rest_if_quiet()
        app._rest_if_quiet()
        assert len(rests) == 1
        await pilot.press("down")
        app._rest_if_quiet()
        assert len(rests) == 1


async def test_whoever_watches_a_page_that_is_shown_is_not_kept_waiting(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(pauses, "rest", lambda: rests.append(time.monotonic()))
    async with at_home(school) as pilot:
        app = office_of(pilot)
        app._touched = time.monotonic() - 60
        app._rested = app._touched - 1
        with mock.patch.object(type(app.screen), "watching", True):
            app._rest_if_quiet()
        assert rests == []
        app._rest_if_quiet()
        assert len(rests) == 1
