"""The schema of both databases, as sqlite-utils migrations.

Invariant: a migration is never edited once released; a database knows its school, site and epoch in `meta`.
Only site creation and upgrades import this module (sqlite-utils costs 0.2 s to import).
"""

from pathlib import Path
from typing import Final

import sqlite_utils
from sqlite_utils import Migrations

from sync.database import open_writer
from sync.ids import Origin

# How far the migrations below go, and the oldest level whose programs can work with the result. A migration that
# only adds leaves the second where it was; one that those programs could not read raises it (docs/decisions.md).
STORE_LEVEL: Final = 2
STORE_READABLE_FROM: Final = 2
LOCAL_LEVEL: Final = 1
LOCAL_READABLE_FROM: Final = 1

store_migrations = Migrations("kurabako.store")
local_migrations = Migrations("kurabako.local")

_STORE = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE origin (
    no INTEGER PRIMARY KEY, school TEXT NOT NULL, site TEXT NOT NULL, epoch INTEGER NOT NULL, tag BLOB NOT NULL
);
CREATE TABLE change (
    id INTEGER PRIMARY KEY,        -- origin.no << 40 | seq
    change_id BLOB NOT NULL,
    author BLOB NOT NULL,
    kind TEXT NOT NULL,
    record BLOB NOT NULL,
    base BLOB NOT NULL,            -- change ids it replaces, joined
    replaced BLOB NOT NULL,        -- ids (8 bytes each) of the heads it did replace here: history without an index
    importance INTEGER NOT NULL,
    key_id BLOB NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL,            -- chain hash
    size INTEGER,                  -- on the first change of a batch: number of changes, …
    writer BLOB,
    number INTEGER,
    signature BLOB                 -- … and the author's signature over all of them
);
CREATE TABLE head (
    kind TEXT NOT NULL, record BLOB NOT NULL, change_id BLOB NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (kind, record, change_id)
) WITHOUT ROWID;
"""

_MERGE = """
CREATE TABLE late (
    change_id BLOB NOT NULL,       -- a base that was no head here when the change that replaces it came, …
    "by" INTEGER NOT NULL,         -- … that change …
    id INTEGER,                    -- … and the base's own row, once it is known
    PRIMARY KEY (change_id, "by")
) WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,        -- a change that counts for nothing until a roster allows it
    reason TEXT NOT NULL
);
"""

_LOCAL = """
CREATE TABLE local (
    space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
) WITHOUT ROWID;
"""


@store_migrations()
def m001_log_and_heads(db: sqlite_utils.Database) -> None:
    """Create the change log, its heads and the names of origins."""
    db.executescript(_STORE)


@store_migrations()
def m002_merging(db: sqlite_utils.Database) -> None:
    """Create what the changes of other sites need: bases that come late, and the quarantine."""
    db.executescript(_MERGE)


@local_migrations()
def m001_local(db: sqlite_utils.Database) -> None:
    """Create the one table of things that never leave the box."""
    db.executescript(_LOCAL)


def create_store(path: Path, origin: Origin) -> None:
    """Make a sealed store for one origin, in one file without a write-ahead log left over."""
    connection = open_writer(path)
    store_migrations.apply(sqlite_utils.Database(connection))
    connection.execute("BEGIN IMMEDIATE")
    values = {"school": origin.school, "site": str(origin.site), "epoch": str(origin.epoch), "format": "1"}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
    connection.execute(
        "INSERT INTO origin VALUES (1, ?, ?, ?, ?)", (origin.school, str(origin.site), origin.epoch, origin.tag)
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def upgrade_store(path: Path) -> None:
    """Bring an older store up to date; only while no keeper runs."""
    connection = open_writer(path)
    store_migrations.apply(sqlite_utils.Database(connection))
    connection.close()


def create_local(path: Path) -> None:
    """Make (or bring up to date) the database of things that never leave the box."""
    connection = open_writer(path)
    local_migrations.apply(sqlite_utils.Database(connection))
    connection.close()
