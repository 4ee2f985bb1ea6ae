"""`kurabako hours` as a clerk types it."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli import cli
from appliance.exits import Exit
from appliance.hours.reckoning import Staff
from appliance.hours.settings import HoursSettingError, load_hours
from appliance.hours.shiftfile import ShiftFileError, read_shifts
from appliance.policy import PolicyDeniedError
from tests.appliance.hours.test_timeclock import FULL, HALF, row
from tests.school import PASSPHRASE, School, enrol

SHIFTS = (
    "氏名,いつから,パターン,職種,課程,カード番号\r\n"
    "佐藤 葵,2024/4/1,A,教育,前期,0001 0002\r\n"
    "鈴木　航,2024-04-01,B,,後期\r\n"
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("hours-command"), imported=False)
    yield made
    made.close()


def run(school: School, *words: str, name: str = "jimu", answer: str = "") -> Result:
    told = [words[0], str(school.site), *words[1:], "--login", name, "--passphrase-stdin"]
    return CliRunner().invoke(cli, ["hours", *told], input=f"{PASSPHRASE}\n{answer}", standalone_mode=False)


def test_shifts_the_recorders_file_and_the_report(
    own: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURABAKO_LANG", "ja")
    table, file = tmp_path / "shifts.csv", tmp_path / "dakoku.csv"
    table.write_bytes(SHIFTS.encode("cp932"))
    assert run(own, "shifts", str(table), "--yes").return_value == Exit.OK
    file.write_text("\n".join(["4", FULL, HALF, row("08:00", card="0099")]) + "\n", "utf-8")
    assert isinstance(run(own, "import", str(file), answer="n\n").exception, click.Abort)
    done = run(own, "import", str(file), answer="y\n")
    assert done.return_value == Exit.INCOMPLETE and "保存済" in done.stdout
    assert "1行目は 4行、実際は 3行" in done.stdout and "カード 99: 1行" in done.stdout
    assert "4行目: 持ち主のわからないカード [unknown_card]" in done.stdout
    again = json.loads(run(own, "import", str(file), "--json").stdout)
    assert (again["new"], again["known"]) == (0, 2)
    assert again["refused"] == [{"line": 4, "why": "unknown_card", "field": 1}]
    monkeypatch.setenv("KURABAKO_LANG", "en")
    assert "nothing to change" in (english := run(own, "import", str(file))).stdout
    assert "line 4: nobody has this card" in english.stdout

    printed = run(own, "report", "--year", "2026")
    assert printed.return_value == Exit.OK
    assert "前期課程（1〜6年）  —         1.73       —" in printed.stdout and "令和8年度" in printed.stdout
    csv = run(own, "report", "--year", "2026", "--csv", name="kocho")
    assert csv.stdout.startswith("\ufeff課程,令和7年度,令和8年度,差") and "重要性分類Ⅲ" in csv.stdout
    told = json.loads(run(own, "report", "--year", "2026", "--json").stdout)
    assert [line["difference"] for line in told["lines"]] == ["—", "—"]
    assert told["lines"][0]["now"] == {"course": "lower", "year": 2026, "hours": "1.73", "months": 1, "people": 1}
    assert isinstance(run(own, "report", name="sato").exception, PolicyDeniedError)
    assert isinstance(run(own, "report", "--csv", "--json").exception, click.UsageError)


def test_a_site_with_settings_of_its_own(own: School, tmp_path: Path) -> None:
    config = own.site / "kurabako.toml"
    before = config.read_text("utf-8")
    try:
        assert 'hours = ""' in before
        config.write_text(before.replace('hours = ""', 'hours = "hours.toml"'), "utf-8")
        (own.site / "hours.toml").write_text("[limits]\n", "utf-8")
        assert isinstance(run(own, "report").exception, HoursSettingError)
    finally:
        config.write_text(before, "utf-8")


STAFF = {"aa": "佐藤 葵", "bb": "鈴木 航", "cc": "同じ 名", "dd": "同じ名"}
PATTERNS = load_hours().pattern


def test_the_table_of_shifts() -> None:
    one, two = read_shifts(SHIFTS.encode("cp932"), STAFF, PATTERNS)
    assert (one.person, one.since, one.begin, one.end, one.course) == ("aa", date(2024, 4, 1), 480, 990, "lower")
    assert one.cards == ("0001", "0002") and one.staff is Staff.TEACHING
    assert (two.person, two.name, two.course, two.cards) == ("bb", "B", "upper", ())


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("だれか,2024-04-01,A", "氏名"),
        ("同じ名,2024-04-01,A", "氏名"),
        ('佐藤葵,"2024-04-01,A', "氏名"),
        ("佐藤葵,2024-13-01,A", "いつから"),
        ("佐藤葵,四月,A", "いつから"),
        ("佐藤葵,2024-04-01,Z", "パターン"),
        ("佐藤葵,2024-04-01,A,校長", "職種"),
        ("佐藤葵,2024-04-01,A,教育,中期", "課程"),
        ("佐藤葵,2024-04-01,A,教育,前期,カード", "カード番号"),
        ("鈴木航,2024-04-01,C", "いつから"),  # the line before says B
    ],
)
def test_a_line_that_is_not_understood(line: str, column: str) -> None:
    with pytest.raises(ShiftFileError) as caught:
        read_shifts(f"鈴木航,2024-04-01,B\n{line}\n".encode(), STAFF, PATTERNS)
    assert caught.value.params == {"line": 2, "column": column}
