import codecs
from importlib.resources import files
from pathlib import Path

import pytest

from appliance.attendance.codes import (
    RESERVED_KEYS,
    CodeEntryError,
    CodeKeyError,
    CodeRepeatedError,
    CodesFileError,
    CodeSymbolError,
    NoCodesError,
    load_codes,
)
from appliance.messages import explain
from appliance.views import Counting
from crypto.errors import KurabakoError
from tui.actions import RESERVED_LETTERS

SHIPPED = files("appliance.attendance").joinpath("codes.toml").read_text("utf-8")


def entry(code: str, symbol: str, key: str, counting: str, more: str = "") -> str:
    return (
        f'[[code]]\ncode = "{code}"\nname = "{code}の名"\nname_en = "{code} name"\nsymbol = "{symbol}"\n'
        f'key = "{key}"\ncounting = "{counting}"\n{more}\n'
    )


GOOD = entry("present", "出", "p", "present") + entry("sick", "病", "b", "absent")


def write(folder: Path, text: str) -> Path:
    path = folder / "our-codes.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_program_brings_the_usual_codes() -> None:
    named = {code.name: code.counting for code in load_codes()}
    assert named == {
        "病欠": Counting.ABSENT,
        "事故欠": Counting.ABSENT,
        "出席停止": Counting.SUSPENDED,
        "忌引": Counting.SUSPENDED,
        "遅刻": Counting.LATE,
        "早退": Counting.LEFT_EARLY,
        "遅刻・早退": Counting.LATE_AND_LEFT,
        "出席扱い（ICT・校外）": Counting.ATTENDED_ELSEWHERE,
        "オンライン特例": Counting.ONLINE,
        "出席": Counting.PRESENT,
    }
    assert {code.counting for code in load_codes()} == set(Counting)


def test_keys_of_the_usual_codes_are_single_small_letters_or_digits() -> None:
    keys = [code.key for code in load_codes()]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 1 and key.isascii() and key.isalnum() and key == key.lower() for key in keys)
    assert not RESERVED_KEYS & set(keys)


def test_no_key_of_the_attendance_screen_can_be_given_to_a_code() -> None:
    assert RESERVED_LETTERS <= RESERVED_KEYS


def test_a_capital_key_is_kept_small_as_the_screens_compare_it(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + entry("other", "他", "Z", "absent"))
    assert load_codes(path)[-1].key == "z"


def test_lateness_asks_for_the_time_and_illness_for_the_reason() -> None:
    by_name = {code.code: code for code in load_codes()}
    assert by_name["late"].wants_time and by_name["left_early"].wants_time and by_name["late_and_left"].wants_time
    assert by_name["sick"].wants_reason and not by_name["present"].wants_reason


def test_codes_are_named_in_the_language_asked_for() -> None:
    ja, en = load_codes(lang="ja"), load_codes(lang="en")
    assert [code.code for code in ja] == [code.code for code in en]
    assert all(code.name.isascii() for code in en) and not any(code.name.isascii() for code in ja)


def test_a_schools_own_file_replaces_the_codes_in_its_own_order(tmp_path: Path) -> None:
    text = GOOD + entry("truant", "無", "m", "absent", "unexcused = true")
    codes = load_codes(write(tmp_path, text))
    assert [(code.code, code.key, code.symbol) for code in codes] == [
        ("present", "p", "出"),
        ("sick", "b", "病"),
        ("truant", "m", "無"),
    ]
    assert [code.code for code in codes if code.unexcused] == ["truant"]


def test_a_byte_order_mark_from_a_windows_editor_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "codes.toml"
    path.write_bytes(codecs.BOM_UTF8 + GOOD.encode())
    assert len(load_codes(path)) == 2


def refused(path: Path, error: type[KurabakoError]) -> dict[str, str | int]:
    with pytest.raises(error) as caught:
        load_codes(path)
    params = caught.value.params
    assert params["file"] == str(path)
    for lang in ("ja", "en"):
        told = explain(caught.value, lang)
        assert "{" not in told.sentence + told.hint and str(path) in told.sentence
    return params


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.toml", CodesFileError)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, CodesFileError)


@pytest.mark.parametrize("raw", [b"[[code]\n", "[[code]]\nname = '病欠'".encode("cp932")], ids=["toml", "cp932"])
def test_a_file_that_is_not_toml_in_utf8_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "codes.toml"
    path.write_bytes(raw)
    assert refused(path, CodesFileError)["problem"]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (entry("x", "他", "z", "holiday"), "holiday"),
        (entry("x", "他", "z", "absent", "colour = 1"), "colour"),
        (entry("x", "他", "z", "absent", 'wants_time = "yes"'), "wants_time"),
        (entry("x", "他", "z", "late", "unexcused = true"), "unexcused"),
        (entry("", "他", "z", "late"), "empty"),
        ('[[code]]\ncode = "x"\n', "name"),
    ],
    ids=["counting", "unknown field", "type", "unexcused late", "empty code", "missing field"],
)
def test_a_wrong_entry_is_refused_naming_it_and_the_problem(tmp_path: Path, broken: str, problem: str) -> None:
    params = refused(write(tmp_path, GOOD + broken), CodeEntryError)
    assert params["entry"] == "code[2]" and problem in str(params["problem"])


@pytest.mark.parametrize("text", ["[codes]\nx = 1\n", "code = 1\n", "[code]\ncode = 'x'\n", "codes = []\n"])
def test_other_tables_are_refused(tmp_path: Path, text: str) -> None:
    refused(write(tmp_path, text), CodeEntryError)


@pytest.mark.parametrize(
    ("repeated", "field", "other"),
    [
        (entry("sick", "他", "z", "absent"), "code", "sick"),
        (entry("x", "他", "b", "absent"), "key", "sick"),
        (entry("x", "他", "B", "absent"), "key", "sick"),
        (entry("x", "出", "z", "absent"), "symbol", "present"),
    ],
    ids=["code", "key", "key with CapsLock", "symbol"],
)
def test_codes_keys_and_symbols_are_unique(tmp_path: Path, repeated: str, field: str, other: str) -> None:
    params = refused(write(tmp_path, GOOD + repeated), CodeRepeatedError)
    assert (params["field"], params["other"]) == (field, other)


@pytest.mark.parametrize(
    "key", ["", "xy", "病", "ｂ", "é", "\\t", "\\u001b", " ", "q", "Q", "u", "h", "r", "x", "/", "?", ":"]
)
def test_a_key_must_be_one_free_ascii_character(tmp_path: Path, key: str) -> None:
    assert refused(write(tmp_path, GOOD + entry("x", "他", key, "absent")), CodeKeyError)["entry"] == "x"


@pytest.mark.parametrize("symbol", ["", " ", "病気", "abc", "病a", "\\n"])
def test_a_symbol_must_fit_into_two_columns(tmp_path: Path, symbol: str) -> None:
    assert refused(write(tmp_path, GOOD + entry("x", symbol, "z", "absent")), CodeSymbolError)["entry"] == "x"


@pytest.mark.parametrize(
    "text",
    ["", entry("present", "出", "p", "present"), entry("sick", "病", "b", "absent")],
    ids=["nothing", "no absence", "no presence"],
)
def test_codes_without_presence_or_absence_are_refused(tmp_path: Path, text: str) -> None:
    refused(write(tmp_path, text), NoCodesError)


def test_the_head_of_the_file_explains_every_field_and_way_of_counting() -> None:
    head = SHIPPED.partition("[[code]]")[0]
    for word in ("code", "name_en", "symbol", "key", "unexcused", "wants_reason", "wants_time", *Counting):
        assert word in head
