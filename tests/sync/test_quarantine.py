"""What its author was not allowed to make is kept, shown and held back, alike at every site."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crypto.errors import BadSignatureError
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.people import Person, sign_people
from crypto.signing import SigningKey
from sync.authority import ENDED, ROLE, SIGNATURE, UNKNOWN, Authority
from sync.change import BATCH_DOMAIN
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.conflicts import held_back
from sync.errors import ForgedChangeError, KeeperGoneError
from sync.founding import Member, admit, open_as_board, renew
from sync.ids import Origin, Site
from sync.log import signed_payload
from sync.merge import Merger, copy_log
from sync.openrecords import PEOPLE, people_record
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.segment import Segment
from sync.verify import verify_store
from tests.sync.pair import BOX, HUB, RULES, Pair, Party, pair_at
from tests.sync.site import ALL, SCHOOL


class Bench:
    """A box where somebody enters, and a hub that hears of it."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.parties = (pair.box, pair.hub)

    def enter(self, who: Identity, name: str, key: SigningKey | None = None) -> bytes:
        """Keep a mark at the box as anybody, signed with `key`; return its change id."""
        paths = self.pair.box.site.paths
        with contextlib.closing(self.pair.box.session("sato")) as sato:
            record = sato.record_id("mark", Importance.III, name)
            base = sato.base_of("mark", [record]).get(record, ())
            writer = Identity(who.person, who.seal, key or who.sign)
            with contextlib.closing(
                SealedStore(Reader(paths.store), KeeperClient(paths.socket), writer, sato.keyring)
            ) as session:
                return session.put([Draft("mark", record, Importance.III, b"late", base)]).names[0]

    @contextlib.contextmanager
    def board(self) -> Iterator[SealedStore]:
        paths = self.pair.box.site.paths
        reader, client = Reader(paths.store), KeeperClient(paths.socket)
        with contextlib.closing(open_as_board(reader, client, self.pair.root)) as session:
            yield session

    def admit(self, who: Identity, *roles: str) -> None:
        with self.board() as session:
            member = Member(who.public, who.person.decode(), roles, ALL)
            admit(session, self.pair.root, [member], wall_ms())

    def publish(self, *people: Person) -> None:
        """Publish a roster in which some people stand otherwise than before."""
        with self.board() as session:
            before = session.keyring.people
            fresh = {one.id: one for one in before.people} | {one.id: one for one in people}
            made = msgspec.structs.replace(
                before, version=before.version + 1, issued_ms=wall_ms(), people=tuple(fresh.values())
            )
            record = people_record(SCHOOL)
            base = session.base_of(PEOPLE, [record])[record]
            body = sign_people(made, self.pair.root.sign)
            session.put([Draft(PEOPLE, record, Importance.IV, body, base)])

    def known(self, name: str) -> Person:
        with self.board() as session:
            found = session.keyring.people.person(self.pair.box.site.people[name].person)
            assert found is not None
            return found

    def hear(self) -> None:
        """Let both sites judge everything: the box its own, the hub what it hears of it."""
        with (
            contextlib.closing(Reader(self.pair.box.site.paths.store)) as source,
            contextlib.closing(KeeperClient(self.pair.box.site.paths.socket)) as client,
        ):
            Merger(source, client, self.pair.root.sign.verify_key, RULES).judge_all()
            with (
                contextlib.closing(Reader(self.pair.hub.site.paths.store)) as reader,
                contextlib.closing(KeeperClient(self.pair.hub.site.paths.socket)) as hub,
            ):
                merger = Merger(reader, hub, self.pair.root.sign.verify_key, RULES)
                copy_log(source, BOX, merger, reader.position(BOX).seq)

    def held(self) -> dict[bytes, str]:
        """Return what is held back, by change id, which must be the same at both sites."""
        found = [held_at(party) for party in self.parties]
        assert found[0] == found[1]
        return found[0]

    def heads(self) -> set[bytes]:
        """Return the ids of all heads of marks, which must be the same at both sites."""
        found = [heads_at(party) for party in self.parties]
        assert found[0] == found[1]
        return found[0]


def held_at(party: Party) -> dict[bytes, str]:
    with contextlib.closing(Reader(party.site.paths.store)) as reader:
        return {one.row.change_id: one.reason for one in held_back(reader)}


def heads_at(party: Party) -> set[bytes]:
    with contextlib.closing(Reader(party.site.paths.store)) as reader:
        return {row.change_id for row in reader.heads("mark")}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with pair_at(tmp_path) as pair:
        yield Bench(pair)


def newcomer() -> Identity:
    return Identity.generate(b"takahashi-------")


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


def test_a_forged_entry_of_somebody_known_stops_the_merging(bench: Bench) -> None:
    sato = bench.pair.box.site.people["sato"]
    good = bench.enter(sato, "aoi")
    bench.hear()
    bench.enter(sato, "haru", SigningKey.generate())
    with pytest.raises(ForgedChangeError) as broken:
        bench.hear()
    assert broken.value.subject.startswith(BOX.prefix)
    assert heads_at(bench.pair.hub) == {good} and held_at(bench.pair.hub) == {}


def test_a_strangers_forged_entry_is_never_released(bench: Bench) -> None:
    """The signature can only be checked once the board says whose it should be."""
    who = newcomer()
    forged = bench.enter(who, "aoi", SigningKey.generate())
    true = bench.enter(who, "haru")
    bench.hear()
    assert bench.held() == {forged: UNKNOWN, true: UNKNOWN}
    bench.admit(who, "teacher")
    bench.hear()
    assert bench.held() == {forged: SIGNATURE} and bench.heads() == {true}
    bench.publish(msgspec.structs.replace(bench.known("suzuki"), roles=("clerk",)))
    bench.hear()
    assert bench.held() == {forged: SIGNATURE}, "whatever roster comes later"


def test_a_roster_that_the_board_did_not_sign_admits_nobody(bench: Bench) -> None:
    who = newcomer()
    name = bench.enter(who, "aoi")
    with bench.board() as session:
        before = session.keyring.people
        admitted = Member(who.public, "takahashi", ("teacher",), ALL).person(0)
        made = msgspec.structs.replace(before, version=99, people=(*before.people, admitted))
        record = people_record(SCHOOL)
        base = session.base_of(PEOPLE, [record])[record]
        session.put([Draft(PEOPLE, record, Importance.IV, sign_people(made, who.sign), base)])
    bench.hear()
    assert bench.held() == {name: UNKNOWN}


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


def test_a_batch_is_signed_with_its_place(bench: Bench) -> None:
    """What a person signed at one site cannot be passed off as signed at another one."""
    sato = bench.pair.box.site.people["sato"]
    bench.enter(sato, "aoi")
    with contextlib.closing(Reader(bench.pair.box.site.paths.store)) as reader:
        batch = reader.batches(BOX, reader.position().seq - 2, 1)[0]
    key = sato.sign.verify_key
    key.verify(BATCH_DOMAIN, signed_payload(BOX.tag, batch), batch.signature)
    for elsewhere in (HUB, Origin(SCHOOL, Site.BOX, 2), Origin("C999999999999", Site.BOX, 1)):
        with pytest.raises(BadSignatureError):
            key.verify(BATCH_DOMAIN, signed_payload(elsewhere.tag, batch), batch.signature)


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


def test_a_store_that_holds_a_forged_entry_back_passes_the_verification(bench: Bench) -> None:
    who = newcomer()
    bench.enter(who, "aoi", SigningKey.generate())
    bench.hear()
    bench.admit(who, "teacher")
    bench.hear()
    assert list(bench.held().values()) == [SIGNATURE]
    for party in bench.parties:
        verify_store(party.site.paths.store, bench.pair.root.sign.verify_key, SCHOOL, rules=RULES)


@pytest.mark.parametrize("together", [True, False])
def test_a_strangers_forged_entry_is_held_back_wherever_the_segments_are_cut(bench: Bench, together: bool) -> None:
    who = newcomer()
    bench.enter(who, "aoi", SigningKey.generate())
    if not together:
        bench.hear()
    bench.admit(who, "teacher")
    bench.hear()
    assert list(bench.held().values()) == [SIGNATURE]


def test_an_own_entry_under_somebody_elses_name_is_held_back_where_it_was_made(bench: Bench) -> None:
    sato = bench.pair.box.site.people["sato"]
    bench.enter(sato, "aoi", SigningKey.generate())
    paths = bench.pair.box.site.paths
    with (
        contextlib.closing(Reader(paths.store)) as reader,
        contextlib.closing(KeeperClient(paths.socket)) as client,
    ):
        Merger(reader, client, bench.pair.root.sign.verify_key, RULES).judge_own()
        assert set(reader.quarantined().values()) == {SIGNATURE}


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
