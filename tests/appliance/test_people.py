"""Clearance follows from roles, and only for roles that are known."""

import pytest

from appliance.people import ROLE_NAMES, cleared_importances
from crypto.importance import Importance
from sync.errors import NotClearedError
from tests.school import STAFF, School

ALL = tuple(Importance)
CLEARED = {
    "principal": ALL,
    "vice_principal": ALL,
    "clerk": ALL,
    "nurse": (Importance.II, Importance.III, Importance.IV),
    "teacher": (Importance.II, Importance.III, Importance.IV),
    "assistant": (Importance.III, Importance.IV),
    "timeclock": (Importance.IV,),
}


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_each_role_is_cleared_for_what_the_table_says(role: str) -> None:
    assert cleared_importances((role,)) == CLEARED[role]


def test_every_role_has_a_name_and_a_clearance() -> None:
    assert set(ROLE_NAMES) == set(CLEARED)
    assert all(ROLE_NAMES.values()) and len(set(ROLE_NAMES.values())) == len(ROLE_NAMES)


def test_an_unknown_role_opens_nothing() -> None:
    for roles in ((), ("",), ("Principal",), ("校長",), ("board",), ("site",)):
        assert cleared_importances(roles) == ()


def test_several_roles_open_what_any_of_them_opens() -> None:
    assert cleared_importances(("assistant", "teacher")) == CLEARED["teacher"]
    assert cleared_importances(("clerk", "assistant", "nobody")) == ALL
    assert cleared_importances(("teacher", "teacher")) == CLEARED["teacher"]


@pytest.mark.parametrize(("name", "role"), [(name, role) for name, _, role in STAFF])
def test_the_keys_of_an_enrolled_person_are_those_of_the_role(school: School, name: str, role: str) -> None:
    office = school.office(name)
    keyring = office._session.store.keyring
    assert tuple(i for i in Importance if keyring.cleared(i)) == CLEARED[role]
    for importance in set(Importance) - set(CLEARED[role]):
        with pytest.raises(NotClearedError):
            keyring.pair(importance)
    office.logout()
