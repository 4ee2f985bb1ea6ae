"""People without clearance (T5): a 支援員 cleared for III, and ICT support with root's shell on a box nobody uses.

Invariant: neither opens anything of I and II with all that they have, what they forge is refused, quarantined or
found by verification, and what the policy refused them is in the audit record.
"""

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.attendance.records import MonthReopened, natural
from appliance.audit import AuditEntry
from appliance.classification.model import Action
from appliance.classification.signed import policies
from appliance.credentials import read_pepper, read_site_key
from appliance.emergency.cards import EmergencyCard
from appliance.office import Office
from appliance.permits.records import PermitGrant
from appliance.permits.views import PermitState
from appliance.policy import PolicyDeniedError, writing_rules
from appliance.site import open_site
from crypto.classkeys import ClassKeyPair, certify_class_key, wrap_class_key
from crypto.errors import CryptoError, KurabakoError
from crypto.identity import Identity, open_identity
from crypto.importance import Importance
from crypto.people import sign_people
from sync.authority import ROLE, SIGNATURE
from sync.change import Batch
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.errors import (
    BrokenChainError,
    ForgedChangeError,
    HeadsMismatchError,
    LoginLockedError,
    NotClearedError,
    SyncError,
)
from sync.exchange import Exchange
from sync.keyring import read_class_keys, read_people
from sync.localstore import IDENTITY_SPACE
from sync.objectstore import ObjectStore
from sync.openrecords import (
    CLASS_KEY,
    LOCKED,
    PEOPLE,
    WRAP,
    class_key_record,
    people_record,
    wrap_record,
)
from sync.reader import Reader, Row
from sync.sitevoice import SiteVoice
from sync.verify import verify_store
from tests.adversaries.forging import KINDS, Forger, forged_changes, identity_of, reason_row, site_secrets
from tests.adversaries.loot import Loot
from tests.adversaries.scene import CARD, PERMIT, PREFIX, PURPOSE, REASON, Scene, keep_cards
from tests.hubside import hub, to_hub
from tests.school import PASSPHRASE, SCHOOL_DAY, School

pytestmark = pytest.mark.faults
SECRETS = (REASON, CARD, PURPOSE, PERMIT)
HARD = ("emergency.card", "attendance.reason", "audit.entry")


@pytest.fixture
def school(scene: Scene, tmp_path: Path) -> Iterator[School]:
    """A copy of the box and of the board that nobody else uses; the lease lives."""
    with scene.running(tmp_path) as running:
        yield running


@pytest.fixture
def shien(school: School) -> Iterator[Office]:
    office = school.office("shien")
    yield office
    office.logout()


def denied(act: Callable[[], object]) -> str:
    """Return the code that something is refused with; fails when it is not refused."""
    with pytest.raises((PolicyDeniedError, NotClearedError)) as refused:
        act()
    return refused.value.code


def test_every_desk_refuses_and_the_audit_record_tells_of_it(
    scene: Scene, school: School, shien: Office, tmp_path: Path
) -> None:
    pupil, class_id = scene.pupils[0], scene.class_id
    meeting = shien.meetings.all()[0].meeting_id
    item = shien.meetings.open(meeting).items[0].item_id
    seen = [shien.attendance.day(class_id, SCHOOL_DAY), shien.attendance.history(pupil, SCHOOL_DAY)]
    seen += [shien.meetings.open(meeting), shien.conflicts.all(), shien.home(), shien.light()]
    asked: list[Callable[[], object]] = [
        lambda: shien.attendance.reason(pupil, SCHOOL_DAY),
        lambda: shien.emergency.card(pupil),
        lambda: shien.audit.lines(),
        lambda: shien.audit.lines(on=SCHOOL_DAY, refused_only=True),
        lambda: shien.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "様子を見たい", 60),
        lambda: shien.emergency.close(),
        lambda: keep_cards(tmp_path / "cards.csv", shien, "1年1組", [("1", scene.names[0])]),
        lambda: shien.attendance.mark(class_id, SCHOOL_DAY, pupil, "sick", reason="書換"),
        lambda: shien.attendance.mark(class_id, SCHOOL_DAY, pupil, ""),
        lambda: shien.minutes.decide(meeting, item, "否決"),
        lambda: shien.roster.commit(shien.roster.plan(school.zip)),
    ]
    assert {denied(act) for act in asked} <= {PolicyDeniedError.code, NotClearedError.code}
    assert not any(marker in str(view) for marker in SECRETS for view in seen)
    kocho = school.office("kocho")
    refused = [line for line in kocho.audit.lines(refused_only=True) if line.who == "森 遥"]
    assert {line.verdict for line in refused} == {"拒否"}
    graded = {(line.what.partition("の")[0], line.importance) for line in refused}
    kocho.logout()
    assert graded == {("出欠", "Ⅱ"), ("監査記録", "Ⅱ"), ("緊急連絡カード", "Ⅰ")}


def test_every_reader_of_the_store_refuses(school: School, shien: Office) -> None:
    store = shien._session.store
    for kind in HARD:
        rows = store.reader.heads(kind)
        assert rows and {row.importance for row in rows} <= LOCKED
        asked: list[Callable[[Row], object]] = [
            lambda row: store.open_row(row),
            lambda row: store.head(row.kind, row.record),
            lambda row: store.heads(row.kind, [row.record]),
            lambda row: store.history(row.kind, row.record),
            lambda row: store.record_id(row.kind, Importance(row.importance), "p", "2026-11-24"),
            lambda row: store.keyring.pair(Importance(row.importance)),
            lambda row: store.open_row(row._replace(importance=Importance.III)),
            lambda row: store.keyring.batch_key(store.reader, row.key_id, Importance.III, row.author),
        ]
        for row, ask in itertools.product(rows, asked):
            with pytest.raises((NotClearedError, ForgedChangeError)):
                ask(row)
        with pytest.raises(NotClearedError):
            store.heads(kind)


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("shien", {Importance.III, Importance.IV}),
        ("sato", {Importance.II, Importance.III, Importance.IV}),
    ],
)
def test_every_key_on_every_byte_opens_what_the_wraps_allow_and_no_more(
    scene: Scene, school: School, name: str, opens: set[Importance]
) -> None:
    """A teacher shows the same of importance I, and that the search would have found II."""
    identity = identity_of(school, name)
    loot = Loot(school.paths.store, school.board.root, [identity], [], site_secrets(school))
    assert {key.importance for key in loot.pairs} == opens
    for importance in LOCKED:
        assert bool(loot.opened(importance)) is (importance in opens)
        assert any(row.importance == importance for row in loot.sealed(importance))
    text = b"\n".join(loot.text(importance) for importance in Importance)
    assert all(part.encode() in text for part in scene.names[0].split())
    assert (REASON.encode() in text) is (Importance.II in opens) and CARD.encode() not in text


def test_root_on_a_box_that_nobody_uses_opens_nothing_at_all(school: School) -> None:
    loot = Loot(school.paths.store, school.board.root, [], [], site_secrets(school))
    assert loot.keys, "the lease key is among them"
    assert (loot.pairs, loot.batch_keys) == ({}, {})
    assert not any(loot.opened(importance) for importance in Importance)
    assert not any(PREFIX.encode() in secret for secret in site_secrets(school))


def test_passphrases_are_not_guessed_through_the_keeper(school: School) -> None:
    pepper = read_pepper(school.site)
    with contextlib.closing(KeeperClient(school.paths.socket)) as client, pytest.raises(LoginLockedError):
        for guess in range(20):
            with contextlib.suppress(CryptoError):
                open_identity(client.login_begin("kocho"), f"guess-{guess}", pepper)
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        mine = client.local_get(IDENTITY_SPACE, "shien")
        client.local_put(
            IDENTITY_SPACE, "kocho", mine
        )  # with root's hand: my identity under the principal's login
        client.login_done("kocho")
    office = school.office("kocho")
    assert office.who.login == "shien" and denied(lambda: office.emergency.card("x"))
    office.logout()


@pytest.fixture
def forger(school: School) -> Iterator[Forger]:
    """What the 支援員 could send with a program of their own."""
    with contextlib.closing(Forger(school, identity_of(school, "shien"))) as made:
        yield made


@contextlib.contextmanager
def exchange_of(school: School) -> Iterator[Exchange]:
    """Begin the box's exchange as its daemon does, over a line that is cut."""
    folder = open_site(school.site)
    settings = folder.daemon_settings()
    with (
        contextlib.closing(Reader(school.paths.store)) as reader,
        contextlib.closing(KeeperClient(school.paths.socket)) as client,
    ):
        yield Exchange(reader, client, settings, ObjectStore(settings.store, 0.5))


def held(school: School) -> dict[int, str]:
    with contextlib.closing(Reader(school.paths.store)) as reader:
        return {row & 0xFFFFFFFFFF: why for row, why in reader.quarantined().items()}


@pytest.mark.parametrize("what", KINDS)
def test_what_they_forge_is_held_back_here_and_at_the_board(
    school: School, shien: Office, forger: Forger, what: str
) -> None:
    with exchange_of(school) as exchange:
        first = forger.send(*forged_changes(forger, shien._session.store)[what])
        exchange.step()  # the line is cut: nothing but judging is done
        assert ROLE in {held(school).get(first), held(school).get(first + 1)}
    to_hub(school)
    with contextlib.closing(Reader(hub(school).paths.store)) as there:
        assert ROLE in there.quarantined().values()
    unchanged(school)


def unchanged(school: School) -> None:
    """Fail unless everything is as it was: for who may read it, and for who may not."""
    kocho = school.office("kocho")
    store = kocho._session.store
    assert sum(REASON.encode() in plain.payload for plain in store.heads("attendance.reason")) == 3
    assert sum(CARD.encode() in plain.payload for plain in store.heads("emergency.card")) == 3
    assert any(line.purpose == PURPOSE for line in kocho.audit.lines())
    assert kocho.emergency.disclosure() is None and policies(store, school.board.root) == []
    kocho.logout()
    again = school.office("shien")
    assert again.who.roles == ("assistant",)
    assert {i for i in Importance if again._session.store.keyring.cleared(i)} == set(Importance) - LOCKED
    again.logout()
    root, code = school.board.root, school.made.code
    assert verify_store(school.paths.store, root, code, rules=writing_rules(), full=True).seq > 0


def a_teachers_forgeries(school: School, scene: Scene, office: Office, forger: Forger) -> dict[str, int]:
    """Have a teacher's own program write what only others may, in areas open to a teacher; return the rows."""
    store, month = office._session.store, SCHOOL_DAY.replace(day=1)
    asked, due = (Action.EXPORT, "audit.entry", Importance.II), SCHOOL_DAY.replace(year=2099)
    office.permits.request(*asked, "監査記録", "見たい", "自宅", due)
    request = bytes.fromhex(office.permits.all()[0].request_id)
    third, first = Importance.III, Importance.I
    made = {
        "a permit": (PermitGrant.kind, request, third, PermitGrant(number="2026-0999", until=due)),
        "a month": (
            MonthReopened.kind,
            store.record_id(MonthReopened.kind, third, *natural(scene.class_id, month)),
            third,
            MonthReopened(class_id=scene.class_id, month=month, reason="私が開ける"),
        ),
        "a card": (
            EmergencyCard.kind,
            os.urandom(16),
            first,
            EmergencyCard(pupil=scene.pupils[0], allergies="なし"),
        ),
    }
    changes = [
        forger.made(kind, record, importance, msgspec.msgpack.encode(thing))
        for kind, record, importance, thing in made.values()
    ]
    begin = forger.send(*itertools.chain.from_iterable(changes))
    return {what: begin + 2 * place + 1 for place, what in enumerate(made)}  # each after its key


def test_a_teacher_cannot_write_what_is_the_principals_or_the_offices(school: School, scene: Scene) -> None:
    """Their area is open to a teacher, the kinds are not: nobody gives themselves a permit."""
    office = school.office("sato")
    with (
        contextlib.closing(Forger(school, identity_of(school, "sato"))) as forger,
        exchange_of(school) as exchange,
    ):
        rows = a_teachers_forgeries(school, scene, office, forger)
        assert office.permits.granted() == (), "not even before the site has judged it"
        exchange.step()
        assert {what: held(school).get(row) for what, row in rows.items()} == dict.fromkeys(rows, ROLE)
    office.logout()
    to_hub(school)
    with contextlib.closing(Reader(hub(school).paths.store)) as there:
        assert list(there.quarantined().values()).count(ROLE) >= len(rows)
    kocho = school.office("kocho")
    assert kocho.permits.all()[0].state is PermitState.WAITING
    kocho.logout()
    unchanged(school)


def test_an_allowed_kind_hides_no_record_of_another(school: School, shien: Office, forger: Forger) -> None:
    """They may write audit entries: one that names a reason as what it replaces, at the reason's own record."""
    row = reason_row(shien._session.store)
    entry = msgspec.msgpack.encode(AuditEntry(action="view", asset="meeting", graded=3, verdict="allow"))
    forger.send(*forger.sealed(row, entry, AuditEntry.kind))
    unchanged(school)


def test_an_audit_entry_in_another_persons_name_counts_for_nothing_and_stops_the_merge(
    school: School, shien: Office, forger: Forger
) -> None:
    people = shien._session.store.keyring.people.people
    forger.author = next(person.id for person in people if person.login == "kocho")
    row = shien._session.store.reader.heads(AuditEntry.kind)[0]
    entry = AuditEntry(action="export", asset="meeting", graded=3, verdict="allow", purpose="偽の行")
    with exchange_of(school) as exchange:
        first = forger.send(*forger.sealed(row._replace(record=os.urandom(16)), msgspec.msgpack.encode(entry)))
        exchange.step()
        assert held(school)[first] == held(school)[first + 1] == SIGNATURE
    with pytest.raises(ForgedChangeError):
        to_hub(school)
    office = school.office("kocho")
    assert not any(line.purpose == "偽の行" for line in office.audit.lines())
    office.logout()
    unchanged(school)


@pytest.mark.parametrize("why", [ROLE, SIGNATURE])
def test_a_record_that_is_hidden_through_the_keepers_socket_is_found(school: School, why: str) -> None:
    """Root asks the keeper to hold an honest change back."""
    with contextlib.closing(Reader(school.paths.store)) as reader:
        row = reader.heads("attendance.reason")[0]
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        client.judge({row.id: why}, ())
    root, code = school.board.root, school.made.code
    with pytest.raises(HeadsMismatchError):
        verify_store(school.paths.store, root, code, rules=writing_rules())
    with exchange_of(school):
        pass  # a daemon judges everything anew when it begins
    unchanged(school)


def test_what_was_held_back_and_released_through_the_socket_is_held_back_again(
    school: School, shien: Office, forger: Forger
) -> None:
    with exchange_of(school) as exchange:
        first = forger.send(*forged_changes(forger, shien._session.store)["a reason"])
        exchange.step()
    assert held(school)[first + 1] == ROLE
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        with contextlib.closing(Reader(school.paths.store)) as reader:
            rows = tuple(reader.quarantined())
        client.judge({}, rows)
    to_hub(school)
    with contextlib.closing(Reader(hub(school).paths.store)) as there:
        assert ROLE in there.quarantined().values(), "the board judges for itself"
    with exchange_of(school):
        assert held(school)[first + 1] == ROLE
    unchanged(school)


def test_a_huge_batch_holds_no_judging_up(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that begins looks at each batch of the log once, however many changes are in one."""
    looked: list[int] = []
    whole = Reader.batch_of

    def counted(reader: Reader, row_id: int) -> tuple[Batch, int]:
        batch, first = whole(reader, row_id)
        looked.append(first)
        return batch, first

    monkeypatch.setattr(Reader, "batch_of", counted)
    with exchange_of(school) as exchange:
        changes = exchange.reader.changes()
    assert 0 < len(looked) < changes / 10, "the roster alone came in one batch of thousands"


def test_the_sites_own_key_clears_nobody(school: School) -> None:
    """Root signs with the site's key what only the board may say."""
    key = read_site_key(school.site)
    with (
        contextlib.closing(Reader(school.paths.store)) as reader,
        contextlib.closing(KeeperClient(school.paths.socket)) as client,
    ):
        origin, me = reader.origin, next(p for p in read_people_of(school) if p.login == "shien")
        site = Identity(site_person(origin), Identity.generate(bytes(16)).seal, key)
        people = read_people(reader, school.board.root, origin.school)
        everyone = tuple(
            msgspec.structs.replace(p, roles=("principal",)) if p.id == me.id else p for p in people.people
        )
        roster = msgspec.structs.replace(people, version=people.version + 1, people=everyone)
        own = ClassKeyPair.generate(next(iter(read_class_keys(reader, school.board.root, origin.school))).id)
        with exchange_of(school) as exchange:
            SiteVoice(reader, client, key).say(
                [
                    (PEOPLE, people_record(origin.school), sign_people(roster, key)),
                    (CLASS_KEY, class_key_record(own.id), certify_class_key(own.public, key)),
                    (WRAP, wrap_record(own.id, me.id), wrap_class_key(own, me.id, me.public_key)),
                ]
            )
            exchange.step()
        assert site.person and list(held(school).values()).count(ROLE) == 3
    unchanged(school)


def read_people_of(school: School) -> tuple[Any, ...]:
    with contextlib.closing(Reader(school.paths.store)) as reader:
        return read_people(reader, school.board.root, school.made.code).people


def test_who_writes_into_the_database_itself_is_found(school: School) -> None:
    """Root goes past the keeper: takes a refusal out of the audit record, grades a card down, changes a head."""
    root, code = school.board.root, school.made.code
    acts = [
        "DELETE FROM change WHERE kind = 'audit.entry'",
        "UPDATE change SET importance = 3 WHERE importance = 1",
        "UPDATE change SET author = (SELECT author FROM change WHERE kind = 'site.checkpoint') WHERE id = "
        "(SELECT max(id) FROM change WHERE kind = 'attendance.reason')",
        "DELETE FROM head WHERE kind = 'attendance.reason'",
    ]
    school.keeper.stop(10)
    whole = school.paths.store.read_bytes()
    for number, act in enumerate(acts):
        path = school.folder / f"bent-{number}.db"
        path.write_bytes(whole)
        for part in ("-wal", "-shm"):
            beside = school.paths.store.with_name(school.paths.store.name + part)
            if beside.exists():
                path.with_name(path.name + part).write_bytes(beside.read_bytes())
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            assert database.execute(act).rowcount > 0
        with pytest.raises((BrokenChainError, HeadsMismatchError)):
            verify_store(path, root, code, rules=writing_rules())


def test_nothing_that_is_refused_says_what_it_was_about(school: School, shien: Office, scene: Scene) -> None:
    store = shien._session.store
    for kind in HARD:
        try:
            store.heads(kind)
        except (SyncError, KurabakoError) as error:
            told = f"{error} {error.params} {error.operation} {error.subject}"
            assert not any(word in told for word in (*SECRETS, *scene.names))
