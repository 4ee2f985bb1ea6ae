"""The rules for every column, as a table: what must be there, what it may look like, what it refers to.

Invariant: a rule stops a row only where importing it would damage data (no id, no name, no class, a wrong
date); what the profile merely asks for is a warning. Rule ids are `<part>.<rule or column>.<problem>`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.oneroster import values
from appliance.oneroster.dialects import JP

Severity = Literal["", "warn", "stop"]

ENROLLMENT_ROLES = frozenset({"student", "teacher", "administrator", "aide", "guardian", "parent", "proctor",
                              "relative"})  # fmt: skip
PROFILE_ROLES = frozenset({"student", "teacher", "principal", "guardian", "districtadministrator",
                           "siteadministrator"})  # fmt: skip
# Lower case → the spelling of OneRoster 1.2; what stands here may become a role of a user.
_ROLE_NAMES = """
    student teacher principal guardian districtAdministrator siteAdministrator systemAdministrator
    administrator aide counselor parent proctor relative"""
KNOWN_ROLES = {name.lower(): name for name in _ROLE_NAMES.split()}


@dataclass(frozen=True, slots=True)
class Column:
    """The rules for one column.

    `header`: the column must exist; `need`: it must be filled; `check`/`problem`/`severity`: what a filled
    value must satisfy; `half`: half-width katakana; `ref`/`ref_severity`: the part whose row it names;
    `japan`: a rule of the Japan profile only, which in an export of OneRoster 1.1 never stops a row.
    """

    name: str
    header: Severity = ""
    need: Severity = ""
    check: Callable[[str], bool] | None = None
    problem: str = "value"
    severity: Severity = "warn"
    half: Severity = ""
    ref: str = ""
    ref_severity: Severity = "warn"
    japan: bool = False
    rule: str = ""

    @property
    def rule_name(self) -> str:
        """Return the middle part of the rule ids."""
        return self.rule or self.name.removeprefix(JP)


def one_of(*allowed: str) -> Callable[[str], bool]:
    """Return a check for a closed list of values, whatever their case."""
    folded = frozenset(value.lower() for value in allowed)
    return lambda text: text.lower() in folded


def _key(header: Severity = "stop") -> Column:
    return Column("sourcedId", header=header, need="stop", check=values.is_uuid4, problem="uuid", japan=True)


def _day(name: str, severity: Severity, header: Severity = "", need: Severity = "") -> Column:
    """Describe a day: one that cannot be read has `severity`; one in Excel's spelling is a warning elsewhere."""

    def readable(text: str) -> bool:
        return values.read_date(text) is not None

    return Column(name, header=header, need=need, check=readable, problem="date", severity=severity)


def _kana(name: str, need: Severity = "", header: Severity = "") -> Column:
    return Column(JP + name, header=header, need=need, half="stop", japan=True, rule="kana")


def _flag(name: str, severity: Severity = "warn") -> Column:
    return Column(name, check=values.is_boolean, severity=severity)


def _grades() -> Column:
    return Column("grades", check=values.are_grades, problem="grade", japan=True)


def _subjects() -> Column:
    return Column("subjectCodes", check=values.are_subjects, problem="subject", japan=True)


SESSIONS = (
    _key(),
    Column("title", header="stop", need="stop", check=values.is_year_title, problem="title", japan=True),
    Column("type", header="warn", need="warn", check=one_of("schoolYear"), japan=True),
    _day("startDate", "stop", header="stop", need="stop"),
    _day("endDate", "stop", header="stop", need="stop"),
    Column("parentSourcedId", ref="academicSessions"),
    Column("schoolYear", header="warn", need="warn", check=values.is_year, problem="year"),
)
ORGS = (
    _key(),
    Column("name", header="stop", need="stop", half="stop"),
    Column("type", header="stop", need="stop", check=one_of("district", "school"), japan=True),
    Column("parentSourcedId", ref="orgs"),
)
COURSES = (
    _key("warn"),
    Column("schoolYearSourcedId", ref="academicSessions"),
    Column("title", header="warn", need="warn", check=values.is_course_title, problem="title", half="warn",
           japan=True),
    Column("courseCode", check=lambda text: False, problem="not_empty", japan=True),
    _grades(),
    Column("orgSourcedId", header="warn", need="warn", ref="orgs"),
    _subjects(),
)  # fmt: skip
CLASSES = (
    _key(),
    Column("title", header="stop", need="stop", half="stop"),
    _grades(),
    Column("courseSourcedId", header="warn", ref="courses"),
    Column("classType", header="stop", need="stop", check=one_of("homeroom", "scheduled"), severity="stop"),
    Column("location", half="warn", japan=True),
    Column("schoolSourcedId", header="stop", need="warn", ref="orgs", ref_severity="stop"),
    Column("termSourcedIds", header="warn", ref="academicSessions"),
    _subjects(),
    _flag(JP + "specialNeeds"),
)
USERS = (
    _key(),
    _flag("enabledUser"),
    Column("username", header="warn", need="warn"),
    Column("userIds", check=values.are_user_ids, problem="user_ids"),
    Column("givenName", header="stop", need="stop", half="stop"),
    Column("familyName", header="stop", need="stop", half="stop"),
    Column("middleName", half="stop"),
    Column("agentSourcedIds", ref="users"),
    _grades(),
    Column("password", check=lambda text: False, problem="password"),
    Column("userMasterIdentifier", check=values.is_uuid4, problem="uuid", japan=True),
    Column("resourceSourcedIds", ref="resources"),
    Column("preferredGivenName", half="stop", japan=True),
    Column("preferredMiddleName", half="stop", japan=True),
    Column("preferredFamilyName", half="stop", japan=True),
    Column("primaryOrgSourcedId", ref="orgs"),
    _kana("kanaGivenName", need="stop", header="warn"),
    _kana("kanaFamilyName", need="stop", header="warn"),
    _kana("kanaMiddleName"),
    _kana("kanaPreferredGivenName"),
    _kana("kanaPreferredMiddleName"),
    _kana("kanaPreferredFamilyName"),
    Column(JP + "homeClass", header="warn", ref="classes", japan=True),
)
ENROLLMENTS = (
    _key(),
    Column("classSourcedId", header="stop", need="stop", ref="classes", ref_severity="stop"),
    Column("schoolSourcedId", header="warn", need="warn", ref="orgs"),
    Column("userSourcedId", header="stop", need="stop", ref="users", ref_severity="stop"),
    Column("role", header="stop", need="stop", check=one_of(*ENROLLMENT_ROLES), severity="stop"),
    _flag("primary"),
    _day("beginDate", "stop"),
    _day("endDate", "stop"),
    Column(JP + "shussekiNo", check=lambda text: values.read_number(text) is not None, problem="range"),
    _flag(JP + "publicFlg"),
)
ROLES = (
    _key(),
    Column("userSourcedId", header="stop", need="stop", ref="users", ref_severity="stop"),
    Column("roleType", header="warn", need="warn", check=one_of("primary", "secondary")),
    Column("role", header="stop", need="stop", check=one_of(*PROFILE_ROLES), japan=True),
    _day("beginDate", "warn"),
    _day("endDate", "warn"),
    Column("orgSourcedId", header="warn", need="warn", ref="orgs"),
    Column("userProfileSourcedId", ref="userProfiles"),
)
DEMOGRAPHICS = (
    Column("sourcedId", header="warn", need="stop", ref="users"),
    _day("birthDate", "warn"),
    Column("sex", check=one_of("male", "female", "unspecified", "other")),
    _flag("americanIndianOrAlaskaNative"),
    _flag("asian"),
    _flag("blackOrAfricanAmerican"),
    _flag("nativeHawaiianOrOtherPacificIslander"),
    _flag("white"),
    _flag("demographicRaceTwoOrMoreRaces"),
    _flag("hispanicOrLatinoEthnicity"),
)
PROFILES = (
    _key("warn"),
    Column("userSourcedId", header="warn", need="warn", ref="users"),
    Column("profileType", header="warn", need="warn"),
    Column("vendorId", header="warn", need="warn"),
    Column("description", half="warn", japan=True),
    Column("credentialType", header="warn", need="warn"),
    Column("username", header="warn", need="warn"),
    Column("password", check=lambda text: False, problem="password"),
)

RULES: dict[str, tuple[Column, ...]] = {
    "academicSessions": SESSIONS,
    "orgs": ORGS,
    "courses": COURSES,
    "classes": CLASSES,
    "users": USERS,
    "enrollments": ENROLLMENTS,
    "roles": ROLES,
    "demographics": DEMOGRAPHICS,
    "userProfiles": PROFILES,
    "resources": (_key("warn"),),
}
# Columns whose absence from the header the profile forbids although an empty value is allowed.
PROFILE_COLUMNS: dict[str, tuple[str, ...]] = {
    "users": ("enabledUser", "preferredGivenName", "preferredFamilyName"),
    "enrollments": ("primary",),
}
