"""A school of a module's own, and who settles its conflicts."""

from collections.abc import Iterator

import pytest

from appliance.office import Office
from tests.school import School


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("suzuki")
    yield opened
    opened.logout()
