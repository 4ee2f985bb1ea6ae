from collections.abc import Iterator

import pytest

from tests.school import School, enrol


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """One school for all tests that only add to it; each uses classes or days of its own."""
    made = enrol(tmp_path_factory.mktemp("school"))
    yield made
    made.close()
