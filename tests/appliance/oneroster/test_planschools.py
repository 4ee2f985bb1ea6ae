"""Whose rows an export holds: one school of a city, another's, people known by their school alone."""

from pathlib import Path

import pytest

from appliance.oneroster.errors import SchoolUnclearError, WrongSchoolError
from appliance.roster import Enrollment, School, User
from tests.appliance.oneroster.samples import (
    CODE,
    GUARDIAN,
    OTHER_CODE,
    PUPIL_A,
    SCHOOL,
    TEACHER,
    clean,
    found,
    ids,
    rules,
    two_schools,
    uid,
    user,
)


def test_another_schools_export_is_refused_with_both_codes(tmp_path: Path) -> None:
    with pytest.raises(WrongSchoolError) as caught:
        clean().plan(tmp_path, code=OTHER_CODE)
    assert caught.value.params == {"wanted": OTHER_CODE, "found": CODE}


def test_of_a_citys_export_only_the_asked_school_goes_in(tmp_path: Path) -> None:
    plan = two_schools().plan(tmp_path)
    alone = clean().plan(tmp_path)
    assert plan.put == alone.put and plan.quarantined == () and plan.class_counts == alone.class_counts
    assert (plan.totals.skipped_schools, plan.totals.skipped_rows) == (1, 6)
    other = two_schools().plan(tmp_path, code=OTHER_CODE)
    assert ids(other.put, User) == {TEACHER, uid(121)}
    assert ids(other.put, Enrollment) == {uid(131), uid(132)}


@pytest.mark.parametrize("names_child", [True, False], ids=["named by the pupil", "names the pupil"])
def test_guardians_without_a_school_come_with_their_children(tmp_path: Path, names_child: bool) -> None:
    sample = two_schools()
    sample.row("users", 3)["primaryOrgSourcedId"] = ""
    sample.row("roles", 3)["orgSourcedId"] = ""
    if not names_child:
        sample.row("users")["agentSourcedIds"] = ""
        sample.row("users", 3)["agentSourcedIds"] = PUPIL_A
    assert GUARDIAN in ids(sample.plan(tmp_path).put, User)
    assert GUARDIAN not in ids(sample.plan(tmp_path, code=OTHER_CODE).put, User)


def test_staff_known_by_their_school_alone_come_in(tmp_path: Path) -> None:
    sample = two_schools()
    sample.parts["users"].append(user(uid(70), "用務", "員子"))
    assert uid(70) in ids(sample.plan(tmp_path).put, User)
    assert uid(70) not in ids(sample.plan(tmp_path, code=OTHER_CODE).put, User)


def test_faults_of_another_school_are_not_reported(tmp_path: Path) -> None:
    sample = two_schools()
    sample.row("users", 4)["familyName"] = ""
    assert sample.plan(tmp_path).quarantined == ()


def test_one_school_without_a_code_is_taken_with_a_warning(tmp_path: Path) -> None:
    sample = clean()
    sample.row("orgs", 1)["identifier"] = "daiichi"
    plan = sample.plan(tmp_path)
    assert {"orgs.identifier.ambiguous", "orgs.identifier.school_code"} <= rules(plan)
    school = found(plan, School, SCHOOL)
    assert isinstance(school, School) and school.code == ""


def test_a_known_school_that_lost_its_code_is_still_ours(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = two_schools()
    for number in (1, 2):
        sample.row("orgs", number)["identifier"] = ""
    plan = sample.plan(tmp_path, before)
    assert (plan.put, plan.remove) == ((), ())


def test_two_schools_without_codes_are_refused(tmp_path: Path) -> None:
    sample = two_schools()
    for number in (1, 2):
        sample.row("orgs", number)["identifier"] = ""
    with pytest.raises(SchoolUnclearError):
        sample.plan(tmp_path)
