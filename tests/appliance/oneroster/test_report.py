"""What the clerk is told of a plan: counts, rows that stay out, warnings, and no value of a person's row."""

from pathlib import Path

from appliance.oneroster.dialects import JP
from appliance.oneroster.report import report_json, report_lines
from tests.appliance.oneroster.samples import (
    PUPIL_A,
    clean,
    old_style,
)


def test_the_report_counts_first_and_names_no_values(tmp_path: Path) -> None:
    sample = clean()
    sample.row("users", 1)[JP + "kanaGivenName"] = "ﾊﾅｺ"
    sample.row("users")["userMasterIdentifier"] = "秘密の番号"
    plan = sample.plan(tmp_path)
    japanese, english = report_lines(plan, "ja"), report_lines(plan, "en")
    assert "  1年1組（P1）  児童生徒 1人、教員 1人" in japanese
    bad = f"  users.csv 3行 {JP}kanaGivenName: 半角カタカナが含まれています [users.kana.halfwidth]"
    counts = next(line for line in japanese if line.startswith("変更"))
    order = [japanese.index(line) for line in (counts, "取り込まない行 3行", bad, "学級ごとの人数")]
    assert order == sorted(order)
    assert any("users.csv line 3" in line for line in english)
    told = "\n".join((*japanese, *english, str(report_json(plan))))
    assert not [word for word in ("山田", "鈴木", "ﾊﾅｺ", "秘密", PUPIL_A, "sato@") if word in told]


def test_many_alike_warnings_are_folded_into_one(tmp_path: Path) -> None:
    sample = clean()
    for number, row in enumerate(sample.parts["users"]):
        row["userMasterIdentifier"] = f"id{number}"
    plan = sample.plan(tmp_path)
    assert len(plan.warnings) == 1 and plan.totals.warnings == 4
    assert "ほか3行" in plan.warnings[0].message_ja and plan.warnings[0].line == 2


def test_json_report_holds_the_counts(tmp_path: Path) -> None:
    report = report_json(old_style().plan(tmp_path))
    assert report["put"] == {
        "roster.school": 1,
        "roster.session": 1,
        "roster.class": 2,
        "roster.user": 4,
        "roster.contact": 3,
        "roster.enrollment": 3,
    }
