"""`plan_import`: everything an import would do, worked out without doing any of it.

Invariant: pure. Reads the source and nothing else, writes nowhere; the plan is complete (applying `put` and
`remove` gives the roster that `class_counts` describes) and equal inputs give equal plans.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.oneroster.changes import Changes, find_changes
from appliance.oneroster.container import Source
from appliance.oneroster.counting import ClassCount, Totals, count_classes, count_totals
from appliance.oneroster.crosschecks import check_part, check_references, students_of
from appliance.oneroster.dialects import PARTS
from appliance.oneroster.export import Export, load_export, newest_change
from appliance.oneroster.findings import Findings, Quarantined
from appliance.oneroster.records import Builder
from appliance.oneroster.scope import Scope, find_scope
from appliance.oneroster.sifting import Judge, Mode, Sifted
from appliance.oneroster.survival import PART_OF_KIND, Roster, by_kind, surviving_ids, warn_of_removals
from appliance.oneroster.tables import Row
from appliance.roster import RosterRecord, User
from appliance.schoolcode import normalise_school_code

Progress = Callable[[int, int], None]
WORKBOOK = "Excel"
"""The version of a plan that was made from a workbook and from no OneRoster file."""
_TICK = 500
# A part after those it refers to.
_ORDER = ("orgs", "academicSessions", "courses", "classes", "users", "userProfiles", "roles", "enrollments")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do. `put` holds new and changed records, `remove` those that go.

    `newest` is the latest dateLastModified of what came as a delta, in UTC; empty without one.
    """

    version: str
    mode: Mode
    encoding: str
    put: tuple[RosterRecord, ...]
    remove: tuple[RosterRecord, ...]
    unchanged: int
    quarantined: tuple[Quarantined, ...]
    warnings: tuple[Quarantined, ...]
    class_counts: tuple[ClassCount, ...]
    totals: Totals
    newest: str = ""

    @property
    def leavers(self) -> int:
        """Return how many people would no longer be in the roster."""
        return sum(record.kind == User.kind for record in self.remove)


def plan_import(
    source: Source,
    school_code: str,
    existing: Sequence[RosterRecord] = (),
    *,
    progress: Progress | None = None,
) -> ImportPlan:
    """Plan the import of a ZIP, folder or CSV file, or of one that is in memory, for one school.

    `existing` is the roster as it stands; `progress` is called with (rows done, rows in all). Raises an
    ApplianceError (APP-101 to APP-121) when the export as a whole cannot be used.
    """
    findings = Findings()
    export = load_export(source, findings)
    judge = Judge(export.version, findings)
    for table in export.tables.values():
        judge.check_header(table)
    scope = find_scope(export, school_code, existing, findings)
    roster = by_kind(existing)
    parts = _sift(export, scope, judge, progress)
    _cross_check(export, parts, roster, judge)
    warn_of_removals(roster, parts, findings)
    alive = {part: surviving_ids(kind, roster, parts) for kind, part in PART_OF_KIND.items()}
    built = Builder(parts, scope, normalise_school_code(school_code), alive, findings).build(roster)
    return _plan(export, scope, find_changes(roster, built, parts), findings)


def _sift(export: Export, scope: Scope, judge: Judge, progress: Progress | None) -> dict[str, Sifted]:
    total, done = export.rows, 0

    def owner_of(part: str) -> Callable[[Row], bool]:
        def own(row: Row) -> bool:
            nonlocal done
            done += 1
            if progress is not None and (done % _TICK == 0 or done == total):
                progress(done, total)
            return scope.owns(part, row)

        return own

    return {
        part: judge.sift(export.tables[part], export.modes[part], owner_of(part))
        for part in PARTS
        if part in export.tables
    }


def _cross_check(export: Export, parts: dict[str, Sifted], roster: Roster, judge: Judge) -> None:
    students = students_of(parts.get("roles"), parts["users"]) if "users" in parts else frozenset()
    for part in (*_ORDER, *(p for p in parts if p not in _ORDER)):
        if part in parts:
            check_references(judge, parts[part], _known_ids(export, parts, roster))
            check_part(parts[part], judge.findings, students)


def _known_ids(export: Export, parts: dict[str, Sifted], roster: Roster) -> dict[str, frozenset[str] | None]:
    """Return the ids each part may be referred to by; None where the export cannot tell."""
    known: dict[str, frozenset[str] | None] = {}
    for part in ("courses", "userProfiles", "resources"):
        table = export.tables.get(part)
        ids = frozenset(row["sourcedId"] for row in table.rows) if table is not None else frozenset()
        known[part] = None if export.modes.get(part, export.mode) == "delta" else ids
    for kind, part in PART_OF_KIND.items():
        known[part] = surviving_ids(kind, roster, parts)
    # Other schools and the board are no records of ours, but they exist.
    orgs = export.tables.get("orgs")
    named = frozenset(row["sourcedId"] for row in orgs.rows) if orgs is not None else frozenset()
    known["orgs"] = (known["orgs"] or frozenset()) | named or None
    return known


def _plan(export: Export, scope: Scope, changes: Changes, findings: Findings) -> ImportPlan:
    warnings = findings.folded_warnings()
    rows_out = {(found.file, found.line) for found in findings.quarantined}
    totals = count_totals(export, scope, changes, len(rows_out), len(findings.warnings))
    return ImportPlan(
        version=export.version,
        mode=export.mode,
        encoding=export.encoding,
        put=changes.put,
        remove=changes.remove,
        unchanged=changes.unchanged,
        quarantined=findings.left_out(),
        warnings=warnings,
        class_counts=count_classes(changes.after),
        totals=totals,
        newest=newest_change(export),
    )
