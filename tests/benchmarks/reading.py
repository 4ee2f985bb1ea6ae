"""Opening a class's day with 20 days of history, against the same query on a plain-text copy."""

import time
from datetime import date, timedelta
from pathlib import Path

import msgspec

from appliance.attendance.book import AttendanceBook
from appliance.attendance.records import Mark
from appliance.schooldays import days_between
from sync.database import open_writer
from sync.reader import Reader, Row
from sync.schema import create_store
from sync.sealed import Draft, SealedStore
from tests.benchmarks.marks import CODES, median
from tests.school import SCHOOL_DAY, School

DAYS = 20
PUPILS = 35
ROUNDS = 60
_read_mark = msgspec.msgpack.Decoder(Mark).decode
_INSERT = (
    "INSERT INTO change (id, change_id, author, kind, record, base, replaced, importance, key_id, body, hash)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?)"
)


def open_day(school: School, folder: Path) -> tuple[float, float]:
    """Return the median seconds of (ours, plain text): 35 pupils × 20 days of marks, read and decoded."""
    office = school.office("sato")
    session = office._session
    days = [on for on in days_between(SCHOOL_DAY - timedelta(days=40), SCHOOL_DAY) if on.weekday() < 5][-DAYS:]
    pupils = [f"pupil-{number:04d}-0000-4000-8000-000000000000" for number in range(PUPILS)]
    wanted = [(pupil, on) for on in days for pupil in pupils]
    _fill(session.store, wanted)
    book = AttendanceBook(session.store)
    reader = _plain_copy(folder / "plain.db", wanted, session.store)
    assert len(book.marks_of(wanted)) == len(_plain_marks(reader, wanted)) == len(wanted)
    ours, plain = [], []
    for _ in range(ROUNDS):  # by turns: each then meets the same other work on the machine
        began = time.perf_counter()
        book.marks_of(wanted)
        between = time.perf_counter()
        _plain_marks(reader, wanted)
        ours.append(between - began)
        plain.append(time.perf_counter() - between)
    reader.close()
    office.logout()
    return median(ours), median(plain)


def _fill(store: SealedStore, wanted: list[tuple[str, date]]) -> None:
    drafts = [
        Draft(
            Mark.kind,
            _sealed_name(store, pupil, on),
            Mark.importance,
            msgspec.msgpack.encode(Mark(pupil=pupil, on=on, code=CODES[place % len(CODES)])),
        )
        for place, (pupil, on) in enumerate(wanted)
    ]
    for start in range(0, len(drafts), PUPILS):
        store.put(drafts[start : start + PUPILS])


def _plain_copy(path: Path, wanted: list[tuple[str, date]], store: SealedStore) -> Reader:
    """Copy the marks into a store of the same tables with plain bodies and names."""
    create_store(path, store.reader.origin)
    writer = open_writer(path)
    writer.execute("BEGIN")
    rows = store.heads(Mark.kind, [_sealed_name(store, *key) for key in wanted])
    for number, plain in enumerate(rows, (1 << 40) + 1):
        mark = _read_mark(plain.payload)
        name = _plain_name(mark.pupil, mark.on)
        change = (plain.change_id, plain.author, Mark.kind, name, b"", b"", 3, b"", plain.payload, bytes(32))
        writer.execute(_INSERT, (number, *change))
        writer.execute("INSERT INTO head VALUES (?,?,?,?)", (Mark.kind, name, plain.change_id, number))
    writer.execute("COMMIT")
    reader = Reader(path)
    writer.close()
    return reader


def _plain_marks(reader: Reader, wanted: list[tuple[str, date]]) -> dict[tuple[str, date], tuple[Mark, Row]]:
    """Run the same query on the copy and decode what it finds."""
    found = {}
    for row in reader.heads(Mark.kind, [_plain_name(*key) for key in wanted]):
        mark = _read_mark(row.body)
        found[mark.pupil, mark.on] = (mark, row)
    return found


def _sealed_name(store: SealedStore, pupil: str, on: date) -> bytes:
    return store.record_id(Mark.kind, Mark.importance, pupil, on.isoformat())


def _plain_name(pupil: str, on: date) -> bytes:
    return f"{pupil}/{on.isoformat()}".encode()
