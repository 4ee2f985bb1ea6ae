"""What the school system imports: columns, words and days as its mapping says, complete or not at all."""

import csv
import io
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.attendance.codes import load_codes
from appliance.attendance.schoolsystem import MappingFileError, UnmappedCodeError, read_mapping
from appliance.cli import cli
from appliance.office import Office
from tests.school import PASSPHRASE, School

TUESDAY, SUNDAY = date(2026, 10, 6), date(2026, 10, 4)
MAPPING = """
encoding = "utf-8-sig"
day = "%Y%m%d"
present = true
[codes]
present = "0"
sick = "1"
late = "3"
[[column]]
heading = "日"
value = "day"
[[column]]
heading = "種別"
text = "日々"
[[column]]
heading = "氏名"
value = "name"
[[column]]
heading = "出欠"
value = "code"
[[column]]
heading = "時"
value = "time"
"""


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("sato")
    yield opened
    opened.logout()


def mapped(tmp_path: Path, text: str = MAPPING) -> Path:
    file = tmp_path / "mapping.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_usual_mapping_has_a_word_for_every_code() -> None:
    assert {code.code for code in load_codes(None)} == set(read_mapping().codes)


def test_rows_are_as_the_mapping_says_without_days_off_and_reasons(office: Office, tmp_path: Path) -> None:
    view = office.attendance.classes(TUESDAY)[0]
    rows = office.attendance.day(view.class_id, TUESDAY).rows
    office.attendance.mark(view.class_id, TUESDAY, rows[0].pupil_id, "sick", reason="ひみつの理由")
    office.attendance.mark(view.class_id, TUESDAY, rows[2].pupil_id, "late", time=time(9, 40))
    every = read_mapping(mapped(tmp_path))
    data = office.releases.for_system(every, SUNDAY, TUESDAY).data
    table = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert table[0] == ["日", "種別", "氏名", "出欠", "時"]
    assert {row[0] for row in table[1:]} == {"20261005", "20261006"}
    own = [row for row in table if row[0] == "20261006" and row[2] in (rows[0].name, rows[2].name)]
    assert ["20261006", "日々", rows[0].name, "1", ""] in own
    assert ["20261006", "日々", rows[2].name, "3", "09:40"] in own
    pupils = sum(view.pupils for view in office.attendance.classes(TUESDAY))
    assert len(table) == 1 + 2 * pupils
    assert "ひみつの理由" not in data.decode("utf-8-sig") and all(len(row) == 5 for row in table)
    usual = office.releases.for_system(read_mapping(), TUESDAY, TUESDAY)
    assert len(list(csv.reader(io.StringIO(usual.data.decode("cp932"))))) == 3
    assert usual.name == "attendance-20261006-20261006-III.csv"


def test_a_code_without_a_word_stops_the_table(office: Office, tmp_path: Path) -> None:
    view = office.attendance.classes(TUESDAY)[1]
    pupil = office.attendance.day(view.class_id, TUESDAY).rows[0].pupil_id
    office.attendance.mark(view.class_id, TUESDAY, pupil, "suspended")
    with pytest.raises(UnmappedCodeError) as caught:
        office.releases.for_system(read_mapping(mapped(tmp_path)), TUESDAY, TUESDAY)
    assert caught.value.params["codes"] == "suspended"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "column = []\n[codes]\n",
        "x = 1\n" + MAPPING,
        MAPPING.replace('value = "name"', 'value = "reason"'),
        MAPPING.replace('value = "name"', 'value = "name"\ntext = "x"'),
        MAPPING.replace('value = "name"\n', ""),
        MAPPING.replace("utf-8-sig", "utf-7"),
        "[[column",
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MappingFileError):
        read_mapping(mapped(tmp_path, text))
    with pytest.raises(MappingFileError):
        read_mapping(tmp_path / "none.toml")


def test_the_command_writes_one_file(own: School, tmp_path: Path) -> None:
    words = ["export", "attendance", str(own.site), "--since", "2026-10-05", "--until", "2026-10-05"]
    told = [
        *words,
        "--login",
        "jimu",
        "--to",
        str(tmp_path),
        "--mapping",
        str(mapped(tmp_path)),
        "--passphrase-stdin",
    ]
    done = CliRunner().invoke(cli, told, input=f"{PASSPHRASE}\n", standalone_mode=False)
    assert done.exception is None, done.output
    (file,) = tmp_path.glob("*.csv")
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
