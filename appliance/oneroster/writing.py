"""A roster written as a conformant OneRoster 1.2_JP ZIP (bulk).

Invariant: column order and names are the Japan profile's, and the same rows give the same bytes; nothing of
importance II stands in what `roster_rows` makes. Source: 1EdTech OneRoster 1.2 CSV Binding: Japan K-12/Schools
Profile v1.0.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from appliance.oneroster.dialects import COLUMNS, IGNORED_PARTS, JP, PARTS
from appliance.roster import Enrollment, RosterRecord, School, SchoolClass, Session, User

_STAMP: Final = (2026, 4, 1, 0, 0, 0)
# Of 1.2.0 only: the Japan profile has it no more.
_NOT_WRITTEN: Final = frozenset({"resourceSourcedIds"})
Rows = Mapping[str, Sequence[Mapping[str, str]]]


def write_zip(rows: Rows, target: Path | IO[bytes], system: tuple[str, str]) -> None:
    """Write the parts that `rows` has, each whole, and a manifest that says so; `system` is its name and code."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "manifest.csv", [("propertyName", "value"), *_manifest(rows, system)])
        for name in sorted(rows):
            columns = [column for column in COLUMNS[name] if column not in _NOT_WRITTEN]
            table = [[row.get(column, "") for column in columns] for row in rows[name]]
            _add(archive, f"{name}.csv", [columns, *table])


def derived_id(*natural: str) -> str:
    """Return an id in the shape of a UUIDv4 that follows from something natural: the same gives the same."""
    digest = sha256("\0".join(("kurabako/roster/v1", *natural)).encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


def roster_rows(records: Iterable[RosterRecord]) -> Rows:
    """Return what stands in a roster, without contacts and guardianship, in an order that does not change."""
    known = sorted(records, key=lambda record: record.id)
    schools = [one for one in known if isinstance(one, School)]
    school = schools[0].id if schools else ""
    users = [one for one in known if isinstance(one, User)]
    return {
        "orgs": [_org(one) for one in schools],
        "academicSessions": [_session(one) for one in known if isinstance(one, Session)],
        "classes": [_class(one) for one in known if isinstance(one, SchoolClass)],
        "users": [_user(one, school) for one in users],
        "roles": [_role(one, place, school) for one in users for place in range(len(one.roles))],
        "enrollments": [_enrollment(one, school) for one in known if isinstance(one, Enrollment)],
    }


def _org(school: School) -> dict[str, str]:
    return {"sourcedId": school.id, "name": school.name, "type": "school", "identifier": school.code}


def _session(session: Session) -> dict[str, str]:
    return {
        "sourcedId": session.id,
        "title": session.title,
        "type": "schoolYear",
        "startDate": session.starts.isoformat(),
        "endDate": session.ends.isoformat(),
        "schoolYear": str(session.year or session.starts.year),
    }


def _class(one: SchoolClass) -> dict[str, str]:
    return {
        "sourcedId": one.id,
        "title": one.title,
        "grades": ",".join(one.grades),
        "classType": "homeroom" if one.homeroom else "scheduled",
        "schoolSourcedId": one.school_id,
        "termSourcedIds": ",".join(one.session_ids),
        JP + "specialNeeds": str(one.special_needs).lower(),
    }


def _user(user: User, school: str) -> dict[str, str]:
    return {
        "sourcedId": user.id,
        "enabledUser": "true",
        "username": user.username,
        "givenName": user.given_name,
        "familyName": user.family_name,
        "grades": ",".join(user.grades),
        "preferredGivenName": user.preferred_given,
        "preferredFamilyName": user.preferred_family,
        "primaryOrgSourcedId": school,
        JP + "kanaGivenName": user.kana_given,
        JP + "kanaFamilyName": user.kana_family,
        JP + "homeClass": user.home_class,
    }


def _role(user: User, place: int, school: str) -> dict[str, str]:
    return {
        "sourcedId": derived_id("role", user.id, user.roles[place]),
        "userSourcedId": user.id,
        "roleType": "secondary" if place else "primary",
        "role": user.roles[place],
        "orgSourcedId": school,
    }


def _enrollment(one: Enrollment, school: str) -> dict[str, str]:
    return {
        "sourcedId": one.id,
        "classSourcedId": one.class_id,
        "schoolSourcedId": school,
        "userSourcedId": one.user_id,
        "role": one.role,
        "primary": str(one.role == "teacher").lower(),
        "beginDate": one.begins.isoformat() if one.begins else "",
        "endDate": one.ends.isoformat() if one.ends else "",
        JP + "shussekiNo": str(one.number) if one.number is not None else "",
        JP + "publicFlg": "true",
    }


def _add(archive: zipfile.ZipFile, name: str, rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    archive.writestr(zipfile.ZipInfo(name, _STAMP), text.getvalue().encode())


def _manifest(rows: Rows, system: tuple[str, str]) -> list[tuple[str, str]]:
    every = (*(part for part in PARTS if part != "manifest"), *IGNORED_PARTS)
    return [
        ("manifest.version", "1.0"),
        ("oneroster.version", "1.2_JP"),
        *((f"file.{name}", "bulk" if name in rows else "absent") for name in sorted(every)),
        ("source.systemName", system[0]),
        ("source.systemCode", system[1]),
    ]
