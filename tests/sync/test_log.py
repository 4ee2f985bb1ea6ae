"""The log under random batches, rollbacks and restarts, against a model that knows only the changes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.change import CHAIN_START, Batch, Change, chain_hash, entry_digest
from sync.clock import HybridClock, change_clock
from sync.database import open_writer
from sync.errors import BadBatchError, ClockAheadError, WrongStoreError
from sync.ids import Origin, Site, change_id
from sync.log import ChangeLog, Kept, read_origin
from sync.reader import Reader, Row
from sync.site import SitePaths, create_site

ORIGIN = Origin("C241200000011", Site.BOX, 1)
AUTHOR = b"author-author-au"
NOW_MS = 1_800_000_000_000
BASES = ("none", "heads", "first", "stale", "foreign")
CHANGES = st.tuples(st.integers(0, 2), st.sampled_from(("mark", "note")), st.sampled_from(BASES))
STEPS = st.lists(
    st.tuples(st.sampled_from(("commit", "rollback", "restart")), st.lists(CHANGES, min_size=1, max_size=4)),
    min_size=1,
    max_size=10,
)


class Bench:
    """A store, its log, and everything that was committed."""

    def __init__(self, folder: Path) -> None:
        self.paths = create_site(folder, ORIGIN)
        self.kept: list[tuple[Change, Batch]] = []
        self._numbers = count()
        self._ids = HybridClock(lambda: NOW_MS)
        self.open()

    def open(self) -> None:
        self.connection = open_writer(self.paths.store)
        self.log = ChangeLog(self.connection, HybridClock(lambda: NOW_MS))

    def close(self) -> None:
        self.connection.close()

    def of(self, kind: str, record: bytes) -> list[Change]:
        return [change for change, _ in self.kept if (change.kind, change.record) == (kind, record)]

    def heads(self, kind: str, record: bytes) -> list[bytes]:
        """By definition: what no later change of the same record replaces."""
        mine = self.of(kind, record)
        replaced = {name for change in mine for name in change.base}
        return [change.id for change in mine if change.id not in replaced]

    def batch(self, wanted: list[tuple[int, str, str]]) -> Batch:
        changes = []
        for index, kind, base in wanted:
            record = bytes([index]) * 16
            mine = [change.id for change in self.of(kind, record)]
            bases = {
                "none": (),
                "heads": tuple(self.heads(kind, record)[:64]),
                "first": tuple(mine[:1]),
                "stale": tuple(mine[-2:-1]) * 2,
                "foreign": (change_id(1, b"elsewher", b"elsewher"),),
            }[base]
            name = change_id(self._ids.next(), ORIGIN.tag, b"writer-1")
            changes.append(Change(name, kind, record, bases, 3, b"k" * 16, b"body"))
        number = next(self._numbers)
        return Batch(b"writer-1", number, AUTHOR, tuple(changes), number.to_bytes(64, "big"))

    def put(self, batch: Batch) -> Kept:
        self.log.check(batch)
        self.connection.execute("BEGIN IMMEDIATE")
        kept = self.log.append(batch)
        self.connection.execute("COMMIT")
        self.log.committed()
        self.kept += [(change, batch) for change in batch.changes]
        return kept

    def lose(self, batch: Batch) -> None:
        mark = self.log.mark()
        self.connection.execute("BEGIN IMMEDIATE")
        self.log.append(batch)
        self.connection.execute("ROLLBACK")
        self.log.back(mark)


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        made = Bench(Path(folder) / "site")
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def one() -> Iterator[Bench]:
    with bench() as made:
        yield made


def rows_of(made: Bench) -> list[tuple[object, ...]]:
    tables = (
        "SELECT id, change_id FROM change",
        "SELECT change_id, id FROM head",
        'SELECT change_id, "by" FROM late',
    )
    return [row for table in tables for row in made.connection.execute(f"{table} ORDER BY 1, 2")]


def check_log(made: Bench, rows: list[Row]) -> None:
    assert [row.seq for row in rows] == list(range(1, len(made.kept) + 1))
    assert [row.change_id for row in rows] == [change.id for change, _ in made.kept]
    chain = CHAIN_START
    for seq, (change, batch) in enumerate(made.kept, 1):
        chain = chain_hash(chain, seq, entry_digest(batch.author, change))
    assert (made.log.seq, made.log.chain) == (len(made.kept), chain)


def check_heads(made: Bench, reader: Reader) -> None:
    for kind in ("mark", "note"):
        for record in (bytes([index]) * 16 for index in range(3)):
            heads = made.heads(kind, record)
            assert sorted(row.change_id for row in reader.heads(kind, [record])) == sorted(heads)
            history = reader.history(kind, record)
            assert history == sorted(history, key=lambda row: row.change_id, reverse=True)
            assert {row.change_id for row in history} == {change.id for change in made.of(kind, record)}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_log_equals_its_model(steps: list[tuple[str, list[tuple[int, str, str]]]]) -> None:
    with bench() as made:
        for what, wanted in steps:
            batch = made.batch(wanted)
            if what == "rollback":
                made.lose(batch)
            kept = made.put(batch)
            if what == "restart":
                made.close()
                made.open()
            assert made.log.append(batch) == kept
            assert (kept.first_seq, kept.last_seq) == (len(made.kept) - len(batch.changes) + 1, len(made.kept))
        for _, batch in made.kept:
            answered = made.log.append(batch)
            assert made.kept[answered.first_seq - 1][1] is batch
        reader = Reader(made.paths.store)
        check_log(made, reader.since(0))
        check_heads(made, reader)
        reader.close()


def test_a_number_stands_for_one_signature(one: Bench) -> None:
    batch = one.batch([(0, "mark", "none")])
    one.put(batch)
    with pytest.raises(BadBatchError):
        one.log.append(Batch(batch.writer, batch.number, batch.author, batch.changes, bytes(63) + b"x"))


def test_a_change_id_that_stands_as_head_is_not_taken_twice(one: Bench) -> None:
    """Else the heads would no longer follow from the changes, and no restore would ever pass again."""
    batch = one.batch([(0, "mark", "none"), (1, "mark", "none")])
    one.put(batch)
    again = Batch(batch.writer, batch.number + 1, batch.author, batch.changes, b"s" * 64)
    one.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(BadBatchError):
        one.log.append(again)
    one.connection.execute(
        "COMMIT"
    )  # a refused batch shares its transaction with others: nothing of it is in there
    reader = Reader(one.paths.store)
    assert reader.position().seq == 2
    reader.close()


def test_a_batch_is_known_after_a_restart_behind_many_others(one: Bench) -> None:
    first = one.batch([(0, "mark", "none")])
    kept = one.put(first)
    one.connection.execute("BEGIN")
    for _ in range(300):
        one.log.append(one.batch([(1, "mark", "none")]))
    one.connection.execute("COMMIT")
    one.close()
    one.open()
    assert one.log.append(first) == kept and one.log.seq == 301


def test_the_order_of_ids_survives_a_clock_set_back(one: Bench) -> None:
    one.put(one.batch([(0, "mark", "none")]))
    year = 365 * 24 * 3600 * 1000
    one.close()
    one.connection = open_writer(one.paths.store)
    clock = HybridClock(lambda: NOW_MS - year)
    one.log = ChangeLog(one.connection, clock)
    assert clock.behind_s() == year // 1000
    assert clock.next() > change_clock(one.kept[0][0].id)


@pytest.mark.parametrize(("ahead_ms", "refused"), [(599_000, False), (601_000, True)])
def test_a_change_from_the_future_is_refused(one: Bench, ahead_ms: int, refused: bool) -> None:
    made = one.batch([(0, "mark", "none")])
    name = change_id((NOW_MS + ahead_ms) << 16, ORIGIN.tag, b"writer-1")
    change = Change(name, "mark", bytes(16), (), 3, b"k" * 16, b"body")
    batch = Batch(made.writer, 900, AUTHOR, (change,), bytes(64))
    if not refused:
        assert one.put(batch) == Kept(1, 1)
        return
    with pytest.raises(ClockAheadError):
        one.log.check(batch)


def test_an_id_that_stands_already_is_refused_whole(one: Bench) -> None:
    first = one.batch([(0, "mark", "none"), (1, "mark", "none")])
    one.put(first)
    told = one.batch([(0, "mark", "heads")])
    again = Batch(told.writer, 900, AUTHOR, (*told.changes, *first.changes[1:]), bytes(64))
    before = rows_of(one)
    one.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(BadBatchError) as caught:
        one.log.append(again)
    one.connection.execute("COMMIT")  # as the keeper does: the others of this turn go on
    assert caught.value.params["fault"] == "change id reused"
    assert rows_of(one) == before
    one.put(told)
    reader = Reader(one.paths.store)
    check_heads(one, reader)
    reader.close()


def test_the_next_state_of_a_record_is_three_statements_in_its_transaction(one: Bench) -> None:
    one.put(one.batch([(0, "mark", "none")]))
    asked: list[str] = []
    one.connection.set_trace_callback(asked.append)
    one.put(one.batch([(0, "mark", "heads")]))
    one.connection.set_trace_callback(None)
    words = [text.split(maxsplit=1)[0] for text in asked]
    assert words == ["BEGIN", "SELECT", "UPDATE", "INSERT", "COMMIT"]
    reader = Reader(one.paths.store)
    check_heads(one, reader)
    reader.close()


def test_what_is_no_sealed_store_has_no_origin(tmp_path: Path) -> None:
    other = SitePaths(tmp_path)
    connection = open_writer(other.store)
    with pytest.raises(WrongStoreError):
        read_origin(connection)
    connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    connection.execute("INSERT INTO meta VALUES ('school','C1'), ('site','moon'), ('epoch','1')")
    with pytest.raises(WrongStoreError):
        read_origin(connection)
    connection.close()
