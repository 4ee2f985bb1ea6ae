"""Whatever comes in, a plan or an ApplianceError comes out."""

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import ApplianceError
from appliance.messages import explain
from appliance.oneroster.dialects import COLUMNS, PARTS
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.oneroster.report import report_json, report_lines
from appliance.roster import Contact, Enrollment, RosterRecord, SchoolClass, User, encode_record
from tests.appliance.oneroster.samples import CODE, clean, two_schools

WHOLE = clean().files()
with io.BytesIO() as _buffer:
    with zipfile.ZipFile(_buffer, "w", zipfile.ZIP_DEFLATED) as _archive:
        for _name, _data in WHOLE.items():
            _archive.writestr(_name, _data)
    ZIPPED = _buffer.getvalue()

fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
cell = st.sampled_from(
    ["", "x", "1", "true", "active", "tobedeleted", "2026-04-01", "student", "homeroom", CODE]
) | (st.text(max_size=6))


def attempt(files: dict[str, bytes]) -> ImportPlan | None:
    with TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        return attempt_source(Path(folder))


def attempt_source(source: Path, existing: tuple[RosterRecord, ...] = ()) -> ImportPlan | None:
    try:
        plan = plan_import(source, CODE, existing)
    except ApplianceError as error:
        told = explain(error, "ja")
        assert told.code == error.code and "{" not in told.sentence
        return None
    assert report_lines(plan, "ja") and report_lines(plan, "en") and report_json(plan)
    check_whole(plan, existing)
    return plan


def check_whole(plan: ImportPlan, existing: tuple[RosterRecord, ...]) -> None:
    """Apply the plan and look for anything that hangs in the air."""
    after = {(r.kind, r.id): r for r in existing}
    for record in plan.remove:
        del after[record.kind, record.id]
    for record in plan.put:
        encode_record(record)
        after[record.kind, record.id] = record
    for record in after.values():
        if isinstance(record, Enrollment):
            assert (User.kind, record.user_id) in after and (SchoolClass.kind, record.class_id) in after
        if isinstance(record, Contact):
            assert (User.kind, record.id) in after
    assert plan.totals.users == sum(kind == User.kind for kind, _ in after)


@fuzz
@given(st.binary(max_size=400))
def test_random_bytes_as_a_file(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        for name in ("e.zip", "users.csv", "e.json", "e"):
            path = Path(folder) / name
            path.write_bytes(data)
            attempt_source(path)


@fuzz
@given(st.sampled_from(sorted(WHOLE)), st.binary(max_size=200))
def test_random_bytes_in_place_of_one_part(name: str, data: bytes) -> None:
    attempt(WHOLE | {name: data})


@fuzz
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_parts(name: str, data: st.DataObject) -> None:
    whole = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    attempt(WHOLE | {name: bytes(whole[: data.draw(st.integers(0, len(whole)))])})


@fuzz
@given(st.data())
def test_damaged_zips(data: st.DataObject) -> None:
    whole = bytearray(ZIPPED)
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "e.zip"
        path.write_bytes(whole[data.draw(st.integers(0, 8)) :])
        attempt_source(path)


@fuzz
@given(st.sampled_from([p for p in PARTS if p != "resources"]), st.lists(st.lists(cell, max_size=30), max_size=5))
def test_random_tables(part: str, rows: list[list[str]]) -> None:
    lines = [",".join(COLUMNS[part]), *(",".join(f'"{c.replace(chr(34), "")}"' for c in row) for row in rows)]
    attempt(WHOLE | {f"{part}.csv": "\n".join(lines).encode("utf-8", "surrogatepass")})


@fuzz
@given(st.data())
def test_cells_swapped_between_rows_leave_nothing_hanging(data: st.DataObject) -> None:
    sample, bulk = two_schools(), data.draw(st.booleans())
    before = attempt(WHOLE)
    assert before is not None
    if not bulk:
        sample = sample.delta()
    for _ in range(data.draw(st.integers(1, 8))):
        rows = sample.parts[data.draw(st.sampled_from(["orgs", "classes", "users", "enrollments", "roles"]))]
        if not rows:
            continue
        row = data.draw(st.sampled_from(rows))
        column = data.draw(st.sampled_from(sorted(row)))
        row[column] = data.draw(cell | st.sampled_from([r.get(column, "") for r in rows]))
        if data.draw(st.booleans()):
            rows.remove(row)
    with TemporaryDirectory() as folder:
        attempt_source(sample.write(Path(folder)), before.put)
