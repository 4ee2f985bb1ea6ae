"""The counts a clerk compares with the school's own before an import goes through.

Invariant: counts the roster as it will be after the import, not the rows of the file; a person is counted
once in a class, whatever the number of enrolments.
"""

from collections import defaultdict
from dataclasses import dataclass

from appliance.oneroster.changes import Changes
from appliance.oneroster.export import Export
from appliance.oneroster.scope import Scope
from appliance.oneroster.survival import Roster
from appliance.roster import Enrollment, SchoolClass, User


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One class. `specials` are its pupils who (also) belong to a special-needs class."""

    title: str
    grade: str
    pupils: int
    teachers: int
    specials: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The export and the roster in numbers. `pupils` … `enrollments` count the roster after the import."""

    rows: int
    classes: int
    users: int
    pupils: int
    teachers: int
    enrollments: int
    quarantined: int
    warnings: int
    skipped_schools: int
    skipped_rows: int


def count_classes(after: Roster) -> tuple[ClassCount, ...]:
    """Count every class: homeroom classes first, then by grade and title."""
    classes = [record for record in after[SchoolClass.kind].values() if isinstance(record, SchoolClass)]
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in after[Enrollment.kind].values():
        if isinstance(record, Enrollment):
            members[record.class_id, record.role].add(record.user_id)
    special: set[str] = set()
    for school_class in classes:
        if school_class.special_needs:
            special |= members[school_class.id, "student"]
    return tuple(
        ClassCount(
            title=c.title,
            grade="・".join(c.grades),
            pupils=len(members[c.id, "student"]),
            teachers=len(members[c.id, "teacher"]),
            specials=len(members[c.id, "student"] & special),
        )
        for c in sorted(classes, key=lambda c: (not c.homeroom, _grade_order(c.grades), c.title, c.id))
    )


def count_totals(export: Export, scope: Scope, changes: Changes, quarantined: int, warnings: int) -> Totals:
    """Count the export and the roster as it will be."""
    skipped = len(scope.other_schools), sum(scope.skipped.values())
    return totals_of(changes.after, export.rows, quarantined, warnings, skipped)


def totals_of(
    after: Roster, rows: int, quarantined: int, warnings: int, skipped: tuple[int, int] = (0, 0)
) -> Totals:
    """Count a roster beside what was read; `skipped` are other schools and their rows."""
    users = [record for record in after[User.kind].values() if isinstance(record, User)]
    return Totals(
        rows=rows,
        classes=len(after[SchoolClass.kind]),
        users=len(users),
        pupils=sum("student" in user.roles for user in users),
        teachers=sum("teacher" in user.roles for user in users),
        enrollments=len(after[Enrollment.kind]),
        quarantined=quarantined,
        warnings=warnings,
        skipped_schools=skipped[0],
        skipped_rows=skipped[1],
    )


def _grade_order(grades: tuple[str, ...]) -> tuple[int, str]:
    """Order by stage (kindergarten, primary, junior, high) and year; what is no code comes last."""
    first = grades[0] if grades else ""
    stage = "EPJH".find(first[:1]) if first[:1] else -1
    return (stage if stage >= 0 else len("EPJH"), first)
