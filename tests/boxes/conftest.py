"""Machines for tests. They need root and a network namespace of their own: `python -m tests.boxes` gives both."""

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.exits import Exit
from tests.boxes.bundled import cached_bundle
from tests.boxes.container import Container
from tests.boxes.machine import missing_here
from tests.boxes.rootfs import cached_rootfs
from tests.boxes.town import School, Town

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def login_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ICT support's own SSH key."""
    key = tmp_path_factory.mktemp("login") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


@pytest.fixture
def machine(tmp_path: Path, login_key: Path) -> Iterator[Container]:
    """A bare Debian 12, booted."""
    with booted(tmp_path, login_key) as made:
        yield made


@pytest.fixture
def town(tmp_path: Path, login_key: Path) -> Iterator[Town]:
    """A board, its store, its hub and a bundle."""
    skip_where_missing()
    with Town(tmp_path / "town", cached_bundle(), login_key) as made:
        yield made


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, login_key: Path) -> Iterator[School]:
    """A machine that was provisioned, with its town: every test that is given it leaves it whole."""
    skip_where_missing()
    folder = tmp_path_factory.mktemp("school")
    with (
        Town(folder / "town", cached_bundle(), login_key) as town,
        booted(folder, login_key, disk_megabytes=2600) as machine,
    ):
        code, said = town.provision(town.inventory(machine), "--yes")
        assert code == Exit.OK, said
        yield School(machine, town)


@contextlib.contextmanager
def booted(
    folder: Path, login_key: Path, disk_megabytes: int = 0, rootfs: Path | None = None
) -> Iterator[Container]:
    """Boot a bare Debian 12 and remove it in the end."""
    skip_where_missing()
    number = next(_NUMBERS)
    made = Container(f"kb{os.getpid() % 10000}-{number}", number, folder, rootfs or cached_rootfs(), login_key)
    try:
        if disk_megabytes:
            made.give_disk(disk_megabytes)
        made.boot()
        yield made
    finally:
        made.destroy()


def skip_where_missing(*programs: str) -> None:
    """Skip what needs machines where none can be booted; `programs` are what it takes besides."""
    reason = missing_here(*programs) or ("" if os.environ.get("KURABAKO_BOXES") else "`make boxes` boots machines")
    if reason:
        pytest.skip(reason)
