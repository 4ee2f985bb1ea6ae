"""What tests of a region share."""

import gc
import warnings
from collections.abc import Iterator

import pytest


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
