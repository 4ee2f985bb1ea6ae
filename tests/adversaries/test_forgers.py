"""What people without clearance write with programs of their own, and root into the database itself.

Invariant: it is refused, held back here and at the board, or found by verification; it hides nothing of others.
"""

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from appliance.attendance.records import MonthReopened, natural
from appliance.audit import AuditEntry
from appliance.classification.model import Action
from appliance.classification.signed import policies
from appliance.credentials import read_site_key
from appliance.emergency.cards import EmergencyCard
from appliance.office import Office
from appliance.permits.records import PermitGrant
from appliance.permits.views import PermitState
from appliance.policy import writing_rules
from appliance.site import open_site
from crypto.classkeys import ClassKeyPair, certify_class_key, wrap_class_key
from crypto.identity import Identity
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
)
from sync.exchange import Exchange
from sync.keyring import read_class_keys, read_people
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
from sync.reader import Reader
from sync.sitevoice import SiteVoice
from sync.verify import verify_store
from tests.adversaries.forging import KINDS, Forger, forged_changes, identity_of, reason_row
from tests.adversaries.scene import CARD, PURPOSE, REASON, Scene
from tests.hubside import hub, to_hub
from tests.school import SCHOOL_DAY, School

pytestmark = pytest.mark.faults


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
