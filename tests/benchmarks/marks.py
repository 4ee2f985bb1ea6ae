"""One attendance mark, and thirty sessions at once, against bare SQLite with the same pragmas and bytes."""

import multiprocessing
import statistics
import time
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Barrier, Lock
from pathlib import Path

from appliance.office import Office
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


def marks_beside_bare(school: School, folder: Path, size: int) -> tuple[list[float], list[float]]:
    """Return the seconds of marks and of bare commits of `size` bytes, one after the other by turns.

    Each then meets the same other work on the machine, and a disk that was left alone for a moment: a flush that
    follows another at once takes half as long, or less, as one that follows a pause (measured).
    """
    connection = open_writer(folder / "bare.db")
    connection.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB)")
    office, ours, bare, payload = school.office("sato"), list[float](), list[float](), b"\xa5" * size
    for seconds in _marks(office):
        ours.append(seconds)
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO entry (bytes) VALUES (?)", (payload,))
        connection.execute("COMMIT")
        bare.append(time.perf_counter() - began)
    office.logout()
    connection.close()
    return ours, bare


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
    seconds = list(_marks(office))
    office.logout()
    return seconds


def _marks(office: Office) -> Iterator[float]:
    view = office.attendance.classes(SCHOOL_DAY)[0]
    pupils = [row.pupil_id for row in office.attendance.day(view.class_id, SCHOOL_DAY).rows]
    for number in range(MARKS):
        pupil, code = pupils[number % len(pupils)], CODES[number // len(pupils) % len(CODES)]
        began = time.perf_counter()
        office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, code)
        yield time.perf_counter() - began


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
