"""連絡先: whom to ring for a pupil, from both imports, for who is cleared, and written down first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from appliance.audit import AuditEntry
from appliance.contacts import ContactsNotClearedError
from appliance.generator.school import MadePerson
from appliance.messages import explain
from appliance.office import Office
from appliance.oneroster.container import Held
from appliance.policy import PolicyDeniedError, shipped
from appliance.roster import Contact, Guardian
from tests.appliance.exports import Rows, export
from tests.appliance.guardians import told
from tests.school import SCHOOL_DAY, School


@pytest.fixture
def clerk(own: School) -> Iterator[Office]:
    opened = own.office("jimu")
    yield opened
    opened.logout()


def pupils(own: School) -> Iterator[MadePerson]:
    """Yield pupils whose name nobody else has; each test takes one of its own."""
    every = [pupil for one in own.made.classes for pupil in one.pupils]
    names = Counter((pupil.name.family, pupil.name.given) for pupil in every)
    yield from (pupil for pupil in every if names[pupil.name.family, pupil.name.given] == 1)


@pytest.fixture(scope="module")
def each(own: School) -> Iterator[MadePerson]:
    return pupils(own)


def guardian_of(own: School, pupil: MadePerson) -> tuple[MadePerson, Guardian]:
    """Return a pupil's guardian of the export, and as the desk shows somebody of whom no 続柄 is known."""
    made = next(one for one in own.made.guardians if pupil.id in one.guardian_of)
    name, kana = (
        f"{made.name.family} {made.name.given}",
        f"{made.name.kana_family} {made.name.kana_given}",
    )
    return made, Guardian("", name, kana, (made.phone,))


def take(clerk: Office, file: Held) -> None:
    """Import a workbook."""
    clerk.roster.commit(clerk.roster.plan_workbook(file))


def keep(clerk: Office, pupil: MadePerson, contact: Contact) -> None:
    """Keep a contact as it is, by the plan of a workbook that says something else."""
    plan = clerk.roster.plan_workbook(told(pupil, ""))
    clerk.roster.commit(replace(plan, put=(contact,), remove=()))


def contact_of(office: Office, pupil: MadePerson) -> Contact:
    records = office._session.roster.records()
    return next(one for one in records if isinstance(one, Contact) and one.id == pupil.id)


def entries(office: Office) -> list[AuditEntry]:
    """Return the audit record's entries about contacts, the newest last."""
    found = sorted(office._session.store.heads(AuditEntry.kind), key=lambda plain: plain.change_id)
    every = [msgspec.msgpack.decode(plain.payload, type=AuditEntry) for plain in found]
    return [entry for entry in every if entry.asset == Contact.kind]


def test_the_guardian_of_the_export_is_shown_with_name_reading_and_number(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil = next(each)
    seen = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert seen.guardians == (guardian_of(own, pupil)[1],) and seen.home == ()
    assert (seen.name, seen.number) == (f"{pupil.name.family} {pupil.name.given}", pupil.number)
    assert seen.class_title == next(one.title for one in own.made.classes if one.id == pupil.class_id)


def test_the_workbook_says_who_is_rung_first_and_one_name_is_one_person(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil = next(each)
    made, mother = guardian_of(own, pupil)
    father = ("父", "試験　一郎", "しけん　いちろう", "０９０−００００−７７７７", "0952-00-0001")
    rows = (father, ("母", f"{made.name.family}{made.name.given}", "", "0952-00-0001"))
    take(clerk, told(pupil, "0952-00-0001", *rows))
    seen = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert seen.guardians == (
        Guardian("父", "試験 一郎", "シケン イチロウ", ("090-0000-7777", "0952-00-0001")),
        Guardian("母", f"{made.name.family}{made.name.given}", mother.kana, ("0952-00-0001", *mother.phones)),
    )
    assert seen.home == (), "the home's number is a guardian's already"


def test_three_guardians_keep_their_order_and_who_has_no_number_is_shown(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil = next(each)
    rows = (
        ("祖母", "試験 ハナ"),
        ("父", "試験 二郎", "", "090-0000-0002"),
        ("母", "試験 三子", "", "090-0000-0003"),
    )
    take(clerk, told(pupil, "0952-00-0009", *rows))
    seen = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert [(one.relation, one.phones) for one in seen.guardians] == [
        ("祖母", ()),
        ("父", ("090-0000-0002",)),
        ("母", ("090-0000-0003",)),
        ("", guardian_of(own, pupil)[1].phones),  # of the export alone: after those of the workbook
    ]
    assert seen.home == ("0952-00-0009",)


def test_an_import_never_takes_away_what_the_other_brought(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil = next(each)
    made, _shown = guardian_of(own, pupil)
    take(clerk, told(pupil, "0952-00-0004", ("父", "試験 四郎", "", "090-0000-0004")))
    before = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)

    def silent(parts: dict[str, Rows]) -> None:
        for row in parts["users"]:
            row |= {"phone": "", "agentSourcedIds": ""}

    again = clerk.roster.plan(own.zip)
    assert not [one for one in (*again.put, *again.remove) if one.id == pupil.id]
    clerk.roster.commit(clerk.roster.plan(Held("silent.zip", export(own.zip, silent))))
    seen = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert seen.guardians == before.guardians[:1] and seen.home == before.home
    clerk.roster.commit(clerk.roster.plan(own.zip))
    assert clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY) == before
    take(clerk, told(pupil, "", ("父", "試験 四郎", "", "090-0000-0005")))
    assert contact_of(clerk, pupil).home_phone == "0952-00-0004", "an empty cell takes nothing away"
    assert made.phone in clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY).guardians[1].phones


def test_an_export_that_names_guardians_in_the_pupil_s_row_orders_them(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil, other = next(each), next(each)
    first, second = guardian_of(own, other), guardian_of(own, pupil)
    keep(
        clerk,
        pupil,
        Contact(id=pupil.id, sms="090-0000-0006", agents=(first[0].id, "unknown", other.id, second[0].id)),
    )
    seen = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert seen.guardians == (first[1], second[1]), "a brother or sister is no guardian"
    assert seen.home == ("090-0000-0006",)


def test_nobody_was_imported(clerk: Office, own: School, each: Iterator[MadePerson]) -> None:
    pupil = next(each)
    made, _shown = guardian_of(own, pupil)
    keep(clerk, pupil, Contact(id=made.id, phone=made.phone))  # of nobody in particular
    seen = clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert (seen.guardians, seen.home) == ((), ()) and seen.name


def test_what_was_opened_is_in_the_audit_record_once(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil, before = next(each), len(entries(clerk))
    for _time in range(2):
        clerk.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    (entry,) = entries(clerk)[before:]
    assert (entry.action, entry.verdict, entry.subject, entry.graded) == ("view", "allow", pupil.id, 2)


def test_who_is_not_cleared_is_told_so_and_that_is_written_down(
    own: School, clerk: Office, each: Iterator[MadePerson]
) -> None:
    pupil, before = next(each), len(entries(clerk))
    with own.opened("shien") as assistant, pytest.raises(ContactsNotClearedError) as caught:
        assistant.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    told_so = explain(caught.value)
    assert told_so.code == "APP-298" and "重要性分類Ⅱ" in told_so.sentence
    (entry,) = entries(clerk)[before:]
    assert (entry.verdict, entry.subject) == ("deny", pupil.id)


def test_a_teacher_of_another_class_is_refused_by_the_rule_and_not_for_want_of_a_key(
    own: School, each: Iterator[MadePerson]
) -> None:
    pupil = next(each)
    with own.opened("sato") as teacher:
        assert teacher.contacts.of_pupil(pupil.id, SCHOOL_DAY).guardians
        teacher._session.policy = shipped("mext-2025")
        with pytest.raises(PolicyDeniedError) as caught:
            teacher.contacts.of_pupil(pupil.id, SCHOOL_DAY)
    assert caught.value.code == "APP-013"
