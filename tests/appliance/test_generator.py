"""The made school: conformant to the last row, the same for the same seed, and shaped like a real one."""

from collections import Counter
from pathlib import Path

import pytest

from appliance.generator.school import GRADES, MadeSchool, make_school
from appliance.generator.writer import write_school
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.roster import Enrollment, SchoolClass, User
from appliance.schoolcode import parse_school_code

SEEDS = (0, 1, 7, 42, 20_261_124)
EVERY = pytest.mark.parametrize("seed", SEEDS)


def planned(school: MadeSchool, folder: Path) -> ImportPlan:
    write_school(school, folder / "roster.zip")
    return plan_import(folder / "roster.zip", school.code)


@EVERY
def test_it_imports_without_a_word(seed: int, tmp_path: Path) -> None:
    school = make_school(seed, 2026)
    plan = planned(school, tmp_path)
    assert (plan.quarantined, plan.warnings) == ((), ())
    assert (plan.version, plan.mode, plan.encoding) == ("1.2_JP", "bulk", "utf-8")
    people = [*school.staff, *school.guardians, *(p for c in school.classes for p in c.pupils)]
    assert {r.id for r in plan.put if isinstance(r, User)} == {person.id for person in people}
    enrolled = [r for r in plan.put if isinstance(r, Enrollment)]
    assert len(enrolled) == sum(len(c.pupils) + 1 for c in school.classes)
    assert plan.totals.pupils == sum(len(c.pupils) for c in school.classes)


@EVERY
def test_the_same_seed_gives_the_same_bytes(seed: int, tmp_path: Path) -> None:
    first, second, other = tmp_path / "1.zip", tmp_path / "2.zip", tmp_path / "3.zip"
    write_school(make_school(seed, 2026), first)
    write_school(make_school(seed, 2026), second)
    write_school(make_school(seed + 1, 2026), other)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


@EVERY
def test_it_is_shaped_like_a_school_of_nine_years(seed: int) -> None:
    school = make_school(seed, 2026)
    assert parse_school_code(school.code).type_name == "義務教育学校"
    pupils = [pupil for c in school.classes for pupil in c.pupils]
    assert 550 <= len(pupils) <= 700 and len(school.staff) == 50
    per_grade = Counter(c.grades[0] for c in school.classes if not c.special_needs)
    assert tuple(per_grade) == GRADES and set(per_grade.values()) == {2, 3}
    assert all(c.grades == (c.grades[0],) for c in school.classes if not c.special_needs)
    assert len({guardian.guardian_of for guardian in school.guardians}) == len(pupils)


@EVERY
def test_special_needs_classes_hold_several_grades(seed: int, tmp_path: Path) -> None:
    school = make_school(seed, 2026)
    special = [c for c in school.classes if c.special_needs]
    assert [c.title for c in special] == ["なのはな学級（知的）", "たんぽぽ学級（情緒）"]
    for made in special:
        assert 5 <= len(made.pupils) <= 8
        assert {pupil.grade for pupil in made.pupils} <= set(made.grades)
    records = {r.id: r for r in planned(school, tmp_path).put if isinstance(r, SchoolClass)}
    assert all(records[c.id].special_needs is c.special_needs for c in school.classes)
    assert all(records[c.id].grades == c.grades for c in school.classes)


@EVERY
def test_ids_are_unique_and_numbers_run_without_a_gap(seed: int, tmp_path: Path) -> None:
    school = make_school(seed, 2026)
    ids = [p.id for p in (*school.staff, *school.guardians)] + [p.id for c in school.classes for p in c.pupils]
    ids += [school.school_id, school.district_id, school.session_id, *(c.id for c in school.classes)]
    assert len(set(ids)) == len(ids)
    for made in school.classes:
        assert [pupil.number for pupil in made.pupils] == list(range(1, len(made.pupils) + 1))
        readings = [(p.name.kana_family, p.name.kana_given) for p in made.pupils]
        assert readings == sorted(readings)
    put = planned(school, tmp_path).put
    assert len({(record.kind, record.id) for record in put}) == len(put)


@EVERY
def test_every_class_has_a_teacher_of_its_own_who_is_on_the_staff(seed: int) -> None:
    school = make_school(seed, 2026)
    teachers = [c.teacher.id for c in school.classes]
    assert len(set(teachers)) == len(teachers)
    assert set(teachers) <= {person.id for person in school.staff}
    assert school.staff[0].role == "principal" and school.staff[0].id not in teachers


def test_nobody_can_be_reached_by_accident() -> None:
    school = make_school(7, 2026)
    phones = [person.phone for person in (*school.staff, *school.guardians)]
    assert all(phone.startswith("090-0000-") for phone in phones)


def test_the_year_is_the_one_asked_for(tmp_path: Path) -> None:
    plan = planned(make_school(7, 2031), tmp_path)
    begins = {r.begins.isoformat() for r in plan.put if isinstance(r, Enrollment) and r.begins}
    ends = {r.ends.isoformat() for r in plan.put if isinstance(r, Enrollment) and r.ends}
    assert (begins, ends) == ({"2031-04-01"}, {"2032-03-31"})
