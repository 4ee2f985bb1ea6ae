"""What its author was not allowed to make is kept, shown and held back, alike at every site."""

import contextlib
from typing import Any

import msgspec
import pytest

from crypto.identity import Identity
from crypto.importance import Importance
from sync.authority import ENDED, ROLE, UNKNOWN, Authority
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import KeeperGoneError
from sync.founding import Member, renew
from sync.ids import Origin
from sync.merge import Merger
from sync.openrecords import PEOPLE, people_record
from sync.reader import Reader
from sync.sealed import Draft
from sync.segment import Segment
from tests.sync.judging import Bench, held_at, newcomer
from tests.sync.pair import BOX, RULES
from tests.sync.site import ALL, SCHOOL


def test_a_strangers_entry_is_shown_and_counts_only_once_the_board_admits_them(bench: Bench) -> None:
    who = newcomer()
    good = bench.enter(bench.pair.box.site.people["sato"], "aoi")
    name = bench.enter(who, "aoi")
    bench.hear()
    assert bench.held() == {name: UNKNOWN} and bench.heads() == {good}
    bench.admit(who, "teacher")
    bench.hear()
    assert bench.held() == {} and bench.heads() == {name}
    assert bench.pair.hub.values() == bench.pair.box.values()
    assert [value for value, _ in bench.pair.hub.values().values()] == [b"late"]


def test_what_was_entered_over_a_strangers_entry_stands_when_it_is_released(bench: Bench) -> None:
    who, sato = newcomer(), bench.pair.box.site.people["sato"]
    first = bench.enter(sato, "aoi")
    strange = bench.enter(who, "aoi")
    bench.hear()
    assert bench.heads() == {first}
    over = bench.enter(sato, "aoi")
    bench.hear()
    assert bench.heads() == {over}
    bench.admit(who, "teacher")
    bench.hear()
    assert bench.heads() == {strange, over}, "neither knew of the other: a conflict, nothing is lost"


def test_one_of_the_wrong_role_is_held_back(bench: Bench) -> None:
    who = newcomer()
    bench.admit(who, "clerk")
    name = bench.enter(who, "aoi")
    bench.hear()
    assert bench.held() == {name: ROLE} and bench.heads() == set()


def test_one_whose_time_ended_is_held_back_from_then_on(bench: Bench) -> None:
    suzuki = bench.pair.box.site.people["suzuki"]
    before = bench.enter(suzuki, "aoi")
    bench.publish(msgspec.structs.replace(bench.known("suzuki"), valid_until_ms=wall_ms()))
    after = bench.enter(suzuki, "haru")
    bench.hear()
    assert bench.held() == {after: ENDED} and bench.heads() == {before}


def test_one_that_ended_before_its_entries_were_heard_loses_them_afterwards(bench: Bench) -> None:
    suzuki, noon = bench.pair.box.site.people["suzuki"], wall_ms()
    name = bench.enter(suzuki, "aoi")
    bench.hear()
    assert bench.held() == {} and bench.heads() == {name}
    bench.publish(msgspec.structs.replace(bench.known("suzuki"), valid_until_ms=noon))
    bench.hear()
    assert bench.held() == {name: ENDED} and bench.heads() == set()
    bench.publish(msgspec.structs.replace(bench.known("suzuki"), valid_until_ms=None))
    bench.hear()
    assert bench.held() == {} and bench.heads() == {name}


def test_a_roster_has_only_those_judged_anew_whom_it_may_concern(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log of years has half a million changes, and every site judges when somebody is renewed."""
    people = bench.pair.box.site.people
    entered = [bench.enter(people["sato"], f"pupil {number}") for number in range(20)]
    ended = bench.enter(people["suzuki"], "aoi")
    bench.hear()
    bench.publish(msgspec.structs.replace(bench.known("suzuki"), valid_until_ms=wall_ms()))
    asked, fault = [], Authority.fault

    def asking(authority: Authority, origin: Origin, author: bytes, at_ms: int, kind: str) -> str:
        asked.append(author)
        return fault(authority, origin, author, at_ms, kind)

    monkeypatch.setattr(Authority, "fault", asking)
    paths = bench.pair.hub.site.paths
    with (
        contextlib.closing(Reader(paths.store)) as reader,
        contextlib.closing(KeeperClient(paths.socket)) as client,
    ):
        Merger(reader, client, bench.pair.root.sign.verify_key, RULES, judged=reader.position().seq).judge_all()
    assert people["sato"].person not in asked
    bench.hear()
    assert bench.held() == {} and bench.heads() == {*entered, ended}


def test_what_is_entered_while_all_is_judged_is_judged_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, listed = list[bytes](), Merger._doubtful

    def list_slowly(merger: Merger, *words: Any) -> list[tuple[int, bytes, bytes, str]]:
        rows = listed(merger, *words)
        names.append(bench.enter(newcomer(), "aoi"))
        return rows

    paths = bench.pair.box.site.paths
    with (
        contextlib.closing(Reader(paths.store)) as reader,
        contextlib.closing(KeeperClient(paths.socket)) as client,
    ):
        merger = Merger(reader, client, bench.pair.root.sign.verify_key, RULES)
        with monkeypatch.context() as patched:
            patched.setattr(Merger, "_doubtful", list_slowly)
            merger.judge_all()
        assert held_at(bench.pair.box) == {}
        merger.judge_own()
    assert held_at(bench.pair.box) == {names[0]: UNKNOWN}


def test_a_renewed_persons_old_and_new_entries_count(bench: Bench) -> None:
    suzuki = bench.pair.box.site.people["suzuki"]
    old = bench.enter(suzuki, "aoi")
    fresh = Identity.generate(suzuki.person)
    with bench.board() as session:
        renew(session, bench.pair.root, [Member(fresh.public, "suzuki", ("teacher",), ALL)], wall_ms())
    new = bench.enter(fresh, "haru")
    bench.hear()
    assert bench.held() == {} and bench.heads() == {old, new}
    with contextlib.closing(Reader(bench.pair.hub.site.paths.store)) as reader:
        assert {row.author for row in reader.heads("mark")} == {suzuki.person}


def test_a_member_cannot_put_an_old_roster_back(bench: Bench) -> None:
    """It is signed by the board, but it is not theirs to publish, and it is not the newest."""
    suzuki = bench.pair.box.site.people["suzuki"]
    with bench.board() as session:
        (row,) = session.reader.heads(PEOPLE, [people_record(SCHOOL)])
    bench.publish(msgspec.structs.replace(bench.known("suzuki"), valid_until_ms=wall_ms()))
    with contextlib.closing(bench.pair.box.session("sato")) as sato:
        base = sato.base_of(PEOPLE, [row.record])[row.record]
        (put,) = sato.put([Draft(PEOPLE, row.record, Importance.IV, row.body, base)]).names
    name = bench.enter(suzuki, "aoi")
    bench.hear()
    assert bench.held() == {put: ROLE, name: ENDED}


def test_a_keeper_that_goes_before_the_judging_does_not_leave_it_undone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = newcomer()
    bench.enter(who, "aoi")
    bench.hear()
    bench.admit(who, "teacher")
    box, hub = (party.site.paths for party in bench.parties)
    with (
        contextlib.closing(Reader(box.store)) as source,
        contextlib.closing(Reader(hub.store)) as reader,
        contextlib.closing(KeeperClient(hub.socket)) as client,
    ):
        merger = Merger(reader, client, bench.pair.root.sign.verify_key, RULES)
        segment = rest_of(source, reader.position(BOX).seq)
        with monkeypatch.context() as patch, pytest.raises(KeeperGoneError):
            patch.setattr(client, "judge", gone)
            merger.take(segment)
        assert merger.take(segment) == 0 and reader.quarantined() == {}


def test_a_sites_own_entry_is_judged_again_when_the_keeper_went_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = bench.pair.box.site.paths
    with (
        contextlib.closing(Reader(paths.store)) as reader,
        contextlib.closing(KeeperClient(paths.socket)) as client,
    ):
        merger = Merger(reader, client, bench.pair.root.sign.verify_key, RULES)
        merger.judge_own()
        bench.enter(newcomer(), "aoi")
        with monkeypatch.context() as patch, pytest.raises(KeeperGoneError):
            patch.setattr(client, "judge", gone)
            merger.judge_own()
        merger.judge_own()
        assert set(reader.quarantined().values()) == {UNKNOWN}


def rest_of(source: Reader, after: int) -> Segment:
    """Return everything of the box's log after a sequence number as one segment."""
    batches = tuple(source.batches(BOX, after, 1 << 62))
    end = after + sum(len(batch.changes) for batch in batches)
    before, chain = source.chain_at(BOX, after), source.chain_at(BOX, end)
    assert before is not None and chain is not None
    return Segment(BOX, 0, after + 1, end, before, chain, batches, b"")


def gone(*_: object) -> None:
    """Be a keeper that went."""
    raise KeeperGoneError(operation="ask keeper")
