"""What of the existing roster outlives an import, and which ids the new rows may therefore refer to.

Invariant: an existing record goes only if the export says so: named `tobedeleted`, or missing from a bulk file
that was read whole and is not empty. A row that was quarantined keeps its record; a file that is absent keeps
all of its kind.
"""

from collections.abc import Mapping, Sequence

from appliance.oneroster.findings import Findings
from appliance.oneroster.sifting import Sifted
from appliance.roster import Enrollment, RosterRecord, School, SchoolClass, Session, User

PART_OF_KIND: dict[str, str] = {
    School.kind: "orgs",
    Session.kind: "academicSessions",
    SchoolClass.kind: "classes",
    User.kind: "users",
    Enrollment.kind: "enrollments",
}
Roster = dict[str, dict[str, RosterRecord]]


def by_kind(records: Sequence[RosterRecord]) -> Roster:
    """Arrange records by kind and id."""
    roster: Roster = {}
    for record in records:
        roster.setdefault(record.kind, {})[record.id] = record
    return roster


def kept_ids(kind: str, existing: Roster, parts: Mapping[str, Sifted]) -> frozenset[str]:
    """Return the ids of existing records of a kind that the export does not end."""
    ids = frozenset(existing.get(kind, {}))
    sifted = parts.get(PART_OF_KIND[kind])
    if sifted is None:
        return ids
    if sifted.mode == "delta" or is_withheld(sifted):
        return ids - sifted.deleted.keys()
    return ids & sifted.seen


def is_withheld(sifted: Sifted) -> bool:
    """Tell whether a bulk file is too damaged or too empty to prove that anything is gone."""
    return sifted.spoilt or not sifted.seen


def surviving_ids(kind: str, existing: Roster, parts: Mapping[str, Sifted]) -> frozenset[str]:
    """Return the ids that will be in the roster afterwards: kept ones and rows that go in."""
    sifted = parts.get(PART_OF_KIND[kind])
    return kept_ids(kind, existing, parts) | (sifted.rows.keys() if sifted is not None else frozenset())


def warn_of_removals(existing: Roster, parts: Mapping[str, Sifted], findings: Findings) -> None:
    """Tell where removals were held back, and where an export would empty half of the roster."""
    for kind, part in PART_OF_KIND.items():
        sifted = parts.get(part)
        if sifted is None:
            continue
        table = sifted.table
        if not table.rows and not table.spoilt:
            findings.warn(table.file, 1, "", f"{part}.file.empty")
        ids = existing.get(kind, {}).keys()
        if sifted.mode == "bulk" and sifted.spoilt and ids - sifted.seen:
            findings.warn(table.file, 0, "", f"{part}.file.withheld")
        lost = len(ids) - len(kept_ids(kind, existing, parts))
        # Classes and enrolments all change every April; people do not.
        if kind == User.kind and lost * 2 > len(ids):
            findings.warn(table.file, 0, "", f"{part}.file.many")
