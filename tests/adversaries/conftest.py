"""What every adversary works on: one school's day, and copies of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.office import Office
from tests.adversaries.scene import Scene, play
from tests.school import School


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One school's day for all adversaries; each works on copies of its own."""
    yield play(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def school(scene: Scene, tmp_path: Path) -> Iterator[School]:
    """A copy of the box and of the board that nobody else uses; the lease lives."""
    with scene.running(tmp_path) as running:
        yield running


@pytest.fixture
def shien(school: School) -> Iterator[Office]:
    office = school.office("shien")
    yield office
    office.logout()
