"""Which rows of a file may go in: the rules for columns, status and doubles applied to each row.

Invariant: a row that a "stop" rule hits is in `quarantined` and nowhere else, the first row of an id wins, and
`seen` holds every id that the file speaks of, so that a bad row never counts as "no longer in the roster".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from appliance.oneroster.dialects import Version, in_profile_order
from appliance.oneroster.errors import MissingColumnError
from appliance.oneroster.findings import Findings
from appliance.oneroster.rules import PROFILE_COLUMNS, RULES, Column, Severity
from appliance.oneroster.tables import Row, Table
from appliance.oneroster.values import (
    has_controls,
    has_gaiji,
    has_half_katakana,
    is_iso_date,
    is_iso_time,
    split_list,
)

Mode = Literal["bulk", "delta"]
DELETED = "tobedeleted"


@dataclass(slots=True)
class Sifted:
    """The rows of one file after its own rules; `spoilt` tells that absence proves nothing."""

    table: Table
    mode: Mode
    rows: dict[str, Row] = field(default_factory=dict)
    deleted: dict[str, Row] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    spoilt: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Applies the rules of one version of OneRoster and writes down what it finds."""

    version: Version
    findings: Findings

    def check_header(self, table: Table) -> None:
        """Compare a header with the rules. Raises MissingColumnError for a column the file cannot do without."""
        for column in RULES[table.part]:
            if column.header and not table.has(column.name):
                if column.header == "stop":
                    raise MissingColumnError(
                        operation="read export", subject=table.file, file=table.file, column=column.name
                    )
                self.findings.warn(table.file, 1, column.name, f"{table.part}.{column.rule_name}.column")
        if self.version == "1.1":
            return
        for name in PROFILE_COLUMNS.get(table.part, ()):
            if not table.has(name):
                self.findings.warn(table.file, 1, name, f"{table.part}.{name}.column")
        if not in_profile_order(table.part, table.header):
            self.findings.warn(table.file, 1, "", f"{table.part}.header.order")

    def sift(self, table: Table, mode: Mode, own: Callable[[Row], bool]) -> Sifted:
        """Apply the rules to the rows for which `own` is true; the others belong to another school."""
        sifted = Sifted(table, mode, spoilt=table.spoilt)
        for row in table.rows:
            if own(row):
                self._sift_row(sifted, row)
        return sifted

    def reference(self, table: Table, row: Row, column: Column, known: frozenset[str]) -> bool:
        """Check what a row refers to; return False when the row must stay out."""
        names = split_list(row[column.name]) if column.name.endswith("Ids") else (row[column.name],)
        if all(name in known for name in names if name):
            return True
        return self._hit(table, row, column, "reference", column.ref_severity)

    def _sift_row(self, sifted: Sifted, row: Row) -> None:
        table, key = sifted.table, row["sourcedId"]
        if not key:
            sifted.spoilt = True
            self.findings.quarantine(table.file, row.line, "sourcedId", f"{table.part}.sourcedId.missing")
            return
        if key in sifted.seen or key in sifted.deleted:
            self.findings.quarantine(table.file, row.line, "sourcedId", f"{table.part}.sourcedId.duplicate")
            return
        if not self._status(sifted, row, key):
            return
        sifted.seen.add(key)
        # Every rule is applied, so that the clerk learns of all faults of a row at once.
        if all([self._column(table, row, column) for column in RULES[table.part]]):
            sifted.rows[key] = row

    def _status(self, sifted: Sifted, row: Row, key: str) -> bool:
        """Check status and dateLastModified; return whether the row speaks of something that exists."""
        table, status = sifted.table, row["status"].lower()
        if sifted.mode == "bulk":
            for name in ("status", "dateLastModified"):
                if row[name]:
                    self.findings.warn(table.file, row.line, name, f"{table.part}.{name}.bulk")
            if status == DELETED:
                sifted.deleted[key] = row
            return status != DELETED
        problems = [(name, "delta") for name in ("status", "dateLastModified") if not row[name]]
        if status and status not in {"active", DELETED}:
            problems.append(("status", "value"))
        if row["dateLastModified"] and not is_iso_time(row["dateLastModified"]):
            problems.append(("dateLastModified", "time"))
        for name, problem in problems:
            self.findings.quarantine(table.file, row.line, name, f"{table.part}.{name}.{problem}")
        if problems:
            sifted.seen.add(key)
        elif status == DELETED:
            sifted.deleted[key] = row
        return not problems and status != DELETED

    def _column(self, table: Table, row: Row, column: Column) -> bool:
        value = row[column.name]
        if not value:
            needed = column.need if table.has(column.name) else ""
            return self._hit(table, row, column, "missing", needed)
        fine = True
        if column.check is not None and not column.check(value):
            fine = self._hit(table, row, column, column.problem, column.severity)
        elif column.problem == "date" and not is_iso_date(value):
            fine = self._hit(table, row, column, "iso", "warn")
        return self._text(table, row, column, value) and fine if column.half else fine

    def _text(self, table: Table, row: Row, column: Column, value: str) -> bool:
        """Check the characters of a name or title, which people will read on screens and paper."""
        fine = True
        if has_half_katakana(value):
            fine = self._hit(table, row, column, "halfwidth", column.half)
        if has_controls(value):
            fine = self._hit(table, row, column, "control", column.half) and fine
        if has_gaiji(value):
            self._hit(table, row, column, "gaiji", "warn")
        return fine

    def _hit(self, table: Table, row: Row, column: Column, problem: str, severity: Severity) -> bool:
        rule = f"{table.part}.{column.rule_name}.{problem}"
        lenient = self.version == "1.1" and column.japan and problem not in {"halfwidth", "control"}
        if severity == "stop" and not lenient:
            self.findings.quarantine(table.file, row.line, column.name, rule)
            return False
        if severity:
            self.findings.warn(table.file, row.line, column.name, rule)
        return True
