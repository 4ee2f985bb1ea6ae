"""Rules that look at more than one value: references between files, dates in order, codes of organisations.

Invariant: runs after `sifting` on rows that are sound by themselves; a row that must stay out is taken from
`Sifted.rows` but stays in `seen`. Parts are judged before those that refer to them.
"""

from collections.abc import Callable, Mapping
from datetime import date

from appliance.oneroster.dialects import JP
from appliance.oneroster.findings import Findings
from appliance.oneroster.rules import RULES
from appliance.oneroster.sifting import Judge, Sifted
from appliance.oneroster.tables import Row
from appliance.oneroster.values import is_board_code, is_true, read_date, read_number
from appliance.schoolcode import SchoolCodeError, parse_school_code


def check_references(judge: Judge, sifted: Sifted, known: Mapping[str, frozenset[str] | None]) -> None:
    """Check every reference of a part; `known` holds the ids of each part, None where they cannot be known."""
    for key, row in list(sifted.rows.items()):
        for column in RULES[sifted.table.part]:
            ids = known.get(column.ref) if column.ref else None
            if ids is not None and not judge.reference(sifted.table, row, column, ids):
                sifted.rows.pop(key, None)


def check_part(sifted: Sifted, findings: Findings, students: frozenset[str]) -> None:
    """Apply the rules that belong to one part; `students` are the users with the role student."""
    check = _CHECKS.get(sifted.table.part)
    if check is not None:
        check(sifted, findings, students)


def _sessions(sifted: Sifted, findings: Findings, _: frozenset[str]) -> None:
    _stop_backwards(sifted, findings, "startDate")
    for row in sifted.rows.values():
        starts, ends = read_date(row["startDate"]), read_date(row["endDate"])
        if starts is None or ends is None or row["type"].lower() != "schoolyear":
            continue
        if (starts, ends) != (date(starts.year, 4, 1), date(starts.year + 1, 3, 31)):
            findings.warn(sifted.table.file, row.line, "startDate", "academicSessions.startDate.april")


def _orgs(sifted: Sifted, findings: Findings, _: frozenset[str]) -> None:
    file = sifted.table.file
    for row in sifted.rows.values():
        kind = row["type"].lower()
        if kind == "district":
            if row["parentSourcedId"]:
                findings.warn(file, row.line, "parentSourcedId", "orgs.parentSourcedId.parent_forbidden")
            if not is_board_code(row["identifier"]):
                findings.warn(file, row.line, "identifier", "orgs.identifier.board_code")
        elif kind == "school":
            if not row["parentSourcedId"]:
                findings.warn(file, row.line, "parentSourcedId", "orgs.parentSourcedId.parent_required")
            if not _is_school_code(row["identifier"]):
                findings.warn(file, row.line, "identifier", "orgs.identifier.school_code")


def _users(sifted: Sifted, findings: Findings, students: frozenset[str]) -> None:
    file = sifted.table.file
    masters: set[str] = set()
    for key, row in sifted.rows.items():
        master = row["userMasterIdentifier"].lower()
        if master and master in masters:
            findings.warn(file, row.line, "userMasterIdentifier", "users.userMasterIdentifier.duplicate")
        masters.add(master)
        if row["enabledUser"] and not is_true(row["enabledUser"]):
            findings.warn(file, row.line, "enabledUser", "users.enabledUser.disabled")
        if sifted.table.has(JP + "homeClass") and key in students and not row[JP + "homeClass"]:
            findings.warn(file, row.line, JP + "homeClass", "users.homeClass.missing")


def _enrollments(sifted: Sifted, findings: Findings, _: frozenset[str]) -> None:
    file = sifted.table.file
    _stop_backwards(sifted, findings, "beginDate")
    numbers: dict[tuple[str, int], str] = {}
    for row in sifted.rows.values():
        if row["role"].lower() != "student":
            continue
        if is_true(row["primary"]):
            findings.warn(file, row.line, "primary", "enrollments.primary.primary")
        number = read_number(row[JP + "shussekiNo"])
        if number is None or row["endDate"]:
            continue
        holder = numbers.setdefault((row["classSourcedId"], number), row["userSourcedId"])
        if holder != row["userSourcedId"]:
            findings.warn(file, row.line, JP + "shussekiNo", "enrollments.shussekiNo.duplicate")


def _roles(sifted: Sifted, findings: Findings, _: frozenset[str]) -> None:
    if sifted.mode == "delta":
        return
    primary = {row["userSourcedId"] for row in sifted.rows.values() if row["roleType"].lower() == "primary"}
    for row in sifted.rows.values():
        if row["roleType"].lower() == "secondary" and row["userSourcedId"] not in primary:
            findings.warn(sifted.table.file, row.line, "roleType", "roles.roleType.primary_missing")


def _stop_backwards(sifted: Sifted, findings: Findings, begin: str) -> None:
    """Quarantine rows that end before they begin."""
    table = sifted.table
    for key, row in list(sifted.rows.items()):
        starts, ends = read_date(row[begin]), read_date(row["endDate"])
        if starts is not None and ends is not None and ends < starts:
            findings.quarantine(table.file, row.line, "endDate", f"{table.part}.endDate.before")
            del sifted.rows[key]


def _is_school_code(text: str) -> bool:
    try:
        parse_school_code(text)
    except SchoolCodeError:
        return False
    return True


_CHECKS: dict[str, Callable[[Sifted, Findings, frozenset[str]], None]] = {
    "academicSessions": _sessions,
    "orgs": _orgs,
    "users": _users,
    "enrollments": _enrollments,
    "roles": _roles,
}


def students_of(roles: Sifted | None, users: Sifted) -> frozenset[str]:
    """Return the users that the export itself calls students."""

    def is_student(row: Row) -> bool:
        return row["role"].lower() == "student"

    if roles is not None:
        return frozenset(row["userSourcedId"] for row in roles.rows.values() if is_student(row))
    return frozenset(key for key, row in users.rows.items() if is_student(row))
