"""Importing over the sealed store: whole or not at all, and nothing that was not looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.generator.school import make_school
from appliance.generator.writer import write_school
from appliance.office import Office
from appliance.oneroster.errors import (
    ContainerBrokenError,
    RefusedExportError,
    SourceUnreadableError,
    WrongSchoolError,
)
from appliance.policy import PolicyDeniedError
from appliance.roster import Enrollment, User
from sync.reader import Reader
from tests.appliance.exports import Change, Rows, export
from tests.school import SCHOOL_DAY, School, enrol


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[School]:
    """An enrolled school without a roster."""
    made = enrol(tmp_path / "fresh", seed=21, imported=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school whose roster these tests may change; each brings it back by importing the whole file."""
    made = enrol(tmp_path_factory.mktemp("roster"), seed=22)
    yield made
    made.close()


@pytest.fixture
def clerk(own: School) -> Iterator[Office]:
    opened = own.office("jimu")
    opened.roster.commit(opened.roster.plan(own.zip))
    yield opened
    opened.logout()


def rewritten(source: Path, target: Path, change: Change, mode: str = "bulk") -> Path:
    """Write the export again after a change to its rows."""
    target.write_bytes(export(source, change, mode))
    return target


def newest(school: School) -> int:
    reader = Reader(school.paths.store)
    seq = reader.position().seq
    reader.close()
    return seq


def counts(office: Office) -> dict[str, int]:
    return {view.title: view.pupils for view in office.attendance.classes(SCHOOL_DAY)}


def test_an_import_is_one_signed_batch(fresh: School) -> None:
    office = fresh.office("jimu")
    before = newest(fresh)
    plan = office.roster.plan(fresh.zip)
    audited = [row.kind for row in office._session.store.reader.since(before)]
    assert audited == ["key.batch", "audit.entry"], "planning keeps nothing but that contacts were compared"
    before = newest(fresh)
    saved = office.roster.commit(plan)
    assert saved is not None
    assert (saved.first_seq, saved.last_seq) == (before + 1, newest(fresh))
    reader = Reader(fresh.paths.store)
    rows = reader.since(before)
    signed = [told for row in rows if (told := reader.signature_of(row.id)) is not None]
    assert [told.size for told in signed] == [len(rows)] and len(rows) >= len(plan.put) > 2000
    reader.close()
    assert counts(office) == {made.title: len(made.pupils) for made in fresh.made.classes}
    office.logout()


def test_every_record_that_was_planned_is_there_for_the_next_session(own: School, clerk: Office) -> None:
    again = own.office("kocho")
    plan = again.roster.plan(own.zip)
    assert (plan.put, plan.remove) == ((), ()) and plan.unchanged > 2000
    pupil = own.made.classes[0].pupils[0]
    row = again.attendance.day(own.made.classes[0].id, SCHOOL_DAY).rows[0]
    assert (row.pupil_id, row.number) == (pupil.id, 1)
    assert row.name == f"{pupil.name.family} {pupil.name.given}"
    again.logout()


def test_the_same_file_again_changes_nothing(own: School, clerk: Office) -> None:
    before = newest(own)
    assert clerk.roster.commit(clerk.roster.plan(own.zip)) is None
    assert newest(own) == before


def test_only_what_changed_is_written(own: School, clerk: Office, tmp_path: Path) -> None:
    def rename(parts: dict[str, Rows]) -> None:
        parts["users"][-1]["familyName"] = "改姓"

    plan = clerk.roster.plan(rewritten(own.zip, tmp_path / "renamed.zip", rename))
    assert [type(record) for record in plan.put] == [User] and plan.remove == ()
    saved = clerk.roster.commit(plan)
    assert saved is not None
    last = own.made.classes[-1].pupils[-1]
    names = {row.pupil_id: row.name for row in clerk.attendance.day(last.class_id, SCHOOL_DAY).rows}
    assert names[last.id].startswith("改姓 ")


def test_a_delta_removes_who_left_and_keeps_who_stayed(own: School, clerk: Office, tmp_path: Path) -> None:
    gone, made = own.made.classes[0].pupils[2], own.made.classes[0]

    def leave(parts: dict[str, Rows]) -> None:
        for name, rows in parts.items():
            if name != "manifest":
                rows[:] = [row for row in rows if gone.id in (row["sourcedId"], row.get("userSourcedId"))]
                for row in rows:
                    row |= {"status": "tobedeleted", "dateLastModified": "2026-11-20T00:00:00.000Z"}

    before = counts(clerk)
    plan = clerk.roster.plan(rewritten(own.zip, tmp_path / "delta.zip", leave, "delta"))
    assert plan.mode == "delta" and plan.put == () and plan.quarantined == ()
    assert {type(record) for record in plan.remove} >= {User, Enrollment}
    clerk.roster.commit(plan)
    assert counts(clerk) == before | {made.title: before[made.title] - 1}
    other = own.office("sato")
    assert gone.id not in {row.pupil_id for row in other.attendance.day(made.id, SCHOOL_DAY).rows}
    other.logout()
    back = clerk.roster.plan(own.zip)
    assert {type(record) for record in back.put} >= {User, Enrollment}
    clerk.roster.commit(back)
    assert counts(clerk) == before


def test_bad_rows_stay_out_and_the_rest_goes_in(own: School, clerk: Office, tmp_path: Path) -> None:
    kept, broken = own.made.classes[3].pupils[0], own.made.classes[3].pupils[1]

    def dirty(parts: dict[str, Rows]) -> None:
        for row in parts["enrollments"]:
            if row["userSourcedId"] == broken.id:
                row["role"] = "wizard"
            if row["userSourcedId"] == kept.id:
                row["metadata.jp.shussekiNo"] = "99"

    plan = clerk.roster.plan(rewritten(own.zip, tmp_path / "dirty.zip", dirty))
    assert [(found.file, found.column) for found in plan.quarantined] == [("enrollments.csv", "role")]
    clerk.roster.commit(plan)
    numbers = {row.pupil_id: row.number for row in clerk.attendance.day(kept.class_id, SCHOOL_DAY).rows}
    assert numbers[kept.id] == 99
    for found in (*plan.quarantined, *plan.warnings):
        told = repr(found)
        assert broken.name.family not in told and broken.id not in told and "wizard" not in told


def damage(own: School, folder: Path) -> dict[str, tuple[Path, type[RefusedExportError]]]:
    data = own.zip.read_bytes()
    other, half, swapped = folder / "other.zip", folder / "half.zip", folder / "swapped.zip"
    write_school(make_school(999, 2026), other)
    half.write_bytes(data[: len(data) // 2])
    middle = len(data) // 2
    swapped.write_bytes(
        data[:middle] + bytes(byte ^ 0xFF for byte in data[middle : middle + 64]) + data[middle + 64 :]
    )
    return {
        "wrong school": (other, WrongSchoolError),
        "half a file": (half, ContainerBrokenError),
        "flipped bits": (swapped, ContainerBrokenError),
        "no file": (folder / "nowhere.zip", SourceUnreadableError),
    }


@pytest.mark.parametrize("what", ["wrong school", "half a file", "flipped bits", "no file"])
def test_a_refused_file_changes_nothing(own: School, clerk: Office, tmp_path: Path, what: str) -> None:
    file, error = damage(own, tmp_path)[what]
    before, seen = newest(own), counts(clerk)
    with pytest.raises(error) as caught:
        clerk.roster.plan(file)
    assert newest(own) == before and counts(clerk) == seen
    assert str(own.folder) not in str(caught.value.params)


def test_the_other_school_is_named_by_its_code_only(own: School, clerk: Office, tmp_path: Path) -> None:
    file, _ = damage(own, tmp_path)["wrong school"]
    with pytest.raises(WrongSchoolError) as caught:
        clerk.roster.plan(file)
    assert caught.value.params == {"wanted": own.made.code, "found": make_school(999, 2026).code}


def test_who_may_not_import_may_not_even_plan(own: School, clerk: Office) -> None:
    plan = clerk.roster.plan(own.zip)
    for name in ("sato", "shien"):
        office = own.office(name)
        with pytest.raises(PolicyDeniedError):
            office.roster.plan(own.zip)
        with pytest.raises(PolicyDeniedError):
            office.roster.commit(plan)
        office.logout()


def test_progress_ends_at_the_number_of_rows(own: School, clerk: Office) -> None:
    seen: list[tuple[int, int]] = []
    clerk.roster.plan(own.zip, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] > 2000
