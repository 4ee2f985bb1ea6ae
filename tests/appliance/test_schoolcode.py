from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.messages import explain
from appliance.schoolcode import ESTABLISHERS, SCHOOL_TYPES, SchoolCodeError, check_digit, parse_school_code

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "schoolcode"

codes = st.builds(
    lambda kind, prefecture, establisher, number: f"{kind}{prefecture:02d}{establisher}{number}",
    st.sampled_from(sorted(SCHOOL_TYPES)),
    st.integers(1, 47),
    st.sampled_from(sorted(ESTABLISHERS)),
    st.integers(1_000_000, 9_999_999),
)


def vectors(name: str) -> list[str]:
    path = VECTORS / name
    if not path.exists():
        pytest.skip(f"the published school codes are not here: {path}")
    return path.read_text("ascii").split()


def test_published_codes_are_valid() -> None:
    listed = vectors("valid_codes.txt")
    assert len(listed) > 40
    assert [str(parse_school_code(code)) for code in listed] == listed


def test_published_wrong_codes_are_refused_with_the_reason() -> None:
    told: dict[str, str | int] = {}
    for code in vectors("invalid_codes.txt"):
        with pytest.raises(SchoolCodeError) as caught:
            parse_school_code(code)
        told[code] = caught.value.params["problem"]
    assert told == {
        "A100000000000": "prefecture",
        "A101000000000": "establisher",
        "A101101234567": "number",
        "A1011123456x8": "characters",
        "A101400000000": "establisher",
    }


@given(codes)
def test_a_made_code_is_valid_and_taken_apart(first12: str) -> None:
    code = parse_school_code(first12 + check_digit(first12))
    assert str(code)[:12] == first12
    assert code.type_name == SCHOOL_TYPES[first12[:2]]


@given(codes, st.integers(1, 9))
def test_any_other_check_digit_is_refused(first12: str, shift: int) -> None:
    wrong = str((int(check_digit(first12)) + shift) % 10)
    with pytest.raises(SchoolCodeError) as caught:
        parse_school_code(first12 + wrong)
    assert caught.value.params["problem"] == "check_digit"


@given(codes, st.integers(5, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(first12: str, place: int, shift: int) -> None:
    check = check_digit(first12)
    wrong = first12[:place] + str((int(first12[place]) + shift) % 10) + first12[place + 1 :]
    with pytest.raises(SchoolCodeError):
        parse_school_code(wrong + check)


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_a_refusal(text: str) -> None:
    try:
        parse_school_code(text)
    except SchoolCodeError as error:
        assert explain(error, "ja").code == "APP-100"


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [
        ("", "length", "1-13"),
        ("B10121000000", "length", "1-13"),
        ("1B01210000009", "characters", "1-13"),
        ("B301210000009", "type", "1-2"),
        ("B148210000009", "prefecture", "3-4"),
        ("B101210000008", "check_digit", "13"),
        ("B1012１00000\u0660\u0660", "characters", "1-13"),
    ],
)
def test_the_part_at_fault_is_named(text: str, problem: str, place: str) -> None:
    with pytest.raises(SchoolCodeError) as caught:
        parse_school_code(text)
    assert (caught.value.params["problem"], caught.value.params["place"]) == (problem, place)


def test_full_width_and_lower_case_are_read() -> None:
    assert str(parse_school_code(" ｂ１01210000009 ")) == "B101210000009"


def test_check_digit_needs_twelve_characters() -> None:
    for wrong in ("", "B101210000009", "Z10121000000", "B1012100000x"):
        with pytest.raises(SchoolCodeError):
            check_digit(wrong)
