from collections.abc import Iterator

import pytest

from tests.adversaries.scene import Scene, play


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One school's day for all adversaries; each works on copies of its own."""
    yield play(tmp_path_factory.mktemp("scene"))
