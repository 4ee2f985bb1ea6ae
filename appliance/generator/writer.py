"""Writes a made school as a conformant OneRoster 1.2_JP ZIP (bulk).

Invariant: column order and names are the Japan profile's, the same school gives the same bytes. Source: 1EdTech
OneRoster 1.2 CSV Binding: Japan K-12/Schools Profile v1.0.
"""

from pathlib import Path

from appliance.generator.school import MadePerson, MadeSchool
from appliance.oneroster.writing import write_zip


def write_school(school: MadeSchool, path: Path) -> None:
    """Write the ZIP."""
    write_zip(_rows(school), path, ("Kurabako generator", "kurabako"))


def _rows(school: MadeSchool) -> dict[str, list[dict[str, str]]]:
    people = [*school.staff, *school.guardians, *(p for c in school.classes for p in c.pupils)]
    users = [_user(school, person) for person in people]
    return {
        "academicSessions": [_session(school)],
        "orgs": _orgs(school),
        "courses": [],
        "classes": _classes(school),
        "users": users,
        "roles": [_role(school, person) for person in people],
        "enrollments": _enrollments(school),
        "demographics": [{"sourcedId": p.id, "sex": p.sex} for c in school.classes for p in c.pupils],
    }


def _session(school: MadeSchool) -> dict[str, str]:
    return {
        "sourcedId": school.session_id,
        "title": f"{school.year}年度",
        "type": "schoolYear",
        "startDate": f"{school.year}-04-01",
        "endDate": f"{school.year + 1}-03-31",
        "schoolYear": str(school.year),
    }


def _orgs(school: MadeSchool) -> list[dict[str, str]]:
    return [
        {
            "sourcedId": school.district_id,
            "name": "多良川市教育委員会",
            "type": "district",
            "identifier": "412040",
        },
        {
            "sourcedId": school.school_id,
            "name": school.name,
            "type": "school",
            "identifier": school.code,
            "parentSourcedId": school.district_id,
        },
    ]


def _classes(school: MadeSchool) -> list[dict[str, str]]:
    return [
        {
            "sourcedId": c.id,
            "title": c.title,
            "grades": ",".join(c.grades),
            "classType": "homeroom",
            "schoolSourcedId": school.school_id,
            "termSourcedIds": school.session_id,
            "metadata.jp.specialNeeds": str(c.special_needs).lower(),
        }
        for c in school.classes
    ]


def _user(school: MadeSchool, person: MadePerson) -> dict[str, str]:
    name = person.name
    return {
        "sourcedId": person.id,
        "enabledUser": "true",
        "username": person.id[:8],
        "givenName": name.given,
        "familyName": name.family,
        "phone": person.phone,
        "agentSourcedIds": ",".join(person.guardian_of),
        "grades": person.grade,
        "userMasterIdentifier": person.id,
        "primaryOrgSourcedId": school.school_id,
        "metadata.jp.kanaGivenName": name.kana_given,
        "metadata.jp.kanaFamilyName": name.kana_family,
        "metadata.jp.homeClass": person.class_id,
    }


def _role(school: MadeSchool, person: MadePerson) -> dict[str, str]:
    return {
        "sourcedId": _derived(person.id, 1),
        "userSourcedId": person.id,
        "roleType": "primary",
        "role": person.role,
        "orgSourcedId": school.school_id,
    }


def _enrollments(school: MadeSchool) -> list[dict[str, str]]:
    rows = []
    for c in school.classes:
        for person in (c.teacher, *c.pupils, *c.guests):
            student = person.role == "student"
            rows.append(
                {
                    "sourcedId": _derived(person.id, 3 if person in c.guests else 2),
                    "classSourcedId": c.id,
                    "schoolSourcedId": school.school_id,
                    "userSourcedId": person.id,
                    "role": "student" if student else "teacher",
                    "primary": "false" if student else "true",
                    "beginDate": f"{school.year}-04-01",
                    "endDate": f"{school.year + 1}-03-31",
                    "metadata.jp.shussekiNo": str(person.number) if student and person not in c.guests else "",
                    "metadata.jp.publicFlg": "true",
                }
            )
    return rows


def _derived(person_id: str, kind: int) -> str:
    """Return another stable UUIDv4-shaped id that follows from a person's."""
    return f"{person_id[:-1]}{(int(person_id[-1], 16) + kind) % 16:x}"
