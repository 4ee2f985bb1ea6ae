from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.judging import Bench
from tests.sync.pair import pair_at
from tests.sync.site import TestSite, found_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TestSite]:
    """A founded site of its own, with a real keeper process."""
    made = found_site(tmp_path / "site")
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A box and a hub that judge what people enter."""
    with pair_at(tmp_path) as pair:
        yield Bench(pair)
