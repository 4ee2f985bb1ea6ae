import gc
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

from tests.school import School, enrol

# What sites agree on must hold for any schedule: once in a while many of them are drawn (`make properties`).
settings.register_profile("long", max_examples=100_000, deadline=None)
# How long an example takes tells of the machine, not of the code: `make bench` measures.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
ROUGH = ("tests/faults/", "tests/adversaries/")


class WholeFiles(LoadFileScheduling):
    """Keeps the tests of a file on one worker, and all that kill and cut on purpose on a single one.

    Their patience is made for a machine that plays one of them; quiet tests beside them leave room enough.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "rough" if nodeid.startswith(ROUGH) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest in a row."""
    items.sort(key=lambda item: not item.nodeid.startswith(ROUGH))


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """One school for all tests of a worker that only add to it; each uses classes or days of its own."""
    made = enrol(tmp_path_factory.mktemp("school"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """Yield a school of the file's own, for tests that look at all that is in it."""
    made = enrol(tmp_path_factory.mktemp("own"))
    yield made
    made.close()


@pytest.fixture
def workers_die() -> Iterator[None]:
    """Allow for the one thing that a killed worker leaves behind in this process: a socket that CPython lost.

    `ssl.SSLSocket._create` of 3.11.7 takes a socket over and then raises without closing it where the peer is gone
    already. The connection is Dask's own, and the collector closes it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed <ssl.SSLSocket", ResourceWarning)
        yield
        gc.collect()  # here, not in the test after this one
