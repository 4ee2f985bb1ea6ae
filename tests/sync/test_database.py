"""Connections have what replication and durability need; a disk that is really full loses nothing acknowledged."""

import resource
import threading
from pathlib import Path

import pysqlite3 as sqlite3
import pytest

from crypto.importance import Importance
from sync.database import MINIMUM, READER_CACHE_KIB, DatabaseError, check_version, open_reader, open_writer
from sync.errors import DiskFullError, SqliteTooOldError
from sync.sealed import Draft, Put, SealedStore
from sync.verify import verify_store
from tests.sync.site import SCHOOL, TestSite

ROOM = resource.RLIM_INFINITY


def test_this_machines_sqlite_is_new_enough() -> None:
    check_version()


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2), (2, 99, 99), (3, 51)])
def test_a_sqlite_with_the_reset_bug_is_refused(version: tuple[int, ...]) -> None:
    with pytest.raises(SqliteTooOldError) as refused:
        check_version(version)
    assert refused.value.params == {"found": ".".join(map(str, version)), "needed": "3.51.3"}


@pytest.mark.parametrize("version", [MINIMUM, (3, 51, 4), (3, 53, 0), (4, 0, 0)])
def test_a_sqlite_without_it_is_not(version: tuple[int, ...]) -> None:
    check_version(version)


def test_a_writer_has_the_pragmas_and_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = open_writer(path)
    found = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "busy_timeout")
    }
    assert found == {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0, "busy_timeout": 5000}
    assert path.stat().st_mode & 0o777 == 0o600
    connection.close()


def test_a_reader_makes_no_file_and_changes_none(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        open_reader(tmp_path / "missing.db")
    assert list(tmp_path.iterdir()) == []
    writer = open_writer(tmp_path / "x.db")
    writer.execute("CREATE TABLE t (x)")
    reader = open_reader(tmp_path / "x.db")
    with pytest.raises(DatabaseError):
        reader.execute("INSERT INTO t VALUES (1)")
    assert reader.execute("PRAGMA cache_size").fetchone() == (-READER_CACHE_KIB,)
    reader.close()
    writer.close()


def test_a_reader_may_be_handed_to_another_thread(tmp_path: Path) -> None:
    open_writer(tmp_path / "x.db").close()
    reader, seen = open_reader(tmp_path / "x.db"), []
    thread = threading.Thread(target=lambda: seen.append(reader.execute("SELECT 1").fetchone()))
    thread.start()
    thread.join()
    assert seen == [(1,)]
    reader.close()


def put(store: SealedStore, name: str, size: int) -> Put:
    record = store.record_id("mark", Importance.III, name)
    return store.put([Draft("mark", record, Importance.III, name.encode().ljust(size, b"."))])


def limit_files(site: TestSite, size: int) -> None:
    """Let the keeper's files grow up to a size: the operating system refuses its writes from there on."""
    assert site.keeper is not None
    resource.prlimit(site.keeper.pid, resource.RLIMIT_FSIZE, (size, ROOM))


@pytest.mark.faults
def test_a_disk_that_fills_up_in_the_middle_of_a_commit(site: TestSite) -> None:
    """The commit itself fails, after part of it was written: what Litestream may have read must be reset."""
    store = site.session("sato")
    kept = [put(store, f"before {number}", 100) for number in range(3)]
    wal = site.paths.store.with_name("school.db-wal")
    limit_files(site, wal.stat().st_size + 4096)
    for number in range(3):
        with pytest.raises(DiskFullError) as full:
            put(store, f"lost {number}", 100_000)
        assert full.value.retry_safe
    assert site.keeper is not None and site.keeper.poll() is None
    assert site.paths.reset_mark.exists()
    assert store.reader.position().seq == kept[-1].last_seq
    assert {plain.payload[:8] for plain in store.heads("mark")} == {b"before 0", b"before 1", b"before 2"}
    limit_files(site, ROOM)
    assert put(store, "after", 100_000).first_seq == kept[-1].last_seq + 1
    again = site.session("suzuki")
    assert {plain.payload.split(b".")[0] for plain in again.heads("mark")} == {
        b"before 0", b"before 1", b"before 2", b"after",
    }  # fmt: skip
    again.close()
    store.close()
    assert site.stop_keeper() == 0
    verify_store(site.paths.store, site.root.sign.verify_key, SCHOOL, full=True)


@pytest.mark.faults
def test_a_full_disk_refuses_what_never_leaves_the_box_too(site: TestSite) -> None:
    store = site.session("sato")
    assert store.client is not None
    store.client.local_put("space", "key", b"before")
    limit_files(site, 4096)
    with pytest.raises(DiskFullError):
        store.client.local_put("space", "key", bytes(50_000))
    assert store.client.local_get("space", "key") == b"before"
    limit_files(site, ROOM)
    store.client.local_put("space", "key", b"after")
    assert store.client.local_get("space", "key") == b"after"
    store.close()


def test_a_database_that_is_there_keeps_its_rights_and_hands_them_to_its_log(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_writer(path).close()
    path.chmod(0o664)
    connection = open_writer(path)
    connection.execute("CREATE TABLE t (x)")
    for suffix in ("", "-wal", "-shm"):
        assert (tmp_path / f"x.db{suffix}").stat().st_mode & 0o777 == 0o664
    connection.close()


def test_bytes_go_in_and_come_out_whole_without_being_asked_how(tmp_path: Path) -> None:
    assert any(kind is bytes for kind, _ in sqlite3.adapters)  # without it each one costs over 1 µs more
    connection = open_writer(tmp_path / "a.db")
    connection.execute("CREATE TABLE thing (bytes BLOB NOT NULL)")
    things = [b"", b"\0", b"a\0b", bytes(range(256)) * 300]
    connection.executemany("INSERT INTO thing VALUES (?)", [(thing,) for thing in things])
    found = connection.execute("SELECT bytes, typeof(bytes) FROM thing ORDER BY rowid").fetchall()
    assert found == [(thing, "blob") for thing in things]
    assert connection.execute("SELECT count(*) FROM thing WHERE bytes = ?", (b"a\0b",)).fetchone() == (1,)
    connection.close()
