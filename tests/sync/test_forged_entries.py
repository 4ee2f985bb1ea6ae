"""What its author did not sign, or signed for another place, stops the merging or is held back for good."""

import contextlib

import msgspec
import pytest

from crypto.errors import BadSignatureError
from crypto.importance import Importance
from crypto.people import sign_people
from crypto.signing import SigningKey
from sync.authority import SIGNATURE, UNKNOWN
from sync.change import BATCH_DOMAIN
from sync.client import KeeperClient
from sync.errors import ForgedChangeError
from sync.founding import Member
from sync.ids import Origin, Site
from sync.log import signed_payload
from sync.merge import Merger
from sync.openrecords import PEOPLE, people_record
from sync.reader import Reader
from sync.sealed import Draft
from sync.verify import verify_store
from tests.sync.judging import Bench, heads_at, held_at, newcomer
from tests.sync.pair import BOX, HUB, RULES
from tests.sync.site import ALL, SCHOOL


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
