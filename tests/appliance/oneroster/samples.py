"""A small, clean Japan-profile export that tests dirty on purpose."""

import csv
import io
import zipfile
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from appliance.oneroster.dialects import COLUMNS, JP
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.roster import RosterRecord
from appliance.schoolcode import check_digit

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
CODE = "B11321234567"
CODE += check_digit(CODE)
OTHER_CODE = "C11321234567"
OTHER_CODE += check_digit(OTHER_CODE)

Rows = list[dict[str, str]]


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


BOARD, SCHOOL, YEAR, COURSE = uid(1), uid(2), uid(3), uid(4)
CLASS_A, CLASS_B = uid(11), uid(12)
PUPIL_A, PUPIL_B, TEACHER, GUARDIAN = uid(21), uid(22), uid(23), uid(24)
ENROL_A, ENROL_B, ENROL_T = uid(31), uid(32), uid(33)
PROFILE = uid(51)


def user(number: str, family: str, given: str, **more: str) -> dict[str, str]:
    return {
        "sourcedId": number,
        "enabledUser": "true",
        "username": f"u{number[-3:]}",
        "familyName": family,
        "givenName": given,
        JP + "kanaFamilyName": "カナ",
        JP + "kanaGivenName": "ナマエ",
        "primaryOrgSourcedId": SCHOOL,
        **more,
    }


def enrolment(key: str, class_id: str, user_id: str, role: str, **more: str) -> dict[str, str]:
    row = {"sourcedId": key, "classSourcedId": class_id, "schoolSourcedId": SCHOOL, "userSourcedId": user_id}
    return {**row, "role": role, "primary": "false", **more}


def role(key: str, user_id: str, name: str, **more: str) -> dict[str, str]:
    row = {"sourcedId": key, "userSourcedId": user_id, "roleType": "primary", "role": name}
    return {**row, "orgSourcedId": SCHOOL, **more}


def school_class(key: str, title: str, grade: str, **more: str) -> dict[str, str]:
    row = {"sourcedId": key, "title": title, "grades": grade, "courseSourcedId": COURSE, "classType": "homeroom"}
    return {**row, "schoolSourcedId": SCHOOL, "termSourcedIds": YEAR, JP + "specialNeeds": "false", **more}


@dataclass
class Sample:
    """An export in memory: rows by part, columns by part, the manifest as pairs."""

    parts: dict[str, Rows]
    columns: dict[str, list[str]] = field(default_factory=dict)
    manifest: list[tuple[str, str]] | None = field(default_factory=list)
    encoding: str = "utf-8"

    def row(self, part: str, number: int = 0) -> dict[str, str]:
        return self.parts[part][number]

    def drop_column(self, part: str, column: str) -> None:
        self.columns[part].remove(column)

    def text(self, part: str) -> str:
        out = io.StringIO()
        writer = csv.writer(out)
        if part == "manifest":
            writer.writerow(self.columns["manifest"])
            writer.writerows(self.manifest or [])
        else:
            writer.writerow(self.columns[part])
            writer.writerows([row.get(column, "") for column in self.columns[part]] for row in self.parts[part])
        return out.getvalue()

    def files(self) -> dict[str, bytes]:
        names = [*self.parts, *(["manifest"] if self.manifest is not None else [])]
        return {f"{part}.csv": self.text(part).encode(self.encoding) for part in names}

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.csv"):
            old.unlink()
        for name, data in self.files().items():
            (folder / name).write_bytes(data)
        return folder

    def zip(self, path: Path, inside: str = "") -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.files().items():
                archive.writestr(inside + name, data)
        return path

    def plan(self, folder: Path, existing: tuple[RosterRecord, ...] = (), code: str = CODE) -> ImportPlan:
        return plan_import(self.write(folder / "export"), code, existing)

    def delta(self) -> "Sample":
        """Return the same export with every row as an active delta row."""
        copy = deepcopy(self)
        for rows in copy.parts.values():
            for row in rows:
                row |= {"status": "active", "dateLastModified": "2026-04-01T00:00:00.000Z"}
        copy.manifest = [(name, "delta" if value == "bulk" else value) for name, value in copy.manifest or []]
        return copy


def school_parts() -> dict[str, Rows]:
    return {
        "academicSessions": [
            {"sourcedId": YEAR, "title": "2026年度", "type": "schoolYear", "schoolYear": "2026"}
            | {"startDate": "2026-04-01", "endDate": "2027-03-31"}
        ],
        "orgs": [
            {"sourcedId": BOARD, "name": "市教育委員会", "type": "district", "identifier": "412015"},
            {"sourcedId": SCHOOL, "name": "第一小学校", "type": "school", "identifier": CODE}
            | {"parentSourcedId": BOARD},
        ],
        "courses": [
            {"sourcedId": COURSE, "title": "2026年度ホームルーム", "orgSourcedId": SCHOOL}
            | {"schoolYearSourcedId": YEAR}
        ],
        "classes": [school_class(CLASS_A, "1年1組", "P1"), school_class(CLASS_B, "2年1組", "P2")],
    }


def people_parts() -> dict[str, Rows]:
    return {
        "users": [
            user(PUPIL_A, "山田", "太郎", **{"grades": "P1", JP + "homeClass": CLASS_A}, agentSourcedIds=GUARDIAN),
            user(PUPIL_B, "鈴木", "花子", **{"grades": "P2", JP + "homeClass": CLASS_B}),
            user(TEACHER, "佐藤", "一郎", email="sato@example.jp"),
            user(GUARDIAN, "山田", "良子", phone="000-0000-0000"),
        ],
        "enrollments": [
            enrolment(ENROL_A, CLASS_A, PUPIL_A, "student", **{JP + "shussekiNo": "1", JP + "publicFlg": "true"}),
            enrolment(ENROL_B, CLASS_B, PUPIL_B, "student", **{JP + "shussekiNo": "1"}),
            enrolment(ENROL_T, CLASS_A, TEACHER, "teacher", primary="true"),
        ],
        "roles": [
            role(uid(41), PUPIL_A, "student"),
            role(uid(42), PUPIL_B, "student"),
            role(uid(43), TEACHER, "teacher", userProfileSourcedId=PROFILE),
            role(uid(44), GUARDIAN, "guardian"),
        ],
        "demographics": [{"sourcedId": PUPIL_A, "birthDate": "2019-05-01", "sex": "male"}],
        "userProfiles": [
            {"sourcedId": PROFILE, "userSourcedId": TEACHER, "profileType": "login", "vendorId": "v"}
            | {"credentialType": "SSO", "username": "sato"}
        ],
    }


def clean() -> Sample:
    parts = school_parts() | people_parts()
    manifest = [("manifest.version", "1.0"), ("oneroster.version", "1.2_JP")]
    manifest += [(f"file.{part}", "bulk") for part in parts]
    manifest += [("file.resources", "absent"), ("file.results", "absent")]
    columns = {part: list(COLUMNS[part]) for part in (*parts, "manifest")}
    return Sample(parts, columns, manifest)


def old_style() -> Sample:
    """The same school as OneRoster 1.1: roles in users.csv, no kana, no roles.csv."""
    sample = clean()
    for name in ("roles", "userProfiles"):
        del sample.parts[name]
    roles = {PUPIL_A: "student", PUPIL_B: "student", TEACHER: "teacher", GUARDIAN: "guardian"}
    for row in sample.parts["users"]:
        row |= {"role": roles[row["sourcedId"]], "orgSourcedIds": SCHOOL}
    kept = [c for c in sample.columns["users"] if not c.startswith(JP) and c != "primaryOrgSourcedId"]
    sample.columns["users"] = [*kept, "orgSourcedIds", "role"]
    sample.manifest = [("manifest.version", "1.0"), ("oneroster.version", "1.1")]
    sample.manifest += [(f"file.{part}", "bulk") for part in sample.parts]
    return sample


def rules(plan: ImportPlan) -> set[str]:
    return {found.rule for found in (*plan.quarantined, *plan.warnings)}


def two_schools() -> Sample:
    """A city's export: the clean school and another with one class, one pupil and one teacher of both."""
    sample = clean()
    far_school, far_class, far_pupil = uid(102), uid(111), uid(121)
    sample.parts["orgs"].append(
        {"sourcedId": far_school, "name": "第二中学校", "type": "school", "identifier": OTHER_CODE}
        | {"parentSourcedId": BOARD}
    )
    sample.parts["classes"].append(school_class(far_class, "中1年1組", "J1", schoolSourcedId=far_school))
    sample.parts["users"].append(user(far_pupil, "遠藤", "次郎", primaryOrgSourcedId=far_school))
    sample.parts["enrollments"] += [
        enrolment(uid(131), far_class, far_pupil, "student", schoolSourcedId=far_school),
        enrolment(uid(132), far_class, TEACHER, "teacher", schoolSourcedId=far_school),
    ]
    sample.parts["roles"].append(role(uid(141), far_pupil, "student", orgSourcedId=far_school))
    return sample


def found(plan: ImportPlan, kind: type[RosterRecord], key: str) -> RosterRecord:
    return next(record for record in plan.put if isinstance(record, kind) and record.id == key)


def ids(records: tuple[RosterRecord, ...], kind: type[RosterRecord]) -> set[str]:
    return {record.id for record in records if isinstance(record, kind)}
