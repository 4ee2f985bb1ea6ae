"""A plan in the clerk's words and as JSON.

Invariant: what would change comes first, then what stays out; nothing in a report is a value of a person's row.
"""

from collections.abc import Iterable
from dataclasses import asdict

from appliance.messages import Language
from appliance.oneroster.counting import ClassCount
from appliance.oneroster.findings import Quarantined
from appliance.oneroster.plan import WORKBOOK, ImportPlan

_MODES: dict[Language, dict[str, str]] = {
    "ja": {"bulk": "一括（bulk）", "delta": "差分（delta）"},
    "en": {"bulk": "bulk", "delta": "delta"},
}


def report_lines(plan: ImportPlan, lang: Language) -> list[str]:
    """Return the report as lines: totals, changes, rows that stay out, classes, warnings."""
    if lang == "en":
        return _english(plan)
    totals = plan.totals
    lines = [
        "名簿（Excel）"
        if plan.version == WORKBOOK
        else f"OneRoster {plan.version}・{_MODES['ja'][plan.mode]}・文字コード {plan.encoding}",
        "",
        f"合計  学級 {totals.classes}、児童生徒 {totals.pupils}人、教員 {totals.teachers}人、"
        f"利用者 {totals.users}人、在籍 {totals.enrollments}件",
        f"変更  追加・更新 {len(plan.put)}件、外す {len(plan.remove)}件、変更なし {plan.unchanged}件",
    ]
    if totals.skipped_schools:
        lines.append(f"ほかの学校 {totals.skipped_schools}校の {totals.skipped_rows}行は取り込みません")
    lines += ["", f"取り込まない行 {totals.quarantined}行"]
    lines += [_finding_ja(found) for found in plan.quarantined]
    lines += ["", "学級ごとの人数"]
    lines += [_class_ja(count) for count in plan.class_counts] or ["  （学級がありません）"]
    lines += ["", f"お知らせ {totals.warnings}件（取り込みます）"]
    lines += [_finding_ja(found) for found in plan.warnings]
    return lines


def report_json(plan: ImportPlan) -> dict[str, object]:
    """Return the report as JSON-ready values; holds counts and findings, no records."""
    return {
        "version": plan.version,
        "mode": plan.mode,
        "encoding": plan.encoding,
        "put": _by_kind(record.kind for record in plan.put),
        "remove": _by_kind(record.kind for record in plan.remove),
        "unchanged": plan.unchanged,
        "classes": [asdict(count) for count in plan.class_counts],
        "totals": asdict(plan.totals),
        "quarantined": [asdict(found) for found in plan.quarantined],
        "warnings": [asdict(found) for found in plan.warnings],
    }


def _english(plan: ImportPlan) -> list[str]:
    totals = plan.totals
    oneroster = f"OneRoster {plan.version}, {_MODES['en'][plan.mode]}, encoding {plan.encoding}"
    lines = [
        "roster (Excel)" if plan.version == WORKBOOK else oneroster,
        "",
        f"Total: {totals.classes} classes, {totals.pupils} pupils, {totals.teachers} teachers, "
        f"{totals.users} users, {totals.enrollments} enrolments",
        f"Changes: {len(plan.put)} new or changed, {len(plan.remove)} removed, {plan.unchanged} unchanged",
    ]
    if totals.skipped_schools:
        lines.append(f"Not imported: {totals.skipped_rows} rows of {totals.skipped_schools} other schools")
    lines += ["", f"Rows left out: {totals.quarantined}"]
    lines += [_finding_en(found) for found in plan.quarantined]
    lines += ["", "By class"]
    lines += [_class_en(count) for count in plan.class_counts] or ["  (no classes)"]
    lines += ["", f"Warnings: {totals.warnings} (imported all the same)"]
    lines += [_finding_en(found) for found in plan.warnings]
    return lines


def _class_ja(count: ClassCount) -> str:
    grade = f"（{count.grade}）" if count.grade else ""
    special = f"、うち特別支援 {count.specials}人" if count.specials else ""
    return f"  {count.title}{grade}  児童生徒 {count.pupils}人{special}、教員 {count.teachers}人"


def _class_en(count: ClassCount) -> str:
    grade = f" ({count.grade})" if count.grade else ""
    special = f" ({count.specials} special needs)" if count.specials else ""
    return f"  {count.title}{grade}: {count.pupils} pupils{special}, {count.teachers} teachers"


def _finding_ja(found: Quarantined) -> str:
    place = f"{found.file} {found.line}行" if found.line else found.file
    return f"  {place}{' ' if found.column else ''}{found.column}: {found.message_ja} [{found.rule}]"


def _finding_en(found: Quarantined) -> str:
    place = f"{found.file} line {found.line}" if found.line else found.file
    return f"  {place}{' ' if found.column else ''}{found.column}: {found.message_en} [{found.rule}]"


def _by_kind(kinds: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    return counts
