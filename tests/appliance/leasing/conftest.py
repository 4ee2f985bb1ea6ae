"""The bench on which a lease is tried."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.leasing.bench import Bench
from tests.school import enrol


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(enrol(tmp_path, imported=False))
    yield made
    made.close()
