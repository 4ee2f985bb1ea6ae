"""Exports that vendors and the government published; read in place, never copied here."""

from pathlib import Path

import pytest

from appliance.messages import explain
from appliance.oneroster.errors import AmbiguousFileError, NotOneRosterCsvError, SchoolUnclearError
from appliance.oneroster.plan import plan_import
from appliance.oneroster.report import report_lines
from appliance.roster import Contact, Enrollment, School, SchoolClass, Session, User
from tests.appliance.oneroster.samples import CODE, DATA, rules


def sample(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the published sample is not here: {path}")
    return path


def loose(pattern: str) -> list[Path]:
    return sorted(sample("oneroster-jp", "rosterhub").glob(pattern))


def test_the_1_1_sample_of_one_school() -> None:
    plan = plan_import(sample("oneroster-1.1", "oat-sa-base"), "my identifier")
    assert (plan.version, plan.mode, plan.quarantined) == ("1.1", "bulk", ())
    assert [type(record) for record in plan.put] == [
        School,
        SchoolClass,
        SchoolClass,
        User,
        Enrollment,
        Enrollment,
    ]
    assert plan.totals.skipped_schools == 1
    assert sum(w.rule == "users.kana.column" for w in plan.warnings) == 2


def test_the_1_1_sample_names_no_school_by_code() -> None:
    with pytest.raises(SchoolUnclearError):
        plan_import(sample("oneroster-1.1", "oat-sa-base"), CODE)


def test_the_sample_of_a_bridge() -> None:
    plan = plan_import(sample("oneroster-jp", "roster-bridge-jpp"), CODE)
    assert (plan.version, plan.mode, plan.quarantined, plan.remove) == ("1.1", "delta", (), ())
    kinds = [type(record) for record in plan.put]
    assert [kinds.count(kind) for kind in (School, Session, User, Contact)] == [1, 4, 7, 7]
    pupil = next(r for r in plan.put if isinstance(r, User) and r.id == "1")
    assert pupil.grades == ("10", "11")
    assert "orgs.identifier.ambiguous" in rules(plan)


def test_loose_user_files() -> None:
    for path in loose("users-*.csv"):
        plan = plan_import(path, CODE)
        assert (plan.version, plan.mode, plan.quarantined, plan.remove) == ("1.1", "delta", (), ())
        users = {r.id: r for r in plan.put if isinstance(r, User)}
        assert users["csv-export-001"].kana_given and users["csv-export-001"].roles == ("student",)
        assert "user-e2e-003" not in users


def test_the_deleted_user_of_a_loose_file_is_removed() -> None:
    gone = User(id="user-e2e-003", roles=("student",), family_name="a", given_name="b")
    stays = User(id="someone-else", roles=("student",), family_name="a", given_name="b")
    path = max(loose("users-*.csv"), key=lambda p: p.stat().st_size)
    assert plan_import(path, CODE, [gone, stays]).remove == (gone,)


def test_loose_org_files_are_planned_or_refused_for_lack_of_a_code() -> None:
    for path in loose("orgs-*.csv"):
        schools = sum('"school"' in line for line in path.read_text("utf-8").splitlines())
        if schools > 1:
            with pytest.raises(SchoolUnclearError):
                plan_import(path, CODE)
        else:
            assert len(plan_import(path, CODE).put) == schools


def test_a_school_of_a_loose_file_is_found_by_its_identifier() -> None:
    path = max(loose("orgs-*.csv"), key=lambda p: p.stat().st_size)
    for name in ("tokyo-hs-001", "TKY-HS-001"):
        plan = plan_import(path, name)
        assert [record.id for record in plan.put] == ["org-e2e-001"]


def test_many_exports_in_one_folder_are_refused() -> None:
    with pytest.raises(AmbiguousFileError):
        plan_import(sample("oneroster-jp", "rosterhub"), CODE)


@pytest.mark.parametrize(
    ("folder", "format_name"),
    [
        ("da2022-rest-sample", "OneRoster REST (JSON)"),
        ("sds2roster/tests/fixtures/sds", "Microsoft School Data Sync (SDS) CSV"),
        ("da2022-errors", "JSON"),
    ],
)
def test_other_formats_are_refused_by_name_with_what_to_ask_for(folder: str, format_name: str) -> None:
    source = sample("oneroster-jp", *folder.split("/"))
    with pytest.raises(NotOneRosterCsvError) as caught:
        plan_import(source, CODE)
    told = explain(caught.value, "ja")
    assert format_name in told.sentence and "OneRoster 1.2 CSV" in told.hint and "業者" in told.hint


def test_each_report_can_be_read() -> None:
    plan = plan_import(sample("oneroster-jp", "roster-bridge-jpp"), CODE)
    for lines in (report_lines(plan, "ja"), report_lines(plan, "en")):
        assert len(lines) > 10 and not [line for line in lines if "田中" in line]
