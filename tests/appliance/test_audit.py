"""The audit record: on disk before anything of importance I or II is shown, refusals too, and never replaced."""

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest

from appliance.audit import AuditEntry, where_from
from appliance.classification.model import Action
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from crypto.importance import Importance
from tests.school import School

ON = date(2026, 12, 8)


@pytest.fixture
def office(school: School) -> Iterator[Office]:
    opened = school.office("kocho")
    yield opened
    opened.logout()


def entries(office: Office) -> list[AuditEntry]:
    """Return what stands in the audit record, oldest first."""
    found = sorted(office._session.store.heads(AuditEntry.kind), key=lambda plain: plain.change_id)
    return [msgspec.msgpack.decode(plain.payload, type=AuditEntry) for plain in found]


def test_a_look_at_a_reason_is_one_entry_with_who_what_and_where_from(school: School, office: Office) -> None:
    row = office.attendance.day(office.attendance.classes(ON)[3].class_id, ON).rows[0]
    before = len(entries(office))
    office.attendance.reason(row.pupil_id, ON)
    office.attendance.reason(row.pupil_id, ON)  # the same again within ten minutes
    (entry,) = entries(office)[before:]
    assert (entry.action, entry.asset, entry.graded) == ("view", "attendance.reason", Importance.II)
    assert (entry.verdict, entry.rule, entry.subject) == ("allow", "T-40", row.pupil_id)
    assert entry.source == where_from()


def test_a_refusal_is_an_entry_too_written_by_somebody_who_cannot_read_it(school: School, office: Office) -> None:
    helper = school.office("shien")
    try:
        before = len(entries(office))
        pupil = helper.attendance.day(helper.attendance.classes(ON)[3].class_id, ON).rows[0].pupil_id
        with pytest.raises(PolicyDeniedError) as caught:
            helper.attendance.reason(pupil, ON)
        assert "見る役割ではありません" in str(caught.value.params["reason"])
        entry = entries(office)[-1]
        assert len(entries(office)) == before + 1
        assert (entry.verdict, entry.action, entry.subject) == ("deny", "view", pupil)
        assert not helper._session.store.keyring.cleared(AuditEntry.importance)
    finally:
        helper.logout()


def test_what_is_public_to_staff_leaves_no_entry(school: School, office: Office) -> None:
    before = len(entries(office))
    office.home()
    office.attendance.classes(ON)
    assert office._session.may(Action.VIEW, "attendance.reason", Importance.II).rule == "T-40"
    assert len(entries(office)) == before


def test_where_from_names_the_other_end_of_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22")
    assert where_from() == "ssh 192.0.2.7"
