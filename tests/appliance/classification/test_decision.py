"""What the rules must say whatever their wording: the lines that neither profile may cross."""

from itertools import product

import pytest

from appliance.classification.decision import Policy
from appliance.classification.model import (
    APPROVALS,
    HOMEROOM,
    Action,
    Actor,
    Asset,
    Circumstances,
    Duty,
    Line,
    Place,
    Role,
    Verdict,
)
from appliance.classification.rules import PROFILES, read_policy, shipped_policy
from appliance.classification.table import every_circumstance
from appliance.people import ROLE_NAMES, cleared_importances
from appliance.policy import ApprovalNeededError, PolicyDeniedError, require, shipped, writing_rules
from crypto.importance import Importance

ALL = tuple(Importance)
EVERY_PROFILE = pytest.mark.parametrize("profile", PROFILES)
RELEASES = (Action.EXPORT, Action.PRINT, Action.COPY_REMOVABLE, Action.SEND_OUTSIDE, Action.SHARE_LEARNERS)
KINDS = ("document", "attendance.reason", "roster.contact", "emergency", "audit.entry", "meeting", "nonsense")


def may(profile: str, role: str, action: Action, asset: Asset, now: Circumstances) -> Verdict:
    return shipped(profile).decide(Actor((role,), ALL), action, asset, now).verdict


@EVERY_PROFILE
def test_ict_support_and_learners_reach_nothing_but_what_is_public(profile: str) -> None:
    graded = (Importance.I, Importance.II, Importance.III)
    for action, kind, importance, now in product(Action, KINDS, graded, every_circumstance()):
        for role in (Role.ICT_SUPPORT, Role.LEARNER):
            assert may(profile, role, action, Asset(kind, importance), now) is Verdict.DENY
    for action in set(Action) - {Action.VIEW}:
        assert (
            may(profile, Role.LEARNER, action, Asset("document", Importance.IV), Circumstances()) is Verdict.DENY
        )


@EVERY_PROFILE
def test_without_a_lease_nobody_at_the_school_opens_or_releases_i_or_ii(profile: str) -> None:
    opening = (Action.VIEW, *RELEASES)
    for role, action, kind in product(Role, opening, KINDS):
        for importance in (Importance.I, Importance.II):
            for place, line, glass in product((Place.SCHOOL, Place.AWAY), Line, (True, False)):
                now = Circumstances(line, False, glass, place)
                assert may(profile, role, action, Asset(kind, importance), now) is Verdict.DENY


@EVERY_PROFILE
def test_releasing_ii_and_above_always_takes_somebody_elses_word_and_is_written_down(profile: str) -> None:
    for role, action, kind, now in product(Role, RELEASES, KINDS, every_circumstance()):
        for importance in (Importance.I, Importance.II):
            answer = shipped(profile).decide(Actor((role,), ALL), action, Asset(kind, importance), now)
            if answer.verdict is Verdict.ALLOW:
                assert action is Action.PRINT and answer.duties >= {Duty.AUDIT, Duty.WATERMARK}
            elif answer.verdict is Verdict.APPROVAL:
                assert Duty.PERMIT in answer.duties and Duty.AUDIT in answer.duties


@EVERY_PROFILE
def test_whoever_sees_i_or_ii_is_written_down_first(profile: str) -> None:
    for role, kind, now in product(Role, KINDS, every_circumstance()):
        for importance in (Importance.I, Importance.II):
            answer = shipped(profile).decide(Actor((role,), ALL), Action.VIEW, Asset(kind, importance), now)
            if answer.verdict is not Verdict.DENY:
                assert Duty.AUDIT in answer.duties


@EVERY_PROFILE
def test_importance_i_stays_shut_during_an_outage_until_two_managers_open_it(profile: str) -> None:
    asset = Asset("emergency", Importance.I)
    for role in Role:
        assert may(profile, role, Action.VIEW, asset, Circumstances(Line.OFFLINE)) is not Verdict.ALLOW
    broken = Circumstances(Line.OFFLINE, break_glass=True)
    assert may(profile, Role.PRINCIPAL, Action.VIEW, asset, broken) is Verdict.ALLOW
    assert may(profile, Role.TEACHER, Action.VIEW, asset, broken) is Verdict.DENY


@EVERY_PROFILE
def test_nobody_rewrites_or_destroys_the_audit_record_and_few_read_it(profile: str) -> None:
    asset = Asset("audit.entry", Importance.II)
    for role, now in product(Role, every_circumstance()):
        assert may(profile, role, Action.DESTROY, asset, now) is Verdict.DENY
        if role not in (Role.PRINCIPAL, Role.VICE_PRINCIPAL, Role.BOARD):
            assert may(profile, role, Action.VIEW, asset, now) is Verdict.DENY


@EVERY_PROFILE
def test_only_the_principal_gives_permits(profile: str) -> None:
    asset = Asset("permit.grant", Importance.II)
    givers = {role for role in Role if may(profile, role, Action.EDIT, asset, Circumstances()) is Verdict.ALLOW}
    assert givers == {Role.PRINCIPAL}


def test_taku_forbids_every_medium_and_any_way_out_for_i() -> None:
    for role, importance, now in product(Role, Importance, every_circumstance()):
        asset = Asset("document", importance)
        assert may("taku-2018", role, Action.COPY_REMOVABLE, asset, now) is Verdict.DENY
        if importance is Importance.I:
            for action in (Action.EXPORT, Action.SEND_OUTSIDE, Action.SHARE_LEARNERS):
                assert may("taku-2018", role, action, asset, now) is Verdict.DENY


def test_mext_opens_ii_to_a_teacher_for_their_own_class_only() -> None:
    own = Actor((Role.TEACHER, HOMEROOM + "c1"), ALL)
    policy = shipped("mext-2025")
    mine, other = Asset("attendance.reason", Importance.II, "c1"), Asset("attendance.reason", Importance.II, "c2")
    for action in (Action.VIEW, Action.PRINT, Action.EXPORT):
        assert policy.decide(own, action, mine).verdict is not Verdict.DENY
        assert policy.decide(own, action, other).verdict is Verdict.DENY
    assert shipped("taku-2018").decide(own, Action.VIEW, other).verdict is Verdict.ALLOW


def test_a_role_without_the_key_gets_nothing_of_it() -> None:
    for role, importance in product(set(ROLE_NAMES) - {"timeclock"}, Importance):
        cleared = cleared_importances((role,))
        answer = shipped().decide(Actor((role,), cleared), Action.VIEW, Asset("attendance.reason", importance))
        if importance in cleared:
            assert answer.verdict is Verdict.ALLOW
        else:
            assert answer.verdict is Verdict.DENY and importance.label in answer.reason + importance.label
    for kind, importance in product(("attendance", "roster", "meeting", "document", "hours.own"), Importance):
        terminal = Actor(("timeclock",), cleared_importances(("timeclock",)))
        assert shipped().decide(terminal, Action.VIEW, Asset(kind, importance)).verdict is Verdict.DENY
    no_key = shipped().decide(Actor(("teacher",), ()), Action.VIEW, Asset("meeting", Importance.III))
    assert no_key.verdict is Verdict.DENY and "鍵" in no_key.reason


def test_what_no_rule_allows_is_denied_and_every_no_has_a_reason() -> None:
    empty = read_policy(
        'profile="p"\nversion=1\ntitle="t"\nkinds=["document"]\n'
        '[[rule]]\nid="1"\nquote="q"\nverdict="allow"\nroles=["clerk"]\nactions=["view"]\n'
    )
    answer = Policy(empty).decide(Actor(("teacher",), ALL), Action.VIEW, Asset("document", Importance.IV))
    assert answer.verdict is Verdict.DENY and "見る" in answer.reason
    assert Policy(empty).decide(Actor((), ALL), Action.VIEW, Asset("document", Importance.IV)).reason
    for profile, role, action, kind, importance in product(PROFILES, Role, Action, KINDS, Importance):
        answer = shipped(profile).decide(Actor((role,), ALL), action, Asset(kind, importance))
        assert (answer.verdict is Verdict.ALLOW) or answer.reason


def test_one_of_several_roles_is_enough_and_unknown_ones_give_nothing() -> None:
    asset = Asset("roster.user", Importance.III)
    assert shipped().decide(Actor(("assistant", "clerk"), ALL), Action.EDIT, asset).verdict is Verdict.ALLOW
    assert shipped().decide(Actor(("mayor", HOMEROOM + "x"), ALL), Action.VIEW, asset).verdict is Verdict.DENY


def test_an_approval_must_be_met_whole() -> None:
    actor, asset = Actor(("principal",), ALL), Asset("document", Importance.I)
    arguments = (shipped(), actor, Action.PRINT, asset, Circumstances())
    for met in ((), (Duty.PERMIT,), (Duty.SECOND_PERSON,), (Duty.AUDIT, Duty.WATERMARK)):
        with pytest.raises(ApprovalNeededError) as caught:
            require(*arguments, frozenset(met))
        assert "T-34" in str(caught.value.params["reason"])
    decision = require(*arguments, frozenset((Duty.PERMIT, Duty.SECOND_PERSON)))
    assert decision.duties & APPROVALS == {Duty.PERMIT, Duty.SECOND_PERSON}
    with pytest.raises(PolicyDeniedError):
        require(shipped(), actor, Action.COPY_REMOVABLE, asset, Circumstances(), frozenset(Duty))


def test_the_sites_take_from_everybody_what_some_profile_lets_them_write() -> None:
    editors = writing_rules().editors
    assert set(editors["attendance"]) == {"principal", "vice_principal", "teacher", "nurse", "clerk", "board"}
    assert set(editors["roster"]) == {"principal", "vice_principal", "clerk", "board"}
    assert set(editors["policy"]) == set(editors["person"]) == {"board"}
    for kind in ("permit.grant", "attendance.reopened", "meeting.confirmed"):
        assert set(editors[kind]) == {"principal"}, "an area's others do not write what is the principal's"
    assert set(editors["hours.approval"]) == {"principal", "vice_principal"}
    assert set(editors["emergency"]) == {"principal", "vice_principal", "clerk", "board"}
    assert "learner" not in {role for roles in editors.values() for role in roles}
    assert "ict_support" not in {role for roles in editors.values() for role in roles}


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    fresh, used = Policy(shipped_policy()), shipped()
    for action, role, importance, now in product(Action, Role, Importance, every_circumstance()):
        asset, actor = Asset("document", importance), Actor((role,), ALL)
        assert fresh._answer(actor, action, asset, now) == used.decide(actor, action, asset, now)
