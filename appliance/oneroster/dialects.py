"""The spellings of OneRoster that exporters really write, brought to one.

Invariant: after this module every file is known by its part of the export (`users`, `orgs` …) and every column
by the newest spelling, whatever case, prefix or misspelling the exporter used; unknown columns are let pass.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

Version = Literal["1.1", "1.2", "1.2.1", "1.2_JP"]
VERSIONS: tuple[Version, ...] = ("1.1", "1.2", "1.2.1", "1.2_JP")

JP = "metadata.jp."
PARTS = (
    "manifest",
    "academicSessions",
    "orgs",
    "courses",
    "classes",
    "users",
    "enrollments",
    "roles",
    "demographics",
    "userProfiles",
    "resources",
)
CORE_PARTS = frozenset({"orgs", "classes", "users", "enrollments"})
_IGNORED_PARTS = (
    "categories",
    "classResources",
    "courseResources",
    "lineItemLearningObjectiveIds",
    "lineItemScoreScales",
    "lineItems",
    "resultLearningObjectiveIds",
    "resultScoreScales",
    "results",
    "scoreScales",
    "userResources",
)
IGNORED_PARTS = frozenset(_IGNORED_PARTS)
_PART_BY_NAME = {name.lower(): name for name in (*PARTS, *_IGNORED_PARTS)} | {
    "organizations": "orgs",
    "organisations": "orgs",
    "enrolments": "enrollments",
}
_STEM = re.compile(r"(?:sample[-_ ])?([a-z]+)(?:[-_ (.].*)?")

# Columns of each part in the order of the Japan profile; also what a header is compared with.
_BASE = ("sourcedId", "status", "dateLastModified")
_PROFILE = {
    "academicSessions": "title type startDate endDate parentSourcedId schoolYear",
    "orgs": "name type identifier parentSourcedId",
    "courses": "schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes",
    "classes": """
        title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds subjects
        subjectCodes periods metadata.jp.specialNeeds""",
    "users": """
        enabledUser username userIds givenName familyName middleName identifier email sms phone
        agentSourcedIds grades password userMasterIdentifier resourceSourcedIds preferredGivenName
        preferredMiddleName preferredFamilyName primaryOrgSourcedId pronouns metadata.jp.kanaGivenName
        metadata.jp.kanaFamilyName metadata.jp.kanaMiddleName metadata.jp.homeClass""",
    "enrollments": """
        classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate metadata.jp.shussekiNo
        metadata.jp.publicFlg""",
    "roles": "userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId",
    "demographics": """
        birthDate sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican
        nativeHawaiianOrOtherPacificIslander white demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity
        countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus""",
    "userProfiles": """
        userSourcedId profileType vendorId applicationId description credentialType username password""",
}
COLUMNS: dict[str, tuple[str, ...]] = {
    "manifest": ("propertyName", "value"),
    "resources": _BASE,
} | {part: (*_BASE, *names.split()) for part, names in _PROFILE.items()}
# Columns that only some versions have; they stand nowhere in the fixed order.
_EXTRA_COLUMNS: dict[str, tuple[str, ...]] = {
    "users": (
        "orgSourcedIds",
        "role",
        JP + "kanaPreferredGivenName",
        JP + "kanaPreferredFamilyName",
        JP + "kanaPreferredMiddleName",
    ),
    "orgs": (JP + "kanaName", JP + "orgCode"),
}
# Spellings seen in the field: 1.0 and 1.1 names, the government's misspellings, one vendor's short names.
_ALIASES: dict[str, dict[str, str]] = {
    "users": {"userid": "userIds", "agents": "agentSourcedIds", "grade": "grades", "orgs": "orgSourcedIds",
              "roles": "role", "orgsourcedid": "orgSourcedIds", "telephone": "phone"},
    "classes": {"grade": "grades", "termsourcedid": "termSourcedIds", "orgsourcedid": "schoolSourcedId"},
    "courses": {"grade": "grades", "schoolyearid": "schoolYearSourcedId", "orgsourcedids": "orgSourcedId"},
    "demographics": {"usersourcedid": "sourcedId", "demographictwoormoreraces": "demographicRaceTwoOrMoreRaces"},
    "enrollments": {"publickflg": JP + "publicFlg", "publicflag": JP + "publicFlg", "startdate": "beginDate"},
    "roles": {"startdate": "beginDate"},
}  # fmt: skip


def part_of_file(name: str) -> str | None:
    """Tell which part a file name means: `users.csv`, `Users-2025-11-15-….csv`, `sample_users.csv`."""
    stem, _, suffix = name.lower().rpartition(".")
    match = _STEM.fullmatch(stem.strip())
    if suffix != "csv" or match is None:
        return None
    return _PART_BY_NAME.get(match[1])


def part_of_header(header: Sequence[str]) -> str | None:
    """Guess the part from a header, for files whose names say nothing."""
    have = {_key(column) for column in header}
    signs = (
        ("manifest", {"propertyname", "value"}),
        ("enrollments", {"classsourcedid", "usersourcedid"}),
        ("users", {"sourcedid", "givenname", "familyname"}),
        ("roles", {"sourcedid", "usersourcedid", "roletype"}),
        ("classes", {"sourcedid", "title", "classtype"}),
        ("academicSessions", {"sourcedid", "title", "startdate", "enddate"}),
        ("orgs", {"sourcedid", "name", "type"}),
    )
    return next((part for part, needed in signs if needed <= have), None)


def canonical_header(part: str, header: Sequence[str]) -> tuple[str, ...]:
    """Return the header in the newest spelling; a column that nobody knows keeps its own name."""
    known = {_key(c): c for c in (*COLUMNS[part], *_EXTRA_COLUMNS.get(part, ()))} | _ALIASES.get(part, {})
    return tuple(known.get(_key(column), column.strip()) for column in header)


def in_profile_order(part: str, header: Sequence[str]) -> bool:
    """Tell whether the known columns of a canonical header stand in the profile's order."""
    order = {column: position for position, column in enumerate(COLUMNS[part])}
    positions = [order[column] for column in dict.fromkeys(header) if column in order]
    return positions == sorted(positions)


def guess_version(headers: Mapping[str, Iterable[str]]) -> Version:
    """Guess the version from the canonical headers of an export that names none."""
    users = set(headers.get("users", ()))
    if "role" in users and "roles" not in headers:
        return "1.1"
    if "roles" in headers or users & {"userMasterIdentifier", "primaryOrgSourcedId", "preferredGivenName"}:
        if JP + "kanaPreferredGivenName" in users:
            return "1.2.1"
        japanese = any(column.startswith(JP) for header in headers.values() for column in header)
        return "1.2_JP" if japanese else "1.2"
    return "1.1" if users else "1.2"


def _key(column: str) -> str:
    """Fold case, blanks and the metadata prefix of a column name away."""
    plain = re.sub(r"\s", "", column).lower()
    return plain.removeprefix("metadata.").removeprefix("jp.") if plain.startswith("metadata.") else plain
