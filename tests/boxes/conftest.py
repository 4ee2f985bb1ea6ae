"""Machines for tests. They need root and a network namespace of their own: `python -m tests.boxes` gives both."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boxes.machine import Machine, missing_here
from tests.boxes.rootfs import cached_rootfs

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def login_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ICT support's own SSH key."""
    key = tmp_path_factory.mktemp("login") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


@pytest.fixture
def machine(tmp_path: Path, login_key: Path) -> Iterator[Machine]:
    """A bare Debian 12, booted."""
    yield from _machine(tmp_path, login_key)


def _machine(folder: Path, login_key: Path) -> Iterator[Machine]:
    reason = missing_here() or ("" if os.environ.get("KURABAKO_BOXES") else "`make boxes` boots machines")
    if reason:
        pytest.skip(reason)
    number = next(_NUMBERS)
    made = Machine(f"kb{os.getpid() % 10000}-{number}", number, folder, cached_rootfs(), login_key)
    try:
        made.boot()
        yield made
    finally:
        made.destroy()
