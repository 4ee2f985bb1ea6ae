"""Keys and words of a lease: nobody else extends it, a thief has nothing, what is lost is made anew."""

import contextlib
import shutil
from pathlib import Path

import msgspec
import pytest

from appliance.board.enrolment import admit_staff, renew_staff
from appliance.board.keeping import SiteKeeper
from appliance.board.leasing import allow_lease, ensure_hub_key, issuer_of, revoke_lease, show_lease
from appliance.credentials import read_pepper, read_site_key
from appliance.people import StaffMember
from crypto.classkeys import open_wrap
from crypto.errors import CryptoError
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity, KdfProfile, open_identity
from crypto.importance import Importance
from crypto.leasewrap import lease_key_id, open_escrow, open_lock, read_lock
from crypto.people import sign_people
from crypto.secret import Secret
from sync.clock import wall_ms
from sync.database import open_reader
from sync.errors import DiskFullError, HubKeyMissingError
from sync.founding import open_as_board
from sync.keyring import open_keyring, read_class_keys
from sync.leaseguard import LEASE_NOTE, LeaseState
from sync.leaseissuer import HUB_SECRET
from sync.leases import Lease, newest_lease_key, sign_lease
from sync.localstore import IDENTITY_SPACE, LEASE_SECRET
from sync.openrecords import (
    BOARD_LOCK,
    ESCROW,
    LEASE,
    LEASE_KEY,
    LOCKED,
    PEOPLE,
    SITE_LOCK,
    lease_key_record,
    lease_record,
    people_record,
)
from sync.reader import Reader
from sync.sealed import Draft
from sync.sitevoice import SiteVoice
from sync.trustedtime import CLOCK
from tests.appliance.leasing.bench import DAY, OPEN, SECOND, TEACHER, YEARS, Bench
from tests.hubside import hub, to_box, to_hub
from tests.school import PASSPHRASE


def test_no_other_word_extends_a_lease(bench: Bench) -> None:
    told = show_lease(bench.school.board, bench.school.made.code).lease
    box, now = bench.reader.origin, wall_ms()
    hub_key, box_key = read_site_key(hub(bench.school).path), read_site_key(bench.school.site)
    with issuer_of(hub(bench.school)) as issuer:
        renewed = issuer.renew()
    to_box(bench.school)
    assert bench.guard().turn().until_ms == renewed.until_ms

    def lease(**other: object) -> Lease:
        made: dict[str, object] = {
            "school": box.school,
            "epoch": box.epoch,
            "serial": 99,
            "lease_key": told.lease_key,
            "issued_ms": now,
            "until_ms": now + YEARS,
        }
        return Lease(**{**made, **other})  # type: ignore[arg-type]

    forged = [
        sign_lease(lease(), box_key),
        sign_lease(lease(), Identity.generate(bytes(16)).sign),
        sign_lease(lease(school="C100000000000"), hub_key),
        sign_lease(lease(epoch=2), hub_key),
        sign_lease(lease(serial=1), hub_key),
        sign_lease(lease(serial=2), hub_key),
        sign_lease(lease(lease_key=b"short"), hub_key),
        b"\x02" + sign_lease(lease(), hub_key)[1:],
        b"\x01",
    ]
    voice = SiteVoice(bench.reader, bench.client, box_key)
    for blob in forged:
        voice.say([(LEASE, lease_record(box), blob)])
        assert bench.guard().turn().until_ms == renewed.until_ms
    assert bench.guard().book.lease == renewed


def test_a_lease_that_was_held_back_does_not_find_the_key(bench: Bench) -> None:
    """One issued in time, but shown only when its own life was over, must not turn the clock back."""
    with issuer_of(hub(bench.school)) as issuer:
        issuer.renew()
    to_box(bench.school)  # it is in the store, but nobody looked yet
    bench.wall_shift = 40 * DAY
    assert bench.state() is LeaseState.LAPSED
    bench.wall_shift = 0
    assert bench.state() is LeaseState.LAPSED and bench.opens() == OPEN


def test_the_erasing_is_owed_until_it_went_well(bench: Bench) -> None:
    """While somebody reads the file its log cannot be cut: the key is gone only when no byte of it is left."""
    secret = bench.secret()
    with contextlib.closing(open_reader(bench.school.paths.local)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM local").fetchone()
        bench.client.local_put("test", "later", b"x")
        bench.wall_shift = 15 * DAY
        with pytest.raises(DiskFullError):
            bench.state()
    assert bench.state() is LeaseState.LAPSED
    assert secret is not None and bench.on_disk(secret) == []


def test_only_the_boxs_own_hand_asks_for_a_key(bench: Bench) -> None:
    """A lease key that somebody else put into the log gets neither locks nor a lease."""
    thief, at_hub = HybridPrivateKey.generate(), hub(bench.school)
    box, own = bench.reader.origin, HybridPrivateKey.from_bytes(Secret(bench.secret() or b""))
    with issuer_of(at_hub) as issuer, contextlib.closing(Reader(at_hub.paths.store)) as reader:
        issuer._voice.say([(LEASE_KEY, lease_key_record(box), thief.public.to_bytes())])
        assert newest_lease_key(reader, box) == own.public
        assert not issuer.mind()


def test_a_thief_with_the_disk_and_the_passphrase_gets_nothing_after_the_lapse(
    bench: Bench, tmp_path: Path
) -> None:
    with bench.office("kocho") as office:
        office._session.store.put([Draft("attendance.reason", bytes(16), SECOND, b"fever")])
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    sealed, waiting = bench.client.local_get(IDENTITY_SPACE, "kocho"), bench.secret()
    assert sealed is not None and waiting is not None
    stolen = tmp_path / "stolen"
    shutil.copytree(bench.school.site, stolen, ignore=shutil.ignore_patterns("*.sock"))
    identity = open_identity(sealed, PASSPHRASE, read_pepper(stolen))
    keys = [identity.seal, HybridPrivateKey.from_bytes(Secret(waiting))]
    with contextlib.closing(Reader(stolen / "school.db")) as reader:
        root = bench.school.board.root
        publics = [p for p in read_class_keys(reader, root, reader.origin.school) if p.id.importance in LOCKED]
        assert len(publics) == 2
        rows = [row[0] for row in reader.rows("SELECT body FROM change")]
        assert any(row.kind for row in reader.heads(BOARD_LOCK)) and reader.heads(ESCROW)
        inner = []
        for body in rows:
            for key in keys:
                for opener in (lambda b, k: open_lock(b, 1, k), open_escrow):
                    with contextlib.suppress(CryptoError):
                        inner.append(opener(body, key))
        assert inner == []
        for public in publics:
            for body in rows:
                with pytest.raises(CryptoError):
                    open_wrap(body, public, identity.person, identity.seal)
        keyring = open_keyring(reader, identity, root)  # as if the box had never been leased
        assert not any(keyring.cleared(importance) for importance in LOCKED)
        assert keyring.cleared(Importance.III)


def test_taking_the_note_away_makes_no_unleased_box_of_it(bench: Bench) -> None:
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    bench.client.local_put(*LEASE_NOTE, None)
    bench.client.local_put(*CLOCK, None)
    assert bench.opens("kocho") == OPEN


def test_a_key_that_went_missing_is_made_anew(bench: Bench) -> None:
    guard = bench.guard()
    assert guard.turn().state is LeaseState.LIVE
    bench.client.local_put(*LEASE_SECRET, None)
    assert bench.opens() == OPEN
    assert guard.turn().state is LeaseState.LAPSED and bench.secret() is not None
    bench.exchange()
    assert guard.turn().state is LeaseState.LIVE and bench.opens() == TEACHER


def test_the_key_belongs_to_the_lease(bench: Bench) -> None:
    told = show_lease(bench.school.board, bench.school.made.code)
    key = HybridPrivateKey.from_bytes(Secret(bench.secret() or b""))
    assert told.lease.lease_key == lease_key_id(key.public) and not told.asked


def test_somebody_let_in_or_given_new_keys_opens_at_once_and_after_the_next_key(bench: Bench) -> None:
    school = bench.school
    person = StaffMember("hoken", "保健 静", ("nurse",), Secret(PASSPHRASE.encode()))
    admit_staff(school.root, school.site, [person], KdfProfile.QUICK)
    renew_staff(school.root, school.site, lambda _: Secret(PASSPHRASE.encode()), KdfProfile.QUICK, ["sato"])
    assert bench.opens("hoken") == bench.opens("sato") == TEACHER
    bench.exchange()
    assert not bench.reader.heads(SITE_LOCK), "the board's own locks are enough"
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    bench.wall_shift = 0
    bench.exchange()
    assert bench.state() is LeaseState.LIVE
    assert bench.opens("hoken") == bench.opens("sato") == bench.opens("suzuki") == TEACHER


def test_somebody_let_in_while_no_lease_lives_opens_with_the_next(bench: Bench) -> None:
    school = bench.school
    revoke_lease(school.board, school.made.code)
    to_box(school)
    assert bench.state() is LeaseState.REVOKED
    person = StaffMember("hoken", "保健 静", ("nurse",), Secret(PASSPHRASE.encode()))
    admit_staff(school.root, school.site, [person], KdfProfile.QUICK)
    renew_staff(school.root, school.site, lambda _: Secret(PASSPHRASE.encode()), KdfProfile.QUICK, ["sato"])
    assert bench.opens("hoken") == bench.opens("sato") == OPEN
    to_hub(school)
    allow_lease(school.board, school.made.code)
    to_box(school)
    assert bench.state() is LeaseState.LIVE
    assert bench.opens("hoken") == bench.opens("sato") == bench.opens("jimu") - {Importance.I} == TEACHER


def test_a_hub_without_its_key_says_so_and_gets_another(bench: Bench) -> None:
    school, at_hub = bench.school, hub(bench.school)
    to_hub(school)
    with SiteKeeper(at_hub.paths) as client:
        client.local_put(*HUB_SECRET, None)
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    bench.wall_shift = 0
    with pytest.raises(HubKeyMissingError):
        bench.exchange()
    ensure_hub_key(at_hub, school.root)
    to_box(school)
    renew_staff(school.root, school.site, lambda _: Secret(PASSPHRASE.encode()), KdfProfile.QUICK)
    bench.exchange()
    assert bench.state() is LeaseState.LIVE and bench.opens() == TEACHER


def test_somebody_who_left_gets_no_further_lock(bench: Bench) -> None:
    school = bench.school
    with SiteKeeper(school.paths) as client, contextlib.closing(Reader(school.paths.store)) as reader:
        store = open_as_board(reader, client, school.root)
        roster = store.keyring.people
        left = next(p for p in roster.people if p.login == "suzuki")
        people = tuple(
            msgspec.structs.replace(p, valid_until_ms=wall_ms() - 1) if p == left else p for p in roster.people
        )
        newer = msgspec.structs.replace(roster, version=roster.version + 1, issued_ms=wall_ms(), people=people)
        record = people_record(roster.school)
        base = store.base_of(PEOPLE, [record])[record]
        store.put([Draft(PEOPLE, record, Importance.IV, sign_people(newer, school.root.sign), base)])
    bench.wall_shift = 15 * DAY
    assert bench.state() is LeaseState.LAPSED
    bench.wall_shift = 0
    bench.exchange()
    locked = {read_lock(row.body).person for row in bench.reader.heads(SITE_LOCK)}
    assert locked and left.id not in locked
