"""Somebody who may write the object store (T4): replaces, deletes, rolls back, swaps and adds what they like.

Invariant: box, hub and restore refuse each manipulation by name and merge nothing of it, nothing is told as sent
or confirmed that is not there, and once the store is left alone everything that was acknowledged arrives.
"""

import contextlib
import dataclasses
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.audit import AuditEntry
from appliance.board.keeping import SiteKeeper
from appliance.board.restored import open_restored
from crypto.secret import Secret
from sync.clock import wall_ms
from sync.embedded import EmbeddedStore
from sync.errors import (
    BrokenSegmentChainError,
    MixedEpochsError,
    ReplicaCorruptError,
    ReplicatorError,
    RolledBackError,
    SegmentError,
)
from sync.grants import Grant, grant_name, sign_grant
from sync.ids import Origin, Site
from sync.litestream import Litestream, Replicated, ltx_name, replica_path
from sync.objectstore import StoreConfig
from sync.replica import prove
from sync.segment import segment_name
from sync.site import SitePaths
from sync.verify import verify_store
from tests.adversaries.scene import CARD, REASON, Scene, copy
from tests.adversaries.town import ATTACKS, THIEF, Town
from tests.faults.city import ACCESS, SECRET
from tests.sync.cloud import LONG_S, new_site, replicating, syncs

pytestmark = pytest.mark.faults
MOST = 64  # tests in this module


@pytest.fixture(scope="module")
def buckets(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[StoreConfig]]:
    """One server with a copy of the school's bucket for every test: starting and ending it takes seconds."""
    folder = tmp_path_factory.mktemp("writer")
    names = [f"bucket{number:02}" for number in range(MOST)]
    for name in names:
        copy(scene.bucket, folder / "store" / name)
    server = EmbeddedStore(folder / "store", ACCESS, Secret(SECRET.encode()), names[0])
    server.start()
    yield (dataclasses.replace(server.config, bucket=name) for name in names)
    server.stop()


@pytest.fixture
def town(
    scene: Scene, buckets: Iterator[StoreConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    monkeypatch.setattr("sync.exchange._PROVE_AFTER_S", 0.05)
    with contextlib.ExitStack() as parts:
        school = parts.enter_context(scene.running(tmp_path / "town"))
        made = Town(school, next(buckets))
        parts.enter_context(SiteKeeper(made.hub.folder.paths))
        for side in made.both:
            parts.callback(side.end)
        made.begin()
        made.settle()
        yield made


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("whose", ["box", "hub"])
def test_a_segment_that_was_replaced_is_refused_and_nothing_turns_green(
    town: Town, whose: str, attack: str
) -> None:
    writer, reader = town.both if whose == "box" else town.both[::-1]
    forge, faults = ATTACKS[attack]
    seq = town.entry(0)
    name = town.sent_by(town.box)
    if whose == "hub":
        name = town.sent_by(town.hub)
    honest, before = town.get(name), reader.known(writer)
    town.hand.put(name, forge(town, writer, name, honest))
    error = reader.fails()
    assert isinstance(error, SegmentError) and (not faults or error.params["fault"] in faults), error.params
    assert reader.known(writer) == before and town.box.exchange.confirmed.seq < seq
    claimed = writer.exchange.told().sent
    proof = writer.fails()  # reads back what it put, and finds something else there
    assert isinstance(proof, ReplicatorError) and writer.exchange.told().sent == claimed
    reader.begin()
    town.settle(seq)  # it put its own again: nothing of it was lost, nothing of theirs is there
    assert town.get(name) == honest
    nothing_of_theirs(town)


def nothing_of_theirs(town: Town) -> None:
    for side in town.both:
        origin = side.origin
        proven = verify_store(side.folder.paths.store, side.folder.root, origin.school, full=True)
        assert proven.seq == side.exchange.reader.position().seq
        assert set(side.exchange.reader.quarantined()) == set()
        authors = {author for (author,) in side.exchange.reader.rows("SELECT DISTINCT author FROM change")}
        assert THIEF.person not in authors
    assert town.box.exchange.told().superseded is False


def test_two_segments_that_were_swapped_are_refused(town: Town) -> None:
    first, seq = (town.entry(0), town.sent_by(town.box)), town.entry(1)
    second = town.sent_by(town.box)
    bodies = town.get(first[1]), town.get(second)
    before = town.hub.known(town.box)
    town.hand.put(first[1], bodies[1])
    town.hand.put(second, bodies[0])
    assert town.hub.fails().params["fault"] == "another number"
    assert town.hub.known(town.box) == before and town.box.exchange.confirmed.seq < seq
    town.hand.put(first[1], bodies[0])
    town.hand.put(second, bodies[1])
    town.begin()
    town.settle(seq)
    nothing_of_theirs(town)


def test_a_segment_that_was_taken_away_is_not_told_as_sent_and_is_put_again(town: Town) -> None:
    claimed = town.box.exchange.told().sent
    seq = town.entry(0)
    town.delete(town.sent_by(town.box))
    assert isinstance(town.box.fails(), ReplicatorError)
    town.hub.exchange.step()
    assert town.box.exchange.told().sent == claimed < seq and town.hub.exchange.failure is None
    assert town.box.exchange.confirmed.seq < seq
    town.settle(seq)
    nothing_of_theirs(town)


def test_what_was_taken_away_after_it_was_proven_is_never_told_as_confirmed(town: Town) -> None:
    """The limit: deletion by who owns the store is not prevented. It stays unconfirmed, and stays at the box."""
    seq = town.entry(0)
    name = town.sent_by(town.box)
    end = time.monotonic() + LONG_S
    while town.box.exchange.told().sent < seq:
        assert time.monotonic() < end
        town.box.exchange.step()
    honest = town.get(name)
    town.delete(name)
    later = town.entry(1)
    for _ in range(10):
        town.box.exchange.step()
        town.hub.exchange.step()
    assert town.box.exchange.confirmed.seq < seq < later
    assert town.box.exchange.reader.position().seq >= later, "nothing is lost at the box"
    town.hand.put(name, honest)
    town.settle(later)


def test_a_place_that_somebody_took_first_is_refused_by_name_in_a_new_life(town: Town) -> None:
    taken = segment_name(town.box.origin, len(town.names(town.box)) + 1)
    town.hand.put(taken, b"mine")
    town.box.begin()
    seq = town.entry(0)
    assert isinstance(town.box.fails(), BrokenSegmentChainError)
    assert town.box.exchange.told().sent < seq and town.get(taken) == b"mine"
    town.delete(taken)
    town.begin()
    town.settle(seq)


@pytest.mark.parametrize("blob", ["junk", "their own", "another school's"])
def test_a_grant_of_their_own_ends_no_box_and_holds_nothing_up(town: Town, blob: str) -> None:
    code, now = town.school.made.code, wall_ms()
    grant = Grant(code if blob == "their own" else "C100000000000", "box", 2, bytes(32), now)
    data = b"junk" if blob == "junk" else sign_grant(grant, THIEF.sign)
    town.hand.put(grant_name(Origin(code, Site.BOX, 2)), data)
    town.begin()
    town.settle(town.entry(0))
    assert town.box.exchange.told().superseded is False and town.box.exchange.failure is None
    nothing_of_theirs(town)


def test_a_store_that_went_back_is_noticed_and_what_it_lacks_is_sent_again(town: Town, tmp_path: Path) -> None:
    """Everything of a day is taken back at once; the board had seen it, the box still has it."""
    old = town.hand.sizes("")
    seq = town.entry(0)
    town.settle(seq)
    assert town.restore(tmp_path / "before").complete
    town.delete(*(set(town.hand.sizes("")) - set(old)))
    report = town.restore(tmp_path / "after")
    assert not report.complete and report.missing > 0
    town.begin()
    later = town.entry(1)
    for _ in range(10):
        town.box.exchange.step()
        town.hub.exchange.step()
    assert town.box.exchange.reader.position().seq >= later and town.box.exchange.confirmed.seq >= seq


def test_a_box_that_was_put_back_with_the_store_says_so(town: Town, tmp_path: Path) -> None:
    """Its database alone goes back to what the rolled back store holds: `local.db` knows better."""
    store = town.school.paths.store
    with (
        contextlib.closing(sqlite3.connect(store)) as source,
        contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as target,
    ):
        source.backup(target)
    town.settle(town.entry(0))
    town.box.end()
    town.school.keeper.stop(10)
    for path in store.parent.glob("school.db*"):
        path.unlink()
    (tmp_path / "old.db").rename(store)
    with SiteKeeper(town.school.paths), pytest.raises(RolledBackError):
        town.box.begin()


# Consistently: the log ends before the next checkpoint, whose sum over the heads would tell.
HIDE = """
    CREATE TEMP TABLE cut AS SELECT min(id) AS id FROM change WHERE kind = 'site.checkpoint' AND id > (
        SELECT max(id) FROM change WHERE kind = 'attendance.reason');
    DELETE FROM head WHERE id >= (SELECT id FROM cut) AND id < 1099511627776 * 2;
    DELETE FROM change WHERE id >= (SELECT id FROM cut) AND id < 1099511627776 * 2;
    INSERT INTO quarantine SELECT id, '{why}' FROM change WHERE kind = 'attendance.reason';
    DELETE FROM head WHERE kind = 'attendance.reason';
    INSERT OR IGNORE INTO head SELECT kind, record, change_id, max(id) FROM change
        WHERE kind IN ('site.checkpoint', 'site.countersign') AND id < 1099511627776 * 2 GROUP BY kind, record;
"""


def test_an_object_of_the_replica_that_was_replaced_is_not_told_as_sent(town: Town) -> None:
    origin, paths = town.box.origin, town.box.folder.paths
    database, seq = Replicated(paths, origin), town.entry(0)
    litestream = Litestream(paths.run, [database], town.config)
    litestream.start()
    end = time.monotonic() + LONG_S
    while not syncs(litestream):
        assert time.monotonic() < end
    proven = prove(litestream, database, town.hand, seq, LONG_S)
    name = f"{replica_path(origin)}/{ltx_name(proven.txid)}"
    honest = town.get(name)
    for theirs in (honest[:-1], honest[:-1] + bytes((honest[-1] ^ 1,)), b""):
        town.hand.put(name, theirs)
        with pytest.raises(ReplicatorError):
            prove(litestream, database, town.hand, seq, LONG_S)
    town.delete(name)
    with pytest.raises(ReplicatorError):
        prove(litestream, database, town.hand, seq, LONG_S)
    town.hand.put(name, honest)
    assert prove(litestream, database, town.hand, seq, LONG_S).seq == seq
    litestream.stop()


def bend_all(town: Town, side: Site) -> None:
    """Turn a bit in every object of a database's replica."""
    path = replica_path(Origin(town.school.made.code, side, 1))
    for name in town.hand.sizes(path):
        data = bytearray(town.get(name))
        data[len(data) // 2] ^= 1
        town.hand.put(name, bytes(data))


def empty(town: Town, prefix: str) -> None:
    town.delete(*town.hand.sizes(prefix))


def whole(town: Town, target: Path) -> None:
    """Fail unless a restored school holds everything that was entered, and verifies."""
    with contextlib.closing(open_restored(target, town.school.root)) as store:
        assert sum(REASON.encode() in plain.payload for plain in store.heads("attendance.reason")) == 3
        assert sum(CARD.encode() in plain.payload for plain in store.heads("emergency.card")) == 3
        entries = len(store.heads(AuditEntry.kind))
    assert entries == len(town.box.exchange.reader.heads(AuditEntry.kind))


def test_a_replica_with_a_bent_bit_everywhere_comes_back_from_segments_and_says_so(
    town: Town, tmp_path: Path
) -> None:
    town.settle(town.entry(0))
    bend_all(town, Site.BOX)
    report = town.restore(tmp_path / "back")
    assert report.problem and not report.complete
    whole(town, tmp_path / "back")


def test_when_segments_are_bent_too_nothing_comes_back_at_all(town: Town, tmp_path: Path) -> None:
    bend_all(town, Site.BOX)
    for side in town.both:
        for name in town.names(side):
            town.hand.put(name, town.get(name)[:-9])
    with pytest.raises(ReplicaCorruptError):
        town.restore(tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_the_hubs_database_in_the_boxs_place_is_not_taken_for_the_boxs(town: Town, tmp_path: Path) -> None:
    town.settle(town.entry(0))
    box, there = (replica_path(Origin(town.school.made.code, site, 1)) for site in (Site.BOX, Site.HUB))
    empty(town, box)
    for name in town.hand.sizes(there):
        town.hand.put(box + name.removeprefix(there), town.get(name))
    report = town.restore(tmp_path / "back")
    assert report.problem == MixedEpochsError.code and not report.complete
    assert report.verified.origin == town.box.origin and report.completed > 0, "segments tell better"
    whole(town, tmp_path / "back")


@pytest.mark.parametrize(
    "act",
    [
        "DELETE FROM change WHERE kind = 'audit.entry'",
        "UPDATE change SET importance = 4 WHERE kind = 'emergency.card'",
        "UPDATE change SET body = randomblob(93) WHERE kind = 'attendance.reason'",
        "DELETE FROM head WHERE kind = 'emergency.card'",
        HIDE.format(why="signature"),
        HIDE.format(why="role"),
        HIDE.format(why="unknown"),
    ],
    ids=[
        "taken out",
        "graded down",
        "another body",
        "no head",
        "hidden signature",
        "hidden role",
        "hidden unknown",
    ],
)
def test_a_database_that_somebody_changed_and_replicated_properly_is_not_taken(
    town: Town, tmp_path: Path, act: str
) -> None:
    """They restore the replica, change it, and put it back with Litestream as if nothing had been."""
    origin = town.box.origin
    town.restore(tmp_path / "theirs")
    paths = SitePaths(tmp_path / "theirs")
    paths.run.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(paths.store)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        before = database.total_changes
        database.executescript(act)
        assert database.total_changes > before
    empty(town, replica_path(origin))
    litestream = Litestream(paths.run, [Replicated(paths, origin)], town.config)
    litestream.start(snapshot=True)
    end = time.monotonic() + LONG_S
    while litestream.alive:
        assert time.monotonic() < end
        time.sleep(0.02)
    litestream.stop()
    assert town.hand.sizes(replica_path(origin)), "it is there, and whole as a database"
    report = town.restore(tmp_path / "back")
    assert report.problem and not report.complete
    whole(town, tmp_path / "back")


def test_a_whole_school_of_their_own_is_not_taken_for_this_one(town: Town, tmp_path: Path) -> None:
    """Right names, right shapes, right chain: another board's signatures."""
    origin = town.box.origin
    site = new_site(tmp_path / "fake", school=origin.school)
    empty(town, replica_path(origin))
    litestream = replicating(site, town.config, origin)
    litestream.stop()
    site.close()
    report = town.restore(tmp_path / "back")
    assert report.problem and not report.complete
    whole(town, tmp_path / "back")
    empty(town, f"{origin.prefix}/changes")
    with pytest.raises(ReplicaCorruptError):
        town.restore(tmp_path / "again")
