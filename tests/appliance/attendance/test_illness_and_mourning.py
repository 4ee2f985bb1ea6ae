from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.attendance.codes import CodeEntryError
from appliance.attendance.influenza import (
    COVID,
    INFLUENZA,
    INFLUENZA_INFANT,
    RecoveryBeforeOnsetError,
    ReturnRule,
    earliest_return,
)
from appliance.attendance.mourning import MourningRule, UnknownRelationError, load_mourning, mourning_days

ONE = '[[mourning]]\nrelation = "父母"\nname_en = "Parent"\ndays = 5\n'


@given(
    st.dates(date(2000, 1, 1), date(2090, 1, 1)),
    st.integers(0, 20),
    st.sampled_from([INFLUENZA, INFLUENZA_INFANT, COVID]),
)
def test_both_counts_have_passed_and_no_day_more(onset: date, ill: int, rule: ReturnRule) -> None:
    recovered = onset + timedelta(days=ill)
    back = earliest_return(onset, recovered, rule)
    assert (back - onset).days > rule.after_onset and (back - recovered).days > rule.after_recovery
    assert (back - onset).days == rule.after_onset + 1 or (back - recovered).days == rule.after_recovery + 1


def test_while_the_fever_lasts_the_onset_alone_gives_the_earliest_day() -> None:
    assert earliest_return(date(2026, 12, 28), None) == date(2027, 1, 3)


def test_recovery_before_onset_is_refused_and_no_date_is_told() -> None:
    with pytest.raises(RecoveryBeforeOnsetError) as caught:
        earliest_return(date(2026, 12, 2), date(2026, 12, 1))
    assert caught.value.params == {} and "2026" not in str(caught.value)


def test_days_of_travel_are_added_to_mourning() -> None:
    table = (MourningRule("祖父母", "祖父母", 3),)
    assert len(mourning_days(table, "祖父母", date(2026, 12, 2), travel_days=2)) == 5


def test_an_unknown_relation_is_refused_and_only_the_table_is_told() -> None:
    with pytest.raises(UnknownRelationError) as caught:
        mourning_days(load_mourning(), "いとこ", date(2026, 12, 2))
    assert "父母" in str(caught.value.params["known"]) and "いとこ" not in str(caught.value.params)


def test_a_schools_own_file_replaces_the_table(tmp_path: Path) -> None:
    path = tmp_path / "codes.toml"
    path.write_text(ONE, "utf-8")
    assert load_mourning(path) == (MourningRule("父母", "父母", 5),)
    assert load_mourning(path, "en") == (MourningRule("父母", "Parent", 5),)


def test_a_file_of_codes_only_keeps_the_programs_table(tmp_path: Path) -> None:
    path = tmp_path / "codes.toml"
    path.write_text("", "utf-8")
    assert load_mourning(path) == load_mourning()


@pytest.mark.parametrize("broken", ["days = 0", "days = 'x'", "days = 5\nhours = 1"])
def test_a_wrong_line_of_the_table_is_refused_naming_it(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "codes.toml"
    path.write_text(ONE + ONE.replace("days = 5", broken), "utf-8")
    with pytest.raises(CodeEntryError) as caught:
        load_mourning(path)
    assert caught.value.params["entry"] == "mourning[1]"
