"""Connections to a site's databases: the only module that imports the SQLite binding.

Invariant: every connection has the pragmas that Litestream and durability need (WAL, `synchronous=FULL`,
`wal_autocheckpoint=0`), and none is opened with a SQLite that has the WAL-reset bug.
"""

import contextlib
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pysqlite3 as sqlite3

from sync.errors import SqliteTooOldError

MINIMUM: Final = (3, 51, 3)
# Bytes over the wire for one changed mark, measured: 1,612 with 1 KiB pages, 2,555 with 2 KiB, 4,405 with 4 KiB.
PAGE_BYTES: Final = 1024
# Another's commit empties a reader's cache, by a walk over a table as large as the cache has ever been.
READER_CACHE_KIB: Final = 256

# The binding asks every `bytes` whether it adapts itself: over 1 µs each (measured), and a change has ten. Where
# there is an adapter it does not ask, and a memoryview is bound as it is.
sqlite3.register_adapter(bytes, memoryview)

Connection = Any  # pysqlite3 ships no annotations; its Connection follows DB-API 2.0
DatabaseError: type[Exception] = sqlite3.DatabaseError
OperationalError: type[Exception] = sqlite3.OperationalError


def sqlite_version() -> tuple[int, ...]:
    """Return the version of the SQLite library."""
    return tuple(sqlite3.sqlite_version_info)


def sqlite_source() -> str:
    """Return which of SQLite's own revisions the library was made from."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return str(connection.execute("SELECT sqlite_source_id()").fetchone()[0])


def check_version(found: tuple[int, ...] | None = None) -> None:
    """Refuse a SQLite before 3.51.3; raises SqliteTooOldError."""
    version = sqlite_version() if found is None else found
    if tuple(version) < MINIMUM:
        text = ".".join(map(str, version))
        raise SqliteTooOldError(operation="open database", subject=text, found=text, needed="3.51.3")


def open_writer(path: Path) -> Connection:
    """Open the connection that writes; transactions are begun and ended by name."""
    check_version()
    _make_private(path)
    connection = sqlite3.connect(str(path), isolation_level=None, timeout=5.0, cached_statements=256)
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def _make_private(path: Path) -> None:
    """Make a new database owner-only; one that is there keeps its rights, which its log and index take over.

    On a box the rights of `school.db` say who else writes and reads it, and only its owner could change them.
    """
    with contextlib.suppress(OSError):  # there already, or SQLite says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def open_reader(path: Path) -> Connection:
    """Open a connection that can only read; it may be used from any one thread at a time."""
    check_version()
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=5.0, check_same_thread=False
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def check_integrity(path: Path) -> str:
    """Let SQLite check every page and index of a database; return the first fault, empty when it is sound."""
    connection = open_reader(path)
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        connection.close()
    return "" if found == "ok" else str(found)
