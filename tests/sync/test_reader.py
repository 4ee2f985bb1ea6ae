"""The read side: it sees one moment, changes nothing, and finds its file whatever the folder is called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.importance import Importance
from sync.change import CHAIN_START
from sync.checkpoint import heads_digest
from sync.clock import wall_ms
from sync.database import DatabaseError, open_writer
from sync.errors import BrokenChainError, WrongStoreError
from sync.ids import Origin, Site
from sync.reader import Reader, Row
from sync.sealed import Draft, SealedStore
from sync.site import create_site
from tests.sync.site import SCHOOL, TestSite

ORIGIN = Origin(SCHOOL, Site.BOX, 1)


@pytest.fixture
def store(site: TestSite) -> Iterator[SealedStore]:
    session = site.session("sato")
    yield session
    session.close()


def put(store: SealedStore, *names: str, base: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    drafts = [Draft("mark", record(store, name), Importance.III, name.encode(), base) for name in names]
    return store.put(drafts).names


def record(store: SealedStore, name: str) -> bytes:
    return store.record_id("mark", Importance.III, name)


def test_an_empty_store_stands_at_the_chains_start(tmp_path: Path) -> None:
    reader = Reader(create_site(tmp_path / "site", ORIGIN).store)
    assert reader.origin == ORIGIN
    assert reader.position() == (0, CHAIN_START)
    assert reader.since(0) == [] == reader.heads("mark") == reader.history("mark", bytes(16))
    reader.close()


def test_the_oldest_of_what_people_made_after_a_point_has_its_time(site: TestSite, store: SealedStore) -> None:
    founded, before = store.reader.position().seq, wall_ms()
    assert store.reader.first_content(founded) is None
    put(store, "a")
    at, first = store.reader.position().seq, store.reader.first_content(founded)
    assert first is not None and before <= first.at_ms <= wall_ms() and founded < first.seq <= at
    assert store.reader.first_content(at) is None
    put(store, "b")
    later = store.reader.first_content(at)
    assert later is not None and later.at_ms >= first.at_ms and later.seq > at


@pytest.mark.parametrize("name", ["学校 蔵", "a#b", "a?mode=rwc", "100%41", "a&b;c'\"d"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    reader = Reader(create_site(tmp_path / name, ORIGIN).store)
    assert reader.origin == ORIGIN
    reader.close()
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_nothing_is_written_through_a_reader(site: TestSite, store: SealedStore) -> None:
    before = store.reader.position()
    for statement in (
        "DELETE FROM change",
        "INSERT INTO head VALUES ('mark', x'00', x'00', 1)",
        "CREATE TABLE t (x)",
        "PRAGMA user_version=7",
    ):
        with pytest.raises(DatabaseError):
            store.reader.execute(statement)
    assert store.reader.position() == before


def test_heads_of_more_records_than_one_query_takes(store: SealedStore) -> None:
    names = [str(number) for number in range(1100)]
    put(store, *names)
    records = [record(store, name) for name in names]
    found = store.reader.heads("mark", [*records, bytes(16)])
    assert sorted(row.record for row in found) == sorted(records)
    assert store.reader.heads("mark", []) == [] == store.reader.heads("note", records)
    assert len(store.reader.heads("mark")) == 1100


def test_changes_since_a_place_come_in_order_and_in_portions(store: SealedStore) -> None:
    put(store, *map(str, range(20)))
    last = store.reader.position().seq
    rows = store.reader.since(last - 10)
    assert [row.seq for row in rows] == list(range(last - 9, last + 1))
    assert store.reader.since(last - 10, 3) == rows[:3]
    assert store.reader.since(last) == []
    assert all(abs(row.at_ms - wall_ms()) < 600_000 for row in rows)


def test_only_the_first_change_of_a_batch_carries_its_signature(store: SealedStore) -> None:
    put(store, "announces the batch key")
    put(store, "a", "b", "c")
    rows = store.reader.since(store.reader.position().seq - 3)
    told = [store.reader.signature_of(row.id) for row in rows]
    assert told[0] is not None and (told[0].size, len(told[0].signature)) == (3, 64)
    assert told[1:] == [None, None] and store.reader.signature_of(1) is None


def test_a_snapshot_sees_one_moment(site: TestSite, store: SealedStore) -> None:
    other = Reader(site.paths.store)
    with other.snapshot() as moment:
        before = moment.position(), heads_digest(moment.heads_by_name())
        put(store, "meanwhile")
        assert (moment.position(), heads_digest(moment.heads_by_name())) == before
    assert other.position() == store.reader.position() != before[0]
    other.close()


def test_history_goes_through_forks_and_joins(store: SealedStore) -> None:
    (first,) = put(store, "x")
    (left,) = put(store, "x", base=(first,))
    (right,) = put(store, "x", base=(first,))
    (joined,) = put(store, "x", base=(left, right))
    put(store, "y", base=(joined,))  # another record's base takes nothing from this one
    rows = store.reader.history("mark", record(store, "x"))
    assert [row.change_id for row in rows] == [joined, right, left, first]
    assert [row.change_id for row in store.reader.heads("mark", [record(store, "x")])] == [joined]


def test_history_that_leads_nowhere_is_named(site: TestSite, store: SealedStore) -> None:
    put(store, "x")
    site.stop_keeper()
    connection = open_writer(site.paths.store)
    connection.execute("UPDATE change SET replaced=x'0000010000000fff' WHERE kind='mark'")
    connection.close()
    with pytest.raises(BrokenChainError) as broken:
        store.reader.history("mark", record(store, "x"))
    assert broken.value.params == {"seq": 0xFFF}


def test_another_database_is_no_store(tmp_path: Path) -> None:
    open_writer(tmp_path / "other.db").close()
    with pytest.raises(WrongStoreError):
        Reader(tmp_path / "other.db")
    with pytest.raises(DatabaseError):
        Reader(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()


def test_what_stands_at_many_places_is_what_stands_at_each(store: SealedStore) -> None:
    first = put(store, *"abc")
    put(store, "a", base=first[:1])
    put(store, "b")  # without a base: a second head
    places = [("mark", record(store, name)) for name in "abcx"]
    alone = {place: store.head_rows(*place[:1], [place[1]]) for place in places}
    found = store.standing([*places, *places[1:2], ("note", places[0][1])])  # a place named twice counts once
    assert found == {place: rows[0] for place, rows in alone.items() if rows}
    assert len(found["mark", places[1][1]][1]) == 2 and len(found) == 3
    assert store.standing([]) == {}


def test_more_places_than_one_query_takes_are_seen_in_one_moment(
    site: TestSite, store: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"pupil {number}" for number in range(1001)]
    put(store, *names)
    places = [("mark", record(store, name)) for name in names]
    other, ask = site.session("suzuki"), Reader._at
    put(other, "another")

    def meanwhile(reader: Reader, asked: list[tuple[str, bytes]]) -> list[Row]:
        found = ask(reader, asked)
        if reader is store.reader:
            put(other, names[-1], base=other.base_of("mark", [places[-1][1]])[places[-1][1]])
        return found

    monkeypatch.setattr(Reader, "_at", meanwhile)
    before = store.standing(places[-1:])[places[-1]][1]
    seen = store.standing(places)
    assert len(seen) == len(names)
    assert seen[places[-1]][1] != before  # what was kept before this look is seen, …
    assert (
        store.reader.heads("mark", [places[-1][1]])[0].change_id not in seen[places[-1]][1]
    )  # … not what came in it
    other.close()
