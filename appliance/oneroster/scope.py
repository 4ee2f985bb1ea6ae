"""Which school of the export is the asked one, and which rows are its own.

Invariant: a row of another school never reaches the roster; when the school cannot be told beyond doubt the
export is refused, and a single school without a code is taken with a warning.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from appliance.oneroster.dialects import JP
from appliance.oneroster.errors import SchoolUnclearError, WrongSchoolError
from appliance.oneroster.export import Export
from appliance.oneroster.findings import Findings
from appliance.oneroster.tables import Row, Table
from appliance.oneroster.values import split_list
from appliance.roster import RosterRecord, School
from appliance.schoolcode import normalise_school_code

_CODE_SHAPE = re.compile(r"[A-H][0-9]{12}")
_SHOWN_CODES = 3


@dataclass(slots=True)
class Scope:
    """The asked school's ids and, in an export of several schools, whose rows are foreign.

    `coded` tells that the school was found by its code. With one school every row is its own.
    """

    school_ids: frozenset[str]
    coded: bool
    other_schools: frozenset[str] = frozenset()
    other_classes: frozenset[str] = frozenset()
    own_users: frozenset[str] = frozenset()
    all_users: frozenset[str] = frozenset()
    skipped: dict[str, int] = field(default_factory=dict)

    def owns(self, part: str, row: Row) -> bool:
        """Tell whether a row is the asked school's, counting those that are not."""
        own = not self.other_schools or self._owns(part, row)
        if not own:
            self.skipped[part] = self.skipped.get(part, 0) + 1
        return own

    def _owns(self, part: str, row: Row) -> bool:
        if part == "orgs":
            return row["sourcedId"] not in self.other_schools
        if part == "classes":
            return row["sourcedId"] not in self.other_classes
        if part == "enrollments":
            return row["classSourcedId"] not in self.other_classes and (
                row["schoolSourcedId"] not in self.other_schools
            )
        if part == "courses":
            return row["orgSourcedId"] not in self.other_schools
        if part in {"users", "demographics"}:
            return self._owns_user(row["sourcedId"])
        if part == "roles":
            return self._owns_user(row["userSourcedId"]) and row["orgSourcedId"] not in self.other_schools
        return part != "userProfiles" or self._owns_user(row["userSourcedId"])

    def _owns_user(self, user: str) -> bool:
        # A user whom no file describes belongs to nobody; the reference check reports the row.
        return user in self.own_users or user not in self.all_users


def find_scope(export: Export, school_code: str, existing: Sequence[RosterRecord], findings: Findings) -> Scope:
    """Find the asked school. Raises WrongSchoolError or SchoolUnclearError."""
    wanted = normalise_school_code(school_code)
    known = frozenset(r.id for r in existing if isinstance(r, School) and r.code == wanted)
    table = export.tables.get("orgs")
    if table is None:
        if not known:
            findings.warn("orgs.csv", 0, "", "orgs.file.absent")
        return Scope(known, coded=bool(known))
    codes = {row["sourcedId"]: _codes(row) for row in table.rows}
    by_code = frozenset(org for org, has in codes.items() if org and wanted in has)
    schools = frozenset(row["sourcedId"] for row in table.rows if row["type"].lower() == "school")
    found = by_code or (known & schools)
    if not found:
        found = _single(table, schools, codes.values(), wanted, findings)
    scope = Scope(
        found | known, coded=bool(by_code or known & schools), other_schools=schools - found - known - {""}
    )
    if scope.other_schools:
        _divide(scope, export)
    return scope


def _codes(row: Row) -> frozenset[str]:
    return frozenset(normalise_school_code(row[c]) for c in ("identifier", JP + "orgCode") if row[c])


def _single(
    table: Table, schools: frozenset[str], codes: Iterable[frozenset[str]], wanted: str, findings: Findings
) -> frozenset[str]:
    """Take the only school of the file although no code confirms it."""
    others = sorted({code for has in codes for code in has if _CODE_SHAPE.fullmatch(code)})
    if others:
        found = ", ".join(others[:_SHOWN_CODES])
        raise WrongSchoolError(operation="find school", subject=wanted, wanted=wanted, found=found)
    if len(schools) > 1:
        raise SchoolUnclearError(operation="find school", subject=wanted, wanted=wanted, schools=len(schools))
    findings.warn(table.file, 0, "identifier", "orgs.identifier.ambiguous")
    return schools


def _divide(scope: Scope, export: Export) -> None:
    """Sort classes and users of an export of several schools into own and foreign ones."""
    rows = {part: table.rows for part, table in export.tables.items()}
    classes = rows.get("classes", [])
    scope.other_classes = frozenset(
        row["sourcedId"] for row in classes if row["schoolSourcedId"] in scope.other_schools
    )
    own_classes = {row["sourcedId"] for row in classes} - scope.other_classes
    own = {row["userSourcedId"] for row in rows.get("enrollments", []) if row["classSourcedId"] in own_classes}
    own |= {row["userSourcedId"] for row in rows.get("roles", []) if row["orgSourcedId"] in scope.school_ids}
    users = rows.get("users", [])
    own |= {row["sourcedId"] for row in users if scope.school_ids & _orgs(row)}
    agents = {agent for row in users if row["sourcedId"] in own for agent in split_list(row["agentSourcedIds"])}
    scope.own_users = frozenset(own | agents | _guardians(users, own, scope.other_schools))
    scope.all_users = frozenset(row["sourcedId"] for row in users)


def _guardians(users: Iterable[Row], own: set[str], others: frozenset[str]) -> set[str]:
    """Find users who name an own pupil as their child and belong to no other school."""
    return {
        row["sourcedId"]
        for row in users
        if own.intersection(split_list(row["agentSourcedIds"])) and not others & _orgs(row)
    }


def _orgs(row: Row) -> frozenset[str]:
    return frozenset((*split_list(row["orgSourcedIds"]), row["primaryOrgSourcedId"])) - {""}
