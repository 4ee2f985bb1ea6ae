from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest

from appliance.oneroster.dialects import JP
from appliance.oneroster.plan import plan_import
from appliance.roster import Contact, Enrollment, School, SchoolClass, Session, User
from tests.appliance.oneroster.samples import (
    CLASS_A,
    CLASS_B,
    CODE,
    ENROL_A,
    ENROL_B,
    GUARDIAN,
    PUPIL_A,
    PUPIL_B,
    SCHOOL,
    TEACHER,
    YEAR,
    clean,
    enrolment,
    found,
    ids,
    role,
    rules,
    two_schools,
    uid,
    user,
)


def test_a_clean_export_goes_in_without_a_word(tmp_path: Path) -> None:
    plan = clean().plan(tmp_path)
    assert (plan.quarantined, plan.warnings) == ((), ())
    assert (plan.version, plan.mode, plan.encoding, plan.unchanged, plan.remove) == (
        "1.2_JP",
        "bulk",
        "utf-8",
        0,
        (),
    )
    assert len(plan.put) == 1 + 1 + 2 + 4 + 3 + 3


def test_each_row_becomes_its_record(tmp_path: Path) -> None:
    plan = clean().plan(tmp_path)
    assert found(plan, School, SCHOOL) == School(id=SCHOOL, code=CODE, name="第一小学校")
    assert found(plan, Session, YEAR) == Session(
        id=YEAR, title="2026年度", starts=date(2026, 4, 1), ends=date(2027, 3, 31), year=2026
    )
    assert found(plan, SchoolClass, CLASS_A) == SchoolClass(
        id=CLASS_A, title="1年1組", grades=("P1",), school_id=SCHOOL, session_ids=(YEAR,)
    )
    assert found(plan, User, PUPIL_A) == User(
        id=PUPIL_A,
        roles=("student",),
        family_name="山田",
        given_name="太郎",
        kana_family="カナ",
        kana_given="ナマエ",
        grades=("P1",),
        home_class=CLASS_A,
        username="u021",
    )
    assert found(plan, Contact, PUPIL_A) == Contact(id=PUPIL_A, agents=(GUARDIAN,))
    assert found(plan, Enrollment, ENROL_A) == Enrollment(
        id=ENROL_A, class_id=CLASS_A, user_id=PUPIL_A, role="student", number=1
    )


def test_counts_are_of_the_roster_after_the_import(tmp_path: Path) -> None:
    sample = clean()
    sample.row("classes", 1)[JP + "specialNeeds"] = "true"
    sample.parts["enrollments"].append(enrolment(uid(34), CLASS_A, PUPIL_B, "student"))
    plan = sample.plan(tmp_path)
    counted = [(c.title, c.grade, c.pupils, c.teachers, c.specials) for c in plan.class_counts]
    assert counted == [("1年1組", "P1", 2, 1, 1), ("2年1組", "P2", 1, 0, 1)]
    assert (plan.totals.pupils, plan.totals.teachers, plan.totals.users) == (2, 1, 4)


def test_the_same_export_again_changes_nothing(tmp_path: Path) -> None:
    first = clean().plan(tmp_path)
    again = clean().plan(tmp_path, first.put)
    assert (again.put, again.remove, again.unchanged) == ((), (), len(first.put))
    assert again.class_counts == first.class_counts


def test_bulk_removes_what_is_no_longer_there_with_all_that_hangs_on_it(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean()
    sample.parts["users"] = [row for row in sample.parts["users"] if row["sourcedId"] != PUPIL_A]
    plan = sample.plan(tmp_path, before)
    # The exporter left the enrolment of the user it deleted: it is quarantined and still goes.
    assert {q.rule for q in plan.quarantined} == {
        "enrollments.userSourcedId.reference",
        "roles.userSourcedId.reference",
    }
    assert ids(plan.remove, User) == {PUPIL_A}
    assert ids(plan.remove, Contact) == {PUPIL_A}
    assert ids(plan.remove, Enrollment) == {ENROL_A}
    assert [c.pupils for c in plan.class_counts] == [0, 1]


def test_a_bad_row_never_removes_its_person(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean()
    sample.row("users")["familyName"] = ""
    plan = sample.plan(tmp_path, before)
    assert [(q.file, q.line, q.column, q.rule) for q in plan.quarantined] == [
        ("users.csv", 2, "familyName", "users.familyName.missing")
    ]
    assert (plan.put, plan.remove) == ((), ())
    assert plan.class_counts[0].pupils == 1


def test_a_new_bad_row_takes_its_enrolment_and_role_with_it(tmp_path: Path) -> None:
    sample = clean()
    sample.row("users")["familyName"] = ""
    plan = sample.plan(tmp_path)
    assert [(q.file, q.line, q.rule) for q in plan.quarantined] == [
        ("enrollments.csv", 2, "enrollments.userSourcedId.reference"),
        ("roles.csv", 2, "roles.userSourcedId.reference"),
        ("users.csv", 2, "users.familyName.missing"),
    ]
    assert ids(plan.put, User) == {PUPIL_B, TEACHER, GUARDIAN}
    assert plan.totals.quarantined == 3


@pytest.mark.parametrize("damage", ["row without id", "short row", "no rows"])
def test_nothing_is_removed_on_the_word_of_a_damaged_file(tmp_path: Path, damage: str) -> None:
    before = clean().plan(tmp_path).put
    sample = clean()
    if damage == "no rows":
        sample.parts["users"] = []
    else:
        del sample.parts["users"][1]
        sample.parts["users"].append(user("", "田中", "名無"))
    folder = sample.write(tmp_path / "export")
    if damage == "short row":
        text = (folder / "users.csv").read_text("utf-8").splitlines()
        (folder / "users.csv").write_text("\n".join([*text[:-1], uid(99) + ",,,true"]), "utf-8")
    plan = plan_import(folder, CODE, before)
    assert plan.remove == ()
    assert rules(plan) & {"users.file.withheld", "users.file.empty"}


def test_a_bulk_file_that_is_absent_keeps_its_records(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean()
    for part in ("classes", "enrollments", "academicSessions"):
        del sample.parts[part]
        assert sample.manifest is not None
        sample.manifest = [(n, "absent" if n == f"file.{part}" else v) for n, v in sample.manifest]
    plan = sample.plan(tmp_path, before)
    assert (plan.put, plan.remove, plan.quarantined) == ((), (), ())


def test_losing_half_of_the_people_is_pointed_out(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean()
    del sample.parts["users"][1:]
    assert "users.file.many" in rules(sample.plan(tmp_path, before))


def test_bulk_rows_with_a_status_warn_and_deleted_ones_stay_out(tmp_path: Path) -> None:
    sample = clean().delta()
    sample.manifest = clean().manifest
    sample.row("users", 1)["status"] = "tobedeleted"
    plan = sample.plan(tmp_path)
    assert {"users.status.bulk", "users.dateLastModified.bulk"} <= rules(plan)
    assert PUPIL_B not in ids(plan.put, User)
    assert {q.rule for q in plan.quarantined} == {
        "enrollments.userSourcedId.reference",
        "roles.userSourcedId.reference",
    }


def test_delta_changes_only_what_it_names(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean().delta()
    for part in ("orgs", "academicSessions", "courses", "classes", "demographics", "userProfiles", "roles"):
        sample.parts[part] = []
    sample.parts["users"] = sample.parts["users"][:2]
    sample.row("users")["givenName"] = "太朗"
    sample.row("users", 1)["status"] = "tobedeleted"
    sample.parts["enrollments"] = [sample.row("enrollments", 1) | {"status": "tobedeleted"}]
    plan = sample.plan(tmp_path, before)
    assert (plan.mode, plan.quarantined) == ("delta", ())
    assert ids(plan.put, User) == {PUPIL_A} and len(plan.put) == 1
    changed = found(plan, User, PUPIL_A)
    assert isinstance(changed, User) and changed.given_name == "太朗" and changed.roles == ("student",)
    assert ids(plan.remove, User) == {PUPIL_B} and ids(plan.remove, Enrollment) == {ENROL_B}
    assert len(plan.remove) == 2


def test_a_delta_of_moves_refers_to_the_roster(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean().delta()
    sample.parts = {"enrollments": [sample.row("enrollments") | {"classSourcedId": CLASS_B}]}
    plan = sample.plan(tmp_path, before)
    assert plan.quarantined == ()
    moved = found(plan, Enrollment, ENROL_A)
    assert isinstance(moved, Enrollment) and moved.class_id == CLASS_B
    assert [c.pupils for c in plan.class_counts] == [0, 2]


def test_a_delta_of_roles_changes_the_user(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean().delta()
    stamp = {"status": "active", "dateLastModified": "2026-05-01T00:00:00Z"}
    sample.parts = {
        "users": [],
        "roles": [
            role(uid(43), TEACHER, "teacher") | stamp | {"status": "tobedeleted"},
            role(uid(45), TEACHER, "principal") | stamp,
        ],
    }
    plan = sample.plan(tmp_path, before)
    assert len(plan.put) == 1
    head = found(plan, User, TEACHER)
    assert isinstance(head, User) and head.roles == ("principal",)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("status", "", "users.status.delta"),
        ("status", "gone", "users.status.value"),
        ("dateLastModified", "", "users.dateLastModified.delta"),
        ("dateLastModified", "yesterday", "users.dateLastModified.time"),
    ],
)
def test_delta_rows_need_status_and_time(tmp_path: Path, column: str, value: str, rule: str) -> None:
    before = clean().plan(tmp_path).put
    sample = clean().delta()
    sample.row("users")[column] = value
    plan = sample.plan(tmp_path, before)
    assert rule in {q.rule for q in plan.quarantined}
    assert plan.remove == ()


def test_the_first_of_two_rows_with_an_id_counts(tmp_path: Path) -> None:
    sample = clean()
    sample.parts["users"].append(user(PUPIL_A, "別人", "次郎"))
    plan = sample.plan(tmp_path)
    assert [(q.line, q.rule) for q in plan.quarantined] == [(6, "users.sourcedId.duplicate")]
    kept = found(plan, User, PUPIL_A)
    assert isinstance(kept, User) and kept.family_name == "山田"


def test_a_damaged_roles_file_takes_no_role_away(tmp_path: Path) -> None:
    before = clean().plan(tmp_path).put
    sample = clean()
    sample.row("roles", 2)["sourcedId"] = ""
    plan = sample.plan(tmp_path, before)
    assert (plan.put, plan.remove) == ((), ())


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("99", 99), ("０７", 7), ("0", None), ("100", None), ("三", None), ("-1", None)]
)
def test_numbers_run_from_1_to_99(tmp_path: Path, text: str, number: int | None) -> None:
    sample = clean()
    sample.row("enrollments")[JP + "shussekiNo"] = text
    plan = sample.plan(tmp_path)
    enrolled = found(plan, Enrollment, ENROL_A)
    assert isinstance(enrolled, Enrollment) and enrolled.number == number
    assert ("enrollments.shussekiNo.range" in rules(plan)) == (number is None)
    assert plan.quarantined == ()


def test_enrolment_dates_are_read(tmp_path: Path) -> None:
    sample = clean()
    sample.row("enrollments").update(beginDate="2026-04-06", endDate="2026/9/30")
    plan = sample.plan(tmp_path)
    enrolled = found(plan, Enrollment, ENROL_A)
    assert isinstance(enrolled, Enrollment)
    assert (enrolled.begins, enrolled.ends) == (date(2026, 4, 6), date(2026, 9, 30))
    assert rules(plan) == {"enrollments.endDate.iso"}


def test_a_dangling_reference_that_does_no_harm_is_dropped_with_a_warning(tmp_path: Path) -> None:
    sample = clean()
    sample.row("users").update({"agentSourcedIds": f"{GUARDIAN},{uid(77)}", JP + "homeClass": uid(78)})
    sample.row("classes")["termSourcedIds"] = uid(79)
    plan = sample.plan(tmp_path)
    assert plan.quarantined == ()
    assert found(plan, Contact, PUPIL_A) == Contact(id=PUPIL_A, agents=(GUARDIAN,))
    pupil, first = found(plan, User, PUPIL_A), found(plan, SchoolClass, CLASS_A)
    assert isinstance(pupil, User) and pupil.home_class == ""
    assert isinstance(first, SchoolClass) and first.session_ids == ()


def test_unknown_roles_are_given_to_nobody(tmp_path: Path) -> None:
    sample = clean()
    sample.row("roles", 3)["role"] = "superuser"
    plan = sample.plan(tmp_path)
    guardian = found(plan, User, GUARDIAN)
    assert isinstance(guardian, User) and guardian.roles == ()
    assert {"roles.role.value", "users.role.missing"} <= rules(plan)


def test_the_primary_role_stands_first(tmp_path: Path) -> None:
    sample = clean()
    sample.parts["roles"].insert(0, role(uid(46), TEACHER, "principal", roleType="secondary"))
    head = found(sample.plan(tmp_path), User, TEACHER)
    assert isinstance(head, User) and head.roles == ("teacher", "principal")


def test_progress_ends_with_all_rows(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    plan = plan_import(
        clean().write(tmp_path / "e"), CODE, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(plan.totals.rows, plan.totals.rows)]


def test_planning_is_repeatable_and_leaves_the_inputs_alone(tmp_path: Path) -> None:
    folder = two_schools().write(tmp_path / "e")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    existing = list(clean().plan(tmp_path / "c").put)
    kept = deepcopy(existing)
    assert plan_import(folder, CODE, existing) == plan_import(folder, CODE, existing)
    assert existing == kept and {path.name: path.read_bytes() for path in folder.iterdir()} == before
