"""One attendance mark, and thirty sessions at once, against bare SQLite with the same pragmas and bytes."""

import multiprocessing
import statistics
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier, Lock
from pathlib import Path

from sync.database import open_writer
from sync.reader import Reader
from sync.schema import create_store
from tests.school import SCHOOL_DAY, School

MARKS = 1000
SESSIONS = 30
PUPILS = 35
_MARK_ROWS = "SELECT * FROM change WHERE kind='attendance.mark' AND signature NOT NULL ORDER BY id DESC"
_INSERT_ROW = f"INSERT INTO change VALUES ({','.join('?' * 15)})"
CODES = ("sick", "late", "other_absence", "left_early")


def row_bytes(school: School) -> int:
    """Return how many bytes one mark puts into the store: all columns of its change, its head included."""
    connection = open_writer(school.paths.store)
    (size,) = connection.execute(
        "SELECT avg(length(change_id)+length(author)+length(kind)*2+length(record)*2+length(base)+length(replaced)"
        "+length(key_id)+length(body)+length(hash)+length(writer)+length(signature)+40) FROM change"
        " WHERE kind='attendance.mark'"
    ).fetchone()
    connection.close()
    return int(size)


def bare_commits(folder: Path, size: int, count: int) -> list[float]:
    """Return the seconds of `count` commits of one row each."""
    connection = open_writer(folder / f"bare-{count}.db")
    connection.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB)")
    payload, seconds = b"\xa5" * size, []
    for _ in range(count):
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO entry (bytes) VALUES (?)", (payload,))
        connection.execute("COMMIT")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


def bare_rows(school: School, folder: Path, count: int) -> float:
    """Return the seconds in which one process commits `count` of the same rows, one by one, to the same tables."""
    reader = Reader(school.paths.store)
    source = reader.rows(_MARK_ROWS)
    rows = [next(source) for _ in range(count)]
    path = folder / f"rows-{count}.db"
    create_store(path, reader.origin)
    reader.close()
    connection = open_writer(path)
    began = time.perf_counter()
    for row in rows:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM head WHERE kind=? AND record=?", (row[3], row[4]))
        connection.execute("INSERT INTO head VALUES (?,?,?,?)", (row[3], row[4], row[1], row[0]))
        connection.execute(_INSERT_ROW, row)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def marks(school: School) -> list[float]:
    """Return the seconds of marks through the office: policy, seal, sign, keeper, fsync, acknowledgement."""
    office = school.office("sato")
    view = office.attendance.classes(SCHOOL_DAY)[0]
    pupils = [row.pupil_id for row in office.attendance.day(view.class_id, SCHOOL_DAY).rows]
    seconds = []
    for number in range(MARKS):
        pupil, code = pupils[number % len(pupils)], CODES[number // len(pupils) % len(CODES)]
        began = time.perf_counter()
        office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, code)
        seconds.append(time.perf_counter() - began)
    office.logout()
    return seconds


def thirty_sessions(school: School) -> float:
    """Return the seconds from the start signal to the last acknowledgement of 30 processes × 35 marks."""
    fork = multiprocessing.get_context("fork")
    ready, done, turn = fork.Barrier(SESSIONS + 1), fork.Barrier(SESSIONS + 1), fork.Lock()
    children = [
        fork.Process(target=_session, args=(school, place, ready, done, turn), daemon=True)
        for place in range(SESSIONS)
    ]
    for child in children:
        child.start()
    ready.wait(120)
    began = time.perf_counter()
    done.wait(120)
    seconds = time.perf_counter() - began
    for child in children:
        child.join(30)
    return seconds


def _session(school: School, place: int, ready: Barrier, done: Barrier, turn: Lock) -> None:
    with turn:  # thirty logins under one name at once would look like guessing
        office = school.office("sato")
    classes = office.attendance.classes(SCHOOL_DAY)
    view = classes[place % len(classes)]
    pupils = [row.pupil_id for row in office.attendance.day(view.class_id, SCHOOL_DAY).rows]
    ready.wait(120)
    for number in range(PUPILS):
        office.attendance.mark(view.class_id, SCHOOL_DAY, pupils[number % len(pupils)], CODES[place % len(CODES)])
    done.wait(120)
    office.logout()


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
