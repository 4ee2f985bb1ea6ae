"""A site is made whole or not at all, and never over another."""

import os
from pathlib import Path

import pytest
import sqlite_utils

from sync.database import open_writer
from sync.errors import SiteExistsError
from sync.ids import Origin, Site
from sync.localstore import LocalStore
from sync.reader import Reader
from sync.schema import LOCAL_LEVEL, STORE_LEVEL, create_local, local_migrations, store_migrations
from sync.site import SitePaths, create_site

ORIGIN = Origin("C241200000011", Site.BOX, 1)
OTHER = Origin("C241200000022", Site.STANDBY, 9)


def everything(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file under a folder with its mode, modification time and bytes."""
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_new_site_is_whole_and_private(tmp_path: Path) -> None:
    paths = create_site(tmp_path / "deep" / "site", ORIGIN)
    assert sorted(path.name for path in paths.root.iterdir()) == ["blobs", "inbox", "local.db", "run", "school.db"]
    for path in (paths.root, *paths.root.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    reader = Reader(paths.store)
    assert reader.origin == ORIGIN
    assert dict(reader.rows("SELECT key, value FROM meta")) == {
        "school": ORIGIN.school,
        "site": "box",
        "epoch": "1",
        "format": "1",
    }
    assert list(reader.rows("SELECT * FROM origin")) == [(1, ORIGIN.school, "box", 1, ORIGIN.tag)]
    reader.close()


def test_an_existing_site_is_left_as_it_was(tmp_path: Path) -> None:
    paths = create_site(tmp_path / "site", ORIGIN)
    store = LocalStore(paths.local)
    store.put("space", "key", b"value")
    store.close()
    before, folders = everything(paths.root), os.listdir(paths.root)
    with pytest.raises(SiteExistsError) as exists:
        create_site(paths.root, OTHER)
    assert exists.value.params == {"folder": str(paths.root)}
    assert everything(paths.root) == before and os.listdir(paths.root) == folders


def test_a_creation_that_was_cut_off_is_made_good(tmp_path: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    for suffix in ("", "-wal", "-shm"):
        (root / f".school.db.new{suffix}").write_bytes(b"half written")
    create_local(root / "local.db")
    paths = create_site(root, ORIGIN)
    assert not list(root.glob(".school.db*"))
    reader = Reader(paths.store)
    assert reader.origin == ORIGIN and reader.position().seq == 0
    reader.close()


def test_making_the_local_database_again_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "local.db"
    create_local(path)
    store = LocalStore(path)
    store.put("identity", "sato", b"sealed")
    store.close()
    create_local(path)
    store = LocalStore(path)
    assert store.get("identity", "sato") == b"sealed"
    store.close()


def test_the_migrations_make_the_schema_and_nothing_is_pending(tmp_path: Path) -> None:
    paths = create_site(tmp_path / "site", ORIGIN)
    kinds = ((paths.store, store_migrations, STORE_LEVEL), (paths.local, local_migrations, LOCAL_LEVEL))
    for path, migrations, level in kinds:
        connection = open_writer(path)
        assert not migrations.pending(sqlite_utils.Database(connection))
        assert len(migrations.applied(sqlite_utils.Database(connection))) == level
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


def test_every_path_lies_in_the_sites_folder_and_is_its_own(tmp_path: Path) -> None:
    paths = SitePaths(tmp_path)
    names = ("store", "local", "run", "socket", "lock", "running_mark", "reset_mark", "status", "litestream_meta")
    found = [getattr(paths, name) for name in names]
    assert len(set(found)) == len(found) and all(path.is_relative_to(tmp_path) for path in found)
