"""A school of a module's own, and who settles its conflicts."""

from collections.abc import Iterator

import pytest

from appliance.office import Office
from tests.school import School, enrol


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("conflicts"))
    yield made
    made.close()


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("suzuki")
    yield opened
    opened.logout()
