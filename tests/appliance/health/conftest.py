"""A site to be looked at, with and without its keeper."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.health import sitechecks
from appliance.health.finding import State
from sync.keeperchild import KeeperChild
from sync.site import SitePaths
from tests.appliance.health.machines import look, site_at


@pytest.fixture
def paths(tmp_path: Path) -> SitePaths:
    return site_at(tmp_path / "site")


@pytest.fixture
def kept(paths: SitePaths) -> Iterator[SitePaths]:
    """A site whose keeper runs."""
    child = KeeperChild(paths)
    child.start()
    deadline = time.monotonic() + 60
    while sitechecks.keeper(look(paths)).state is not State.OK:
        assert time.monotonic() < deadline
    yield paths
    child.stop(10)
