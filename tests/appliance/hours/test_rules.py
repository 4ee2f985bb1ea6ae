"""Who may do what with working hours, in every shipped policy."""

import pytest

from appliance.classification.model import Action, Actor, Asset, Circumstances, Duty, Place, Verdict
from appliance.classification.rules import PROFILES
from appliance.people import ROLE_NAMES, cleared_importances
from appliance.policy import shipped, writing_rules
from crypto.importance import Importance

II, III, IV = Importance.II, Importance.III, Importance.IV
KINDS = ("hours.punch", "hours.day", "hours.shift", "hours.approval")
NOW = Circumstances()
EVERY = pytest.mark.parametrize("profile", PROFILES)


def who_may(
    profile: str, action: Action, kind: str, importance: Importance = II, now: Circumstances = NOW
) -> set[str]:
    policy = shipped(profile)
    return {
        role
        for role in ROLE_NAMES
        if policy.decide(Actor((role,), cleared_importances([role])), action, Asset(kind, importance), now).verdict
        is Verdict.ALLOW
    }


TERMINAL = "timeclock"
STAFF = set(ROLE_NAMES) - {TERMINAL}
MANAGERS = {"principal", "vice_principal"}
OFFICE = {*MANAGERS, "clerk"}


@EVERY
def test_who_looks(profile: str) -> None:
    for kind in ("hours.punch", "hours.day", "hours.approval"):
        assert who_may(profile, Action.VIEW, kind) == MANAGERS
    assert who_may(profile, Action.VIEW, "hours.shift") == OFFICE
    assert who_may(profile, Action.VIEW, "hours.own") == STAFF - {"assistant"}  # who has no key
    assert who_may(profile, Action.VIEW, "hours.report", III) == OFFICE
    assert who_may(profile, Action.VIEW, "hours.badge", IV) == {*STAFF, TERMINAL}


@EVERY
def test_who_enters(profile: str) -> None:
    assert who_may(profile, Action.EDIT, "hours.punch") == {*STAFF, TERMINAL}
    assert who_may(profile, Action.EDIT, "hours.day") == STAFF
    assert who_may(profile, Action.EDIT, "hours.badge", IV) == OFFICE
    assert (
        who_may(profile, Action.EDIT, "hours.shift") == who_may(profile, Action.EDIT, "hours.timeclock") == OFFICE
    )
    assert who_may(profile, Action.EDIT, "hours.approval") == MANAGERS
    assert who_may(profile, Action.EDIT, "hours.anything") == set()


@EVERY
def test_who_takes_out(profile: str) -> None:
    for kind in KINDS:
        assert who_may(profile, Action.EXPORT, kind) == set()  # without a permit
        assert who_may(profile, Action.PRINT, kind) == MANAGERS
        assert who_may(profile, Action.SEND_OUTSIDE, kind) == set()
    assert who_may(profile, Action.EXPORT, "hours.report", III) == OFFICE


@EVERY
def test_a_lapsed_lease_stops_looking_and_not_punching(profile: str) -> None:
    lapsed = Circumstances(lease=False)
    assert who_may(profile, Action.EDIT, "hours.punch", now=lapsed) == {*STAFF, TERMINAL}
    for kind in ("hours.own", "hours.punch"):
        assert who_may(profile, Action.VIEW, kind, now=lapsed) == set()
    assert who_may(profile, Action.EDIT, "hours.punch", now=Circumstances(place=Place.AWAY)) == set()


@EVERY
def test_every_look_is_written_down(profile: str) -> None:
    principal = Actor(("principal",), cleared_importances(["principal"]))
    for kind in (*KINDS, "hours.own"):
        assert Duty.AUDIT in shipped(profile).decide(principal, Action.VIEW, Asset(kind, II)).duties


def test_every_site_lets_all_staff_write_hours() -> None:
    rules = writing_rules()
    assert all(rules.allow((role,), "hours.punch") for role in STAFF) and not rules.allow(
        ("learner",), "hours.punch"
    )
