"""The printed month's columns and seals are a city's own, or the program's."""

from pathlib import Path

import pytest

from appliance.attendance.codes import CodeEntryError
from appliance.attendance.sheetform import Total, load_sheet_form


def test_the_programs_own_form_has_the_columns_of_the_official_record() -> None:
    form = load_sheet_form()
    assert [total.name for total in form.totals] == [
        "授業日数",
        "停・忌等",
        "要出席",
        "欠席",
        "出席",
        "遅刻",
        "早退",
    ]
    assert form.seals == ("校長印", "教頭印", "担任印")


def test_a_city_sets_its_columns_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(
        '[[total]]\ncounts = "absent"\nname = "欠"\n[[total]]\ncounts = "online"\nname = "遠隔"\n', "utf-8"
    )
    form = load_sheet_form(file)
    assert [(t.counts, t.name) for t in form.totals] == [(Total.ABSENT, "欠"), (Total.ONLINE, "遠隔")]
    assert form.seals == load_sheet_form().seals


def test_a_city_may_print_no_seals(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text("seal = []\n", "utf-8")
    assert load_sheet_form(file).seals == ()


@pytest.mark.parametrize(
    "text", ['[[total]]\ncounts = "days"\nname = "x"', '[[seal]]\nwho = "校長"', "[total]\nx = 1"]
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(CodeEntryError):
        load_sheet_form(file)
