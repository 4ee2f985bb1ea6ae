from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.folderstore import FolderConfig, FolderStore
from tests.sync.blobtransfer.bench import Bench
from tests.sync.cloud import Cloud, cloud_at
from tests.sync.site import TestSite


@pytest.fixture
def bench(site: TestSite) -> Iterator[Bench]:
    made = Bench(site)
    yield made
    made.notes.close()


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    (tmp_path / "medium").mkdir()
    return FolderStore(FolderConfig(tmp_path / "medium"))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with cloud_at(tmp_path) as made:
        yield made
