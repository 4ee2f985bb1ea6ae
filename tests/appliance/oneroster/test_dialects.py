from pathlib import Path

import pytest

from appliance.oneroster.dialects import (
    COLUMNS,
    JP,
    canonical_header,
    guess_version,
    part_of_file,
    part_of_header,
)
from appliance.oneroster.plan import plan_import
from appliance.roster import Enrollment, User
from tests.appliance.oneroster.samples import CODE, ENROL_A, PUPIL_A, TEACHER, clean, old_style, rules


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("users.csv", "users"),
        ("Users.CSV", "users"),
        ("users-2025-11-15-051a36fe-8db1-41bc-b699-851bfe05e19c.csv", "users"),
        ("sample_academicSessions.csv", "academicSessions"),
        ("users (1).csv", "users"),
        ("organizations.csv", "orgs"),
        ("classResources.csv", "classResources"),
        ("users.json", None),
        ("studentusers.csv", None),
        ("名簿.csv", None),
        ("users", None),
        (".csv", None),
    ],
)
def test_files_are_known_by_their_stems(name: str, part: str | None) -> None:
    assert part_of_file(name) == part


@pytest.mark.parametrize("version", ["1.2", "1.2.1", "1.2_JP"])
def test_the_versions_of_the_profile(tmp_path: Path, version: str) -> None:
    sample = clean()
    sample.manifest = [(n, version if n == "oneroster.version" else v) for n, v in sample.manifest or []]
    plan = sample.plan(tmp_path)
    assert (plan.version, rules(plan), plan.put) == (version, set(), clean().plan(tmp_path).put)


def test_version_1_1_keeps_roles_in_users_and_has_no_kana(tmp_path: Path) -> None:
    plan = old_style().plan(tmp_path)
    assert (plan.version, plan.quarantined) == ("1.1", ())
    assert rules(plan) == {"users.kana.column", "users.homeClass.column"}
    roles = {record.id: record.roles for record in plan.put if isinstance(record, User)}
    assert (roles[PUPIL_A], roles[TEACHER]) == (("student",), ("teacher",))
    assert plan.class_counts == clean().plan(tmp_path).class_counts


def test_empty_kana_stops_a_row_in_the_profile_but_not_in_1_1(tmp_path: Path) -> None:
    sample = old_style()
    sample.columns["users"].append(JP + "kanaGivenName")
    sample.row("users")[JP + "kanaGivenName"] = ""
    plan = sample.plan(tmp_path)
    assert plan.quarantined == () and "users.kana.missing" in rules(plan)


@pytest.mark.parametrize("spelling", ["metadata.jp.ShussekiNo", JP + "shussekiNo", "Metadata.JP.SHUSSEKINO"])
def test_number_in_either_spelling(tmp_path: Path, spelling: str) -> None:
    folder = clean().write(tmp_path / "e")
    path = folder / "enrollments.csv"
    path.write_text(path.read_text("utf-8").replace(JP + "shussekiNo", spelling), "utf-8")
    plan = plan_import(folder, CODE)
    assert rules(plan) == set()
    assert [r.number for r in plan.put if isinstance(r, Enrollment) and r.id == ENROL_A] == [1]


def test_both_spellings_at_once_count_where_filled(tmp_path: Path) -> None:
    folder = clean().write(tmp_path / "e")
    path = folder / "enrollments.csv"
    lines = path.read_text("utf-8").splitlines()
    lines = [lines[0] + ",metadata.jp.ShussekiNo", *(line + ",7" for line in lines[1:])]
    path.write_text("\n".join(lines), "utf-8")
    plan = plan_import(folder, CODE)
    assert rules(plan) == {"enrollments.header.doubled"}
    assert [r.number for r in plan.put if isinstance(r, Enrollment) and r.id == ENROL_A] == [1]


@pytest.mark.parametrize("spelling", ["metadata.jp.PublicFlg", "metadata.jp.publickFlg", "metadata.jp.publickflg"])
def test_the_misspelt_flag_is_known(spelling: str) -> None:
    assert canonical_header("enrollments", [spelling]) == (JP + "publicFlg",)


def test_preferred_kana_and_unknown_columns_are_let_pass(tmp_path: Path) -> None:
    sample = clean()
    sample.columns["users"] += [JP + "kanaPreferredGivenName", "ext_vendor_id", "metadata.vendor.x"]
    sample.row("users").update({"ext_vendor_id": "5", JP + "kanaPreferredGivenName": "ナマエ"})
    assert rules(sample.plan(tmp_path)) == set()


def test_resource_ids_may_be_left_out(tmp_path: Path) -> None:
    sample = clean()
    sample.drop_column("users", "resourceSourcedIds")
    assert rules(sample.plan(tmp_path)) == set()


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    sample = clean()
    for part in sample.parts:
        sample.columns[part].reverse()
    plan = sample.plan(tmp_path)
    assert plan.put == clean().plan(tmp_path).put
    assert {rule.rpartition(".")[2] for rule in rules(plan)} == {"order"}


def test_without_a_manifest_version_and_mode_are_guessed(tmp_path: Path) -> None:
    for sample, version in ((clean(), "1.2_JP"), (old_style(), "1.1")):
        sample.manifest = None
        plan = sample.plan(tmp_path)
        assert (plan.version, plan.mode) == (version, "bulk")
        assert "manifest.file.absent" in rules(plan)


def test_without_a_manifest_rows_with_a_status_are_a_delta(tmp_path: Path) -> None:
    sample = clean().delta()
    sample.manifest = None
    before = clean().plan(tmp_path).put
    del sample.parts["users"][2:]
    plan = sample.plan(tmp_path, before)
    assert (plan.mode, plan.put, plan.remove) == ("delta", (), ())


def test_a_file_that_the_manifest_calls_absent_is_not_read(tmp_path: Path) -> None:
    sample = clean()
    sample.manifest = [(n, "absent" if n == "file.demographics" else v) for n, v in sample.manifest or []]
    assert rules(sample.plan(tmp_path)) == {"demographics.file.conflict"}


def test_names_that_say_nothing_are_recognised_by_their_headers(tmp_path: Path) -> None:
    folder = clean().write(tmp_path / "e")
    for number, part in enumerate(("users", "orgs", "classes", "enrollments", "roles", "academicSessions")):
        (folder / f"{part}.csv").rename(folder / f"データ{number}.csv")
    assert plan_import(folder, CODE).put == clean().plan(tmp_path).put


def test_a_single_loose_file_is_planned(tmp_path: Path) -> None:
    folder = clean().write(tmp_path / "e")
    path = (folder / "users.csv").rename(tmp_path / "users-2026-04-01-x.csv")
    plan = plan_import(path, CODE)
    assert plan.totals.users == 4 and {"manifest.file.absent", "orgs.file.absent"} <= rules(plan)


def test_every_part_is_known_by_its_own_header() -> None:
    for part in ("manifest", "academicSessions", "orgs", "classes", "users", "enrollments", "roles"):
        assert part_of_header(COLUMNS[part]) == part
    assert part_of_header(["a", "b"]) is None


def test_versions_are_told_by_columns() -> None:
    assert guess_version({"users": ["role", "orgSourcedIds"]}) == "1.1"
    assert guess_version({"users": ["userMasterIdentifier"]}) == "1.2"
    assert guess_version({"users": [JP + "kanaPreferredGivenName", "preferredGivenName"]}) == "1.2.1"
    assert guess_version({"users": [JP + "kanaGivenName"], "roles": []}) == "1.2_JP"
