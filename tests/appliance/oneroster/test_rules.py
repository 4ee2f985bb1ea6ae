"""Every violation that the Digital Agency's validator names is caught here too, on a CSV dirtied for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.errors import ApplianceError
from appliance.oneroster.dialects import JP
from appliance.oneroster.errors import MissingColumnError, UndecodableError
from appliance.oneroster.findings import PROBLEMS
from appliance.oneroster.plan import plan_import
from appliance.oneroster.rules import RULES
from tests.appliance.oneroster.samples import (
    CODE,
    DATA,
    PROFILE,
    TEACHER,
    Sample,
    clean,
    enrolment,
    role,
    rules,
    uid,
    user,
)

SOURCE = DATA / "oneroster-jp" / "da2022-errors" / "invalidErrorConfig.json"
HALF = "ｱｲｳ"
Dirt = Callable[[Sample], object]


@dataclass(frozen=True)
class Case:
    """`dirty` spoils a clean export, and then `expected` (a rule id or an error class) must be reported."""

    dirty: Dirt
    expected: str | type[ApplianceError]


def put(part: str, column: str, value: str, rule: str, row: int = 0) -> Case:
    return Case(lambda s: s.row(part, row).__setitem__(column, value), f"{part}.{rule}")


def drop(part: str, column: str, stops: bool = False) -> Case:
    rule = "kana" if "kana" in column else column.removeprefix(JP)
    return Case(lambda s: s.drop_column(part, column), MissingColumnError if stops else f"{part}.{rule}.column")


def bulk(part: str, column: str) -> Case:
    value = "active" if column == "status" else "2026-04-01T00:00:00Z"
    return put(part, column, value, f"{column}.bulk")


def dangling(part: str, column: str, row: int = 0) -> Case:
    return put(part, column, uid(999), f"{column}.reference", row)


def order(part: str) -> Case:
    return Case(lambda s: s.columns[part].reverse(), f"{part}.header.order")


def manifest(name: str, value: str | None, rule: str) -> Case:
    def dirty(sample: Sample) -> None:
        pairs = [(n, v) for n, v in sample.manifest or [] if n != name]
        sample.manifest = pairs if value is None else [*pairs, (name, value)]

    return Case(dirty, rule)


def no_manifest(sample: Sample) -> None:
    sample.manifest = None


def same_master(sample: Sample) -> None:
    for number in (0, 1):
        sample.row("users", number)["userMasterIdentifier"] = uid(900)


def garble(sample: Sample) -> None:
    sample.encoding = "euc_jp"


def rename_column(name: str) -> Dirt:
    def dirty(sample: Sample) -> None:
        sample.columns["manifest"] = ["x" if c == name else c for c in sample.columns["manifest"]]

    return dirty


CASES: dict[str, Case] = {
    "ib9001": Case(no_manifest, "manifest.file.absent"),
    "ib9002": Case(lambda s: s.parts.pop("roles"), "roles.file.absent"),
    "ib9003": manifest("manifest.version", "2.0", "manifest.manifest.version.value"),
    "ib9004": Case(rename_column("propertyName"), "manifest.propertyName.column"),
    "ib9005": Case(rename_column("value"), "manifest.value.column"),
    "ib9006": manifest("oneroster.version", "9.9", "manifest.oneroster.version.value"),
    "ib9007": manifest("file.users", None, "users.file.unlisted"),
    "ib9008": Case(lambda s: s.parts.pop("courses"), "courses.file.absent"),
    "ib9009": manifest("file.users", "some", "manifest.file.value"),
    "ib0009": drop("academicSessions", "sourcedId", True),
    "ib0010": drop("academicSessions", "title", True),
    "ib0011": drop("academicSessions", "type"),
    "ib0012": drop("academicSessions", "startDate", True),
    "ib0013": drop("academicSessions", "endDate", True),
    "ib0014": drop("academicSessions", "schoolYear"),
    "ib0015": drop("classes", "sourcedId", True),
    "ib0016": drop("classes", "title", True),
    "ib0017": drop("classes", "courseSourcedId"),
    "ib0018": drop("classes", "classType", True),
    "ib0019": drop("classes", "schoolSourcedId", True),
    "ib0020": drop("classes", "termSourcedIds"),
    "ib0021": drop("courses", "sourcedId"),
    "ib0022": drop("courses", "title"),
    "ib0023": drop("demographics", "sourcedId"),
    "ib0024": drop("enrollments", "sourcedId", True),
    "ib0025": drop("enrollments", "classSourcedId", True),
    "ib0026": drop("enrollments", "schoolSourcedId"),
    "ib0027": drop("enrollments", "userSourcedId", True),
    "ib0028": drop("enrollments", "role", True),
    "ib0029": drop("users", "sourcedId", True),
    "ib0030": drop("users", "enabledUser"),
    "ib0031": drop("users", "username"),
    "ib0032": drop("users", "givenName", True),
    "ib0033": drop("users", "familyName", True),
    "ib0034": drop("orgs", "sourcedId", True),
    "ib0035": drop("orgs", "name", True),
    "ib0036": drop("orgs", "type", True),
    "ib0037": drop("roles", "sourcedId", True),
    "ib0038": drop("roles", "userSourcedId", True),
    "ib0039": drop("roles", "roleType"),
    "ib0040": drop("roles", "role", True),
    "ib0041": drop("roles", "orgSourcedId"),
    "ib0042": drop("userProfiles", "sourcedId"),
    "ib0043": drop("userProfiles", "userSourcedId"),
    "ib0044": drop("userProfiles", "profileType"),
    "ib0045": drop("userProfiles", "vendorId"),
    "ib0046": drop("userProfiles", "credentialType"),
    "ib0047": drop("userProfiles", "username"),
    "ib0048": drop("enrollments", "primary"),
    "ib0049": drop("users", "preferredGivenName"),
    "ib0050": drop("users", "preferredFamilyName"),
    "ib0051": drop("users", JP + "kanaGivenName"),
    "ib0052": drop("users", JP + "kanaFamilyName"),
    "ib0053": drop("users", JP + "homeClass"),
    "ib0054": drop("courses", "orgSourcedId"),
    "ib1001": bulk("academicSessions", "status"),
    "ib1002": bulk("academicSessions", "dateLastModified"),
    "ib1003": put("academicSessions", "type", "semester", "type.value"),
    "ib1004": put("academicSessions", "startDate", "4月1日", "startDate.date"),
    "ib1005": put("academicSessions", "endDate", "2027-02-30", "endDate.date"),
    "ib1006": put("academicSessions", "schoolYear", "令和8", "schoolYear.year"),
    "ib1007": bulk("classes", "status"),
    "ib1008": bulk("classes", "dateLastModified"),
    "ib1009": put("classes", "classType", "club", "classType.value"),
    "ib1010": bulk("courses", "status"),
    "ib1011": bulk("courses", "dateLastModified"),
    "ib1012": bulk("demographics", "status"),
    "ib1013": bulk("demographics", "dateLastModified"),
    "ib1014": put("demographics", "birthDate", "H31.4.2", "birthDate.date"),
    "ib1015": put("demographics", "sex", "男", "sex.value"),
    "ib1016": put("demographics", "americanIndianOrAlaskaNative", "x", "americanIndianOrAlaskaNative.value"),
    "ib1017": put("demographics", "asian", "x", "asian.value"),
    "ib1018": put("demographics", "blackOrAfricanAmerican", "x", "blackOrAfricanAmerican.value"),
    "ib1019": put(
        "demographics", "nativeHawaiianOrOtherPacificIslander", "x", "nativeHawaiianOrOtherPacificIslander.value"
    ),
    "ib1020": put("demographics", "white", "x", "white.value"),
    "ib1021": put("demographics", "demographicRaceTwoOrMoreRaces", "x", "demographicRaceTwoOrMoreRaces.value"),
    "ib1022": put("demographics", "hispanicOrLatinoEthnicity", "x", "hispanicOrLatinoEthnicity.value"),
    "ib1023": bulk("enrollments", "status"),
    "ib1024": bulk("enrollments", "dateLastModified"),
    "ib1025": put("enrollments", "role", "pupil", "role.value"),
    "ib1026": put("enrollments", "primary", "1", "primary.value"),
    "ib1027": put("enrollments", "beginDate", "soon", "beginDate.date"),
    "ib1028": put("enrollments", "endDate", "2026-13-01", "endDate.date"),
    "ib1029": bulk("users", "status"),
    "ib1030": bulk("users", "dateLastModified"),
    "ib1031": put("users", "enabledUser", "yes", "enabledUser.value"),
    "ib1032": put("users", "userIds", "12345", "userIds.user_ids"),
    "ib1033": bulk("orgs", "status"),
    "ib1034": bulk("orgs", "dateLastModified"),
    "ib1035": put("orgs", "type", "department", "type.value"),
    "ib1036": bulk("roles", "status"),
    "ib1037": bulk("roles", "dateLastModified"),
    "ib1038": put("roles", "roleType", "third", "roleType.value"),
    "ib1039": put("roles", "role", "aide", "role.value"),
    "ib1040": put("roles", "beginDate", "x", "beginDate.date"),
    "ib1041": put("roles", "endDate", "x", "endDate.date"),
    "ib1042": bulk("userProfiles", "status"),
    "ib1043": bulk("userProfiles", "dateLastModified"),
    "ib1044": dangling("academicSessions", "parentSourcedId"),
    "ib1045": dangling("classes", "courseSourcedId"),
    "ib1046": dangling("classes", "schoolSourcedId"),
    "ib1047": dangling("classes", "termSourcedIds"),
    "ib1048": dangling("courses", "orgSourcedId"),
    "ib1049": dangling("courses", "schoolYearSourcedId"),
    "ib1050": dangling("enrollments", "classSourcedId"),
    "ib1051": dangling("enrollments", "schoolSourcedId"),
    "ib1052": dangling("enrollments", "userSourcedId"),
    "ib1053": dangling("users", "agentSourcedIds"),
    "ib1054": dangling("users", "resourceSourcedIds"),
    "ib1055": dangling("users", "primaryOrgSourcedId"),
    "ib1056": dangling("orgs", "parentSourcedId", row=1),
    "ib1057": dangling("roles", "userSourcedId"),
    "ib1058": dangling("roles", "userProfileSourcedId"),
    "ib1059": dangling("roles", "orgSourcedId"),
    "ib1060": dangling("userProfiles", "userSourcedId"),
    "ib1061": put("academicSessions", "sourcedId", "y2026", "sourcedId.uuid"),
    "ib1062": put("academicSessions", "title", "令和8年度", "title.title"),
    "ib1063": put("classes", "sourcedId", "c1", "sourcedId.uuid"),
    "ib1064": put("classes", "title", HALF, "title.halfwidth"),
    "ib1065": put("classes", "grades", "1年", "grades.grade"),
    "ib1066": put("classes", "location", HALF, "location.halfwidth"),
    "ib1067": put("classes", JP + "specialNeeds", "有", "specialNeeds.value"),
    "ib1068": put("classes", "subjectCodes", "P999", "subjectCodes.subject"),
    "ib1069": put("courses", "subjectCodes", "X010", "subjectCodes.subject"),
    "ib1070": put("courses", "sourcedId", "k1", "sourcedId.uuid"),
    "ib1071": put("enrollments", "sourcedId", "e1", "sourcedId.uuid"),
    "ib1072": put("users", "sourcedId", "u1", "sourcedId.uuid"),
    "ib1073": put("users", "userMasterIdentifier", "m1", "userMasterIdentifier.uuid"),
    "ib1074": put("orgs", "sourcedId", "o1", "sourcedId.uuid"),
    "ib1075": put("roles", "sourcedId", "r1", "sourcedId.uuid"),
    "ib1076": put("userProfiles", "sourcedId", "p1", "sourcedId.uuid"),
    "ib1077": put("courses", "title", f"2026年度{HALF}", "title.halfwidth"),
    "ib1078": put("courses", "title", "国語", "title.title"),
    "ib1079": put("courses", "grades", "P7", "grades.grade"),
    "ib1080": put("courses", "courseCode", "1", "courseCode.not_empty"),
    "ib1081": dangling("demographics", "sourcedId"),
    "ib1082": put("enrollments", "primary", "true", "primary.primary"),
    "ib1083": put("users", "givenName", HALF, "givenName.halfwidth"),
    "ib1084": put("users", "familyName", HALF, "familyName.halfwidth"),
    "ib1085": put("users", "middleName", HALF, "middleName.halfwidth"),
    "ib1086": put("users", "preferredGivenName", HALF, "preferredGivenName.halfwidth"),
    "ib1087": put("users", "preferredFamilyName", HALF, "preferredFamilyName.halfwidth"),
    "ib1088": put("users", "preferredMiddleName", HALF, "preferredMiddleName.halfwidth"),
    "ib1089": put("users", JP + "kanaGivenName", HALF, "kana.halfwidth"),
    "ib1090": put("users", JP + "kanaFamilyName", HALF, "kana.halfwidth"),
    "ib1091": put("users", JP + "kanaMiddleName", HALF, "kana.halfwidth"),
    "ib1092": put("users", "grades", "1", "grades.grade"),
    "ib1093": Case(same_master, "users.userMasterIdentifier.duplicate"),
    "ib1094": put("users", JP + "homeClass", uid(998), "homeClass.reference"),
    "ib1095": put("orgs", "parentSourcedId", uid(2), "parentSourcedId.parent_forbidden"),
    "ib1096": put("orgs", "parentSourcedId", "", "parentSourcedId.parent_required", row=1),
    "ib1097": put("orgs", "name", HALF, "name.halfwidth", row=1),
    "ib1098": put("orgs", "identifier", "daiichi", "identifier.school_code", row=1),
    "ib1099": put("roles", "roleType", "secondary", "roleType.primary_missing"),
    "ib1100": put("userProfiles", "description", HALF, "description.halfwidth"),
    "ib1101": Case(garble, UndecodableError),
    "ib1102": put("orgs", "identifier", "board", "identifier.board_code"),
    "ib2000": order("academicSessions"),
    "ib2001": order("classes"),
    "ib2002": order("courses"),
    "ib2003": order("demographics"),
    "ib2004": order("enrollments"),
    "ib2005": order("users"),
    "ib2006": order("orgs"),
    "ib2007": order("roles"),
    "ib2008": order("userProfiles"),
}
# "Unknown error" speaks of the validator itself; the XXX entries are headings.
NOT_A_VIOLATION = {"ib9999", "ib9XXX", "ib0XXX", "ib1XXX", "ib2XXX"}


@pytest.mark.parametrize("code", CASES)
def test_each_violation_of_the_governments_list_is_caught(tmp_path: Path, code: str) -> None:
    sample, case = clean(), CASES[code]
    case.dirty(sample)
    if isinstance(case.expected, str):
        assert case.expected in rules(sample.plan(tmp_path))
    else:
        with pytest.raises(case.expected):
            sample.plan(tmp_path)


def test_no_violation_of_the_governments_list_is_forgotten() -> None:
    if not SOURCE.exists():
        pytest.skip(f"the Digital Agency's list of violations is not here: {SOURCE}")
    listed = json.loads(SOURCE.read_text("utf-8"))
    assert set(CASES) == set(listed) - NOT_A_VIOLATION


def test_a_clean_export_breaks_no_rule(tmp_path: Path) -> None:
    assert rules(clean().plan(tmp_path)) == set()


@pytest.mark.parametrize(
    ("part", "column", "value", "rule"),
    [
        ("users", "givenName", "", "users.givenName.missing"),
        ("users", JP + "kanaFamilyName", "", "users.kana.missing"),
        ("users", "familyName", "山\n田", "users.familyName.control"),
        ("users", "familyName", "\x1b[31m山田", "users.familyName.control"),
        ("users", JP + "kanaPreferredGivenName", HALF, "users.kana.halfwidth"),
        ("classes", "title", "", "classes.title.missing"),
        ("classes", "schoolSourcedId", uid(997), "classes.schoolSourcedId.reference"),
        ("enrollments", "classSourcedId", "", "enrollments.classSourcedId.missing"),
        ("academicSessions", "endDate", "2025-03-31", "academicSessions.endDate.before"),
    ],
)
def test_what_damages_data_is_quarantined(tmp_path: Path, part: str, column: str, value: str, rule: str) -> None:
    sample = clean()
    if column not in sample.columns[part]:
        sample.columns[part].append(column)
    sample.row(part)[column] = value
    plan = sample.plan(tmp_path)
    hit = [q for q in plan.quarantined if q.rule == rule]
    assert [(q.file, q.line, q.column) for q in hit] == [(f"{part}.csv", 2, column)]


@pytest.mark.parametrize(
    ("part", "column", "value", "rule"),
    [
        ("users", JP + "homeClass", "", "users.homeClass.missing"),
        ("users", "enabledUser", "false", "users.enabledUser.disabled"),
        ("users", "password", "secret", "users.password.password"),
        ("users", "familyName", "山\ue000", "users.familyName.gaiji"),
        ("academicSessions", "startDate", "2026-04-02", "academicSessions.startDate.april"),
        ("classes", "schoolSourcedId", "", "classes.schoolSourcedId.missing"),
    ],
)
def test_what_the_profile_merely_asks_for_is_a_warning(
    tmp_path: Path, part: str, column: str, value: str, rule: str
) -> None:
    sample = clean()
    sample.row(part)[column] = value
    plan = sample.plan(tmp_path)
    assert plan.quarantined == () and rule in {w.rule for w in plan.warnings}


def test_two_pupils_of_one_class_with_a_number_are_pointed_out(tmp_path: Path) -> None:
    sample = clean()
    sample.row("enrollments", 1)["classSourcedId"] = sample.row("enrollments")["classSourcedId"]
    assert rules(sample.plan(tmp_path)) == {"enrollments.shussekiNo.duplicate"}


def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path) -> None:
    sample = clean()
    sample.row("users", 3).update({"familyName": "", "givenName": HALF, JP + "kanaGivenName": ""})
    told = {q.rule for q in sample.plan(tmp_path).quarantined if q.file == "users.csv"}
    assert told == {"users.familyName.missing", "users.givenName.halfwidth", "users.kana.missing"}


def test_line_numbers_are_physical_lines(tmp_path: Path) -> None:
    sample = clean()
    sample.row("users")["username"] = "two\r\nlines"
    sample.row("users", 1)["familyName"] = ""
    folder = sample.write(tmp_path / "export")
    text = (folder / "users.csv").read_bytes()
    (folder / "users.csv").write_bytes(text.replace(b"\r\n", b"\r\n\r\n", 1))
    # Header, blank line, two lines of the first row, then the bad one.
    assert [q.line for q in plan_import(folder, CODE).quarantined if q.file == "users.csv"] == [5]


def test_every_problem_is_worded_and_every_rule_has_a_wording() -> None:
    assert all(japanese and english for japanese, english in PROBLEMS.values())
    assert {column.problem for part in RULES.values() for column in part} <= PROBLEMS.keys()


def test_rows_of_another_person_are_not_mixed_up(tmp_path: Path) -> None:
    sample = clean()
    sample.parts["users"].append(user(uid(60), "", "無名"))
    sample.parts["enrollments"].append(enrolment(uid(61), uid(11), uid(60), "student"))
    sample.parts["roles"].append(role(uid(62), uid(60), "student"))
    plan = sample.plan(tmp_path)
    assert {(q.file, q.line) for q in plan.quarantined} == {
        ("users.csv", 6),
        ("enrollments.csv", 5),
        ("roles.csv", 6),
    }
    assert len(plan.put) == 14
    assert PROFILE not in {r.id for r in plan.put} and TEACHER in {r.id for r in plan.put}
