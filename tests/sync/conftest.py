from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.site import TestSite, found_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TestSite]:
    """A founded site of its own, with a real keeper process."""
    made = found_site(tmp_path / "site")
    yield made
    made.close()
