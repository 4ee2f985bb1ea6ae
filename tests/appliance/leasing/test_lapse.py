"""A lease lapses, is renewed and is revoked, with real keepers: what opens, and what is carried all the same."""

import contextlib

import pytest

from appliance.board.leasing import allow_lease, issuer_of, renew_lease, revoke_lease, show_lease
from crypto.classkeys import read_wrap
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import LeaseRevokedError, NotClearedError
from sync.founding import BOARD_LOGIN
from sync.keyring import read_people
from sync.leaseguard import LeaseBook, LeaseState, lease_view
from sync.openrecords import (
    LOCKED,
    SITE_LOCK,
    WRAP,
)
from sync.sealed import Draft
from tests.appliance.leasing.bench import ALL, DAY, OPEN, SECOND, TEACHER, YEARS, Bench
from tests.hubside import hub, to_box, to_hub


def test_a_leased_box_opens_everything_and_holds_no_wrap_that_lies_open(bench: Bench) -> None:
    assert (bench.opens("sato"), bench.opens("kocho")) == (TEACHER, ALL)
    assert bench.state() is LeaseState.LIVE
    root = bench.school.board.root
    board = next(
        p for p in read_people(bench.reader, root, bench.school.made.code).people if p.login == BOARD_LOGIN
    )
    told = [read_wrap(row.body) for row in bench.reader.heads(WRAP)]
    assert {head.person for head in told if head.class_key.importance in LOCKED} == {board.id}
    secret = bench.secret()
    assert secret is not None and set(bench.on_disk(secret)) <= {"local.db", "local.db-wal"}
    assert bench.on_disk(secret), "else the tests of its end would prove nothing"


def test_after_its_life_the_key_is_gone_and_only_three_and_four_open(bench: Bench) -> None:
    secret = bench.secret()
    assert secret is not None
    with bench.office() as office:
        store = office._session.store
        record = store.record_id("attendance.reason", SECOND, "somebody")
        store.put([Draft("attendance.reason", record, SECOND, b"fever")])
        assert store.lease_state().opens
        bench.wall_shift = 15 * DAY
        assert bench.state() is LeaseState.LAPSED
        assert bench.on_disk(secret) == []
        assert store.lease_state().state is LeaseState.LAPSED
        store.forget(LOCKED)
        with pytest.raises(NotClearedError):
            store.keyring.pair(SECOND)
        with pytest.raises(NotClearedError):
            store.heads("attendance.reason")
        store.put([Draft("attendance.reason", record, SECOND, b"cough")])  # what may not be read may be written
        with pytest.raises(NotClearedError):
            store.heads("attendance.reason")
    assert bench.opens("sato") == bench.opens("kocho") == OPEN


def test_a_session_that_nobody_told_closes_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.sealed._LEASE_S", 0.0)
    with bench.office() as office:
        store = office._session.store
        record = store.record_id("attendance.reason", SECOND, "somebody")
        store.put([Draft("attendance.reason", record, SECOND, b"fever")])
        assert [plain.payload for plain in store.heads("attendance.reason")] == [b"fever"]
        bench.wall_shift = 15 * DAY
        assert bench.state() is LeaseState.LAPSED
        with pytest.raises(NotClearedError):
            store.heads("attendance.reason")


def test_what_cannot_be_read_is_still_carried_both_ways(bench: Bench) -> None:
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    with bench.office() as office:
        store = office._session.store
        store.put([Draft("attendance.reason", bytes(16), SECOND, b"fever")])
    assert to_hub(bench.school) > 0
    with issuer_of(hub(bench.school)) as issuer:
        issuer.mind()
    assert to_box(bench.school) > 0


def test_a_new_key_lets_the_same_passphrase_open_again(bench: Bench) -> None:
    before = bench.secret()
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    after = bench.secret()
    assert after is not None and after != before
    assert bench.opens() == OPEN, "nothing is locked to it yet"
    bench.wall_shift = 0
    bench.exchange()
    assert bench.state() is LeaseState.LIVE
    assert (bench.opens("sato"), bench.opens("kocho")) == (TEACHER, ALL)
    assert bench.secret() == after


def test_a_login_alone_lets_an_old_lease_lapse(bench: Bench) -> None:
    secret, guard = bench.secret(), bench.guard()
    bench.wall_shift = 15 * DAY
    guard.book.clock.keep(at_once=True)  # written down, then the daemon died
    assert secret is not None and bench.secret() == secret
    assert bench.opens() == OPEN
    assert bench.secret() is None and bench.on_disk(secret) == []


@pytest.mark.parametrize("shift", [-YEARS, 0])
def test_a_clock_set_back_extends_nothing(bench: Bench, shift: int) -> None:
    assert bench.state() is LeaseState.LIVE
    bench.wall_shift = shift
    bench.ran = 13 * DAY
    assert bench.state() is LeaseState.LIVE
    bench.ran = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    assert bench.opens() == OPEN


def test_a_clock_set_back_after_the_lapse_brings_nothing_back(bench: Bench) -> None:
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    for shift in (0, -YEARS):
        bench.wall_shift = shift
        assert bench.state() is LeaseState.LAPSED
    assert bench.opens() == OPEN


def test_a_clock_far_ahead_is_put_right_by_the_next_lease(bench: Bench) -> None:
    bench.wall_shift = YEARS
    assert bench.state() is LeaseState.LAPSED
    bench.exchange()
    assert bench.state() is LeaseState.LIVE, "and the machine's clock is still ten years ahead"
    bench.ran = 13 * DAY
    assert bench.state() is LeaseState.LIVE
    bench.ran = 15 * DAY
    assert bench.state() is LeaseState.LAPSED


def test_it_is_renewed_in_time_without_anybody(bench: Bench) -> None:
    first = show_lease(bench.school.board, bench.school.made.code).lease
    with issuer_of(hub(bench.school)) as issuer:
        assert not issuer.mind()
        issuer._now_ms = lambda: wall_ms() + 5 * DAY
        assert issuer.mind()
        assert not issuer.mind()
    locks = len(bench.reader.heads(SITE_LOCK))
    to_box(bench.school)
    assert bench.guard().turn().until_ms > first.until_ms
    assert len(bench.reader.heads(SITE_LOCK)) == locks, "the key is the same, so nothing is locked anew"
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LIVE and bench.opens() == TEACHER


def test_revoked_means_at_once_and_until_it_is_allowed(bench: Bench) -> None:
    code, board, secret = bench.school.made.code, bench.school.board, bench.secret()
    assert revoke_lease(board, code).word(wall_ms()) == "revoked"
    assert revoke_lease(board, code).lease.serial == 2, "said once"
    to_box(bench.school)
    assert bench.state() is LeaseState.REVOKED
    assert secret is not None and bench.on_disk(secret) == []
    assert bench.opens() == OPEN
    bench.exchange()
    assert bench.state() is LeaseState.REVOKED, "it asked, and got nothing"
    with pytest.raises(LeaseRevokedError):
        renew_lease(board, code)
    assert show_lease(board, code).asked
    allow_lease(board, code)
    to_box(bench.school)
    assert bench.state() is LeaseState.LIVE
    assert bench.opens() == TEACHER


def test_nobody_reads_that_it_is_revoked_before_the_key_is_gone(bench: Bench) -> None:
    told: list[tuple[LeaseState, bool]] = []

    class Watched(KeeperClient):
        def local_put(self, space: str, key: str, value: bytes | None) -> None:
            super().local_put(space, key, value)
            told.append((lease_view(bench.client).state, bench.secret() is not None))

    revoke_lease(bench.school.board, bench.school.made.code)
    to_box(bench.school)
    with contextlib.closing(Watched(bench.school.paths.socket)) as client:
        LeaseBook(client, bench.reader, bench.school.board.root).settle()
    assert told[-1] == (LeaseState.REVOKED, False) and (LeaseState.REVOKED, True) not in told, told


def test_a_login_takes_a_revocation_in_that_the_daemon_did_not(bench: Bench) -> None:
    revoke_lease(bench.school.board, bench.school.made.code)
    to_box(bench.school)
    assert bench.opens() == OPEN and bench.secret() is None
