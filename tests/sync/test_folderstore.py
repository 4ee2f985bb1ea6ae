"""What only a folder has: processes that are killed over it, media without links, a medium that is pulled out."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sync.errors import StoreUnreachableError
from sync.folderstore import FolderConfig, FolderStore

KILLED = """
import os, signal, sys
from pathlib import Path
from sync.folderstore import FolderConfig, FolderStore
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], die)
getattr(FolderStore(FolderConfig(Path(sys.argv[1]))), sys.argv[3])("a/object", b"new" * 1000)
"""


def store_at(root: Path) -> FolderStore:
    root.mkdir(exist_ok=True)
    return FolderStore(FolderConfig(root))


@pytest.mark.faults
@pytest.mark.parametrize(("way", "there"), [("put", b"old"), ("create", None)])
def test_a_process_killed_before_its_bytes_are_on_disk_leaves_what_was_there(
    tmp_path: Path, way: str, there: bytes | None
) -> None:
    store = store_at(tmp_path / "medium")
    if there is not None:
        store.put("a/object", there)
    else:
        store.put("a/other", b"x")
    before = store.sizes("")
    words = (sys.executable, "-c", KILLED, str(tmp_path / "medium"), "fsync", way)
    assert subprocess.run(words, timeout=60, check=False).returncode == -signal.SIGKILL
    assert store.get("a/object") == there and store.sizes("") == before
    assert len(list((tmp_path / "medium" / "a").iterdir())) == 2, "what was begun lies there under a hidden name"
    store.put("a/object", b"new")
    assert store.get("a/object") == b"new"


@pytest.mark.faults
def test_a_process_killed_before_it_names_its_file_has_created_nothing(tmp_path: Path) -> None:
    store = store_at(tmp_path / "medium")
    words = (sys.executable, "-c", KILLED, str(tmp_path / "medium"), "link", "create")
    assert subprocess.run(words, timeout=60, check=False).returncode == -signal.SIGKILL
    assert store.get("a/object") is None and store.create("a/object", b"mine")


def test_a_medium_without_links_still_creates_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "as FAT says")

    monkeypatch.setattr(os, "link", no_links)
    store = store_at(tmp_path / "medium")
    assert store.create("grant", b"mine")
    monkeypatch.setattr(Path, "exists", lambda self: False)  # as if both had looked before
    assert not store.create("grant", b"theirs")
    assert store.get("grant") == b"mine" and store.sizes("") == {"grant": 4}


def test_a_full_medium_keeps_what_was_there_and_no_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_at(tmp_path / "medium")
    store.put("object", b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    for way in (store.put, store.create):
        with pytest.raises(StoreUnreachableError):
            way("object" if way == store.put else "new", b"new")
    assert [path.name for path in (tmp_path / "medium").iterdir()] == ["object"]
    assert store.get("object") == b"old"


def test_a_medium_that_is_pulled_out_is_no_empty_store(tmp_path: Path) -> None:
    store = store_at(tmp_path / "medium")
    store.put("object", b"here")
    (tmp_path / "medium").rename(tmp_path / "in-a-pocket")
    with pytest.raises(StoreUnreachableError):
        store.get("object")
    with pytest.raises(StoreUnreachableError):
        store.put("object", b"new")
    assert not (tmp_path / "medium").exists()


def test_objects_and_folders_are_the_owners_only(tmp_path: Path) -> None:
    store_at(tmp_path / "medium").put("a/object", b"x")
    assert (tmp_path / "medium" / "a").stat().st_mode & 0o077 == 0
