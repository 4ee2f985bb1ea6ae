"""When the board's lease ends, an open session forgets importance I and II and says so; the rest goes on."""

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest

from appliance.office import Office
from appliance.policy import PolicyDeniedError
from crypto.importance import Importance
from sync.errors import KeeperGoneError, NotClearedError
from sync.leaseguard import LeaseState, LeaseView
from sync.sealed import SealedStore
from tests.school import School

ON = date(2026, 12, 11)


@pytest.fixture
def office(school: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr("appliance.session._LEASE_S", 0.0)
    opened = school.office("sato")
    yield opened
    opened.logout()


def answer(monkeypatch: pytest.MonkeyPatch, state: LeaseState) -> None:
    monkeypatch.setattr(SealedStore, "lease_state", lambda store: LeaseView(state))


@pytest.mark.parametrize("state", [LeaseState.LAPSED, LeaseState.REVOKED])
def test_an_ended_lease_shuts_ii_in_an_open_session(
    office: Office, state: LeaseState, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = office.attendance.classes(ON)[9]
    pupil = office.attendance.day(view.class_id, ON).rows[0].pupil_id
    office.attendance.mark(view.class_id, ON, pupil, "sick", reason="発熱")
    assert office.attendance.reason(pupil, ON) == "発熱" and not office.light().lease_over
    answer(monkeypatch, state)
    assert office.light().lease_over
    with pytest.raises(PolicyDeniedError) as caught:
        office.attendance.reason(pupil, ON)
    assert "リース" in str(caught.value.params["reason"])
    keyring = office._session.store.keyring
    assert not keyring.cleared(Importance.II) and keyring.cleared(Importance.III)
    with pytest.raises(NotClearedError):
        keyring.pair(Importance.II)
    office.attendance.mark(view.class_id, ON, pupil, "late")
    assert office.attendance.day(view.class_id, ON).rows[0].code == "late"


def test_a_lease_that_lives_again_opens_with_the_next_login_only(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, LeaseState.LAPSED)
    assert office.light().lease_over
    answer(monkeypatch, LeaseState.LIVE)
    assert not office.light().lease_over
    assert not office._session.store.keyring.cleared(Importance.II)


def test_a_keeper_that_does_not_answer_changes_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(store: SealedStore) -> LeaseView:
        raise KeeperGoneError(operation="ask keeper")

    assert not office.light().lease_over
    monkeypatch.setattr(SealedStore, "lease_state", gone)
    assert not office.light().lease_over and office._session.store.keyring.cleared(Importance.II)


def test_who_asks_is_told_by_roles_and_keys_as_they_are_now(office: Office) -> None:
    session = office._session
    before = session.actor
    assert session.actor is before and Importance.II in before.cleared
    session.store.forget([Importance.II])
    assert Importance.II not in session.actor.cleared and session.actor.roles == before.roles
    session.person = msgspec.structs.replace(session.person, roles=("assistant",))
    assert session.actor.roles == ("assistant",)
