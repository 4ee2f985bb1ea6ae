"""The 13-character 学校コード of 文部科学省: type, prefecture, 設置区分, number, check digit.

Invariant: a `SchoolCode` that exists is valid, check digit included; every refusal names the part at fault.
"""

import unicodedata
from dataclasses import dataclass

from appliance.errors import ApplianceError

SCHOOL_TYPES: dict[str, str] = {
    "A1": "幼稚園",
    "A2": "幼保連携型認定こども園",
    "B1": "小学校",
    "C1": "中学校",
    "C2": "義務教育学校",
    "D1": "高等学校",
    "D2": "中等教育学校",
    "E1": "特別支援学校",
    "F1": "大学",
    "F2": "短期大学",
    "G1": "高等専門学校",
    "H1": "専修学校",
    "H2": "各種学校",
}
ESTABLISHERS: dict[str, str] = {"1": "国立", "2": "公立", "3": "私立"}

_LENGTH = 13
_LAST_PREFECTURE = 47


class SchoolCodeError(ApplianceError):
    """The text is no 学校コード. Params: `problem` (a stable key), `place` (the characters), `text` (as given).

    Problems: length, characters, type, prefecture, establisher, number, check_digit.
    """

    code = "APP-100"


@dataclass(frozen=True, slots=True)
class SchoolCode:
    """A valid school code. `number` is seven digits, the first not 0."""

    school_type: str
    prefecture: str
    establisher: str
    number: str
    check: str

    def __str__(self) -> str:
        return self.school_type + self.prefecture + self.establisher + self.number + self.check

    @property
    def type_name(self) -> str:
        """Return the kind of school in Japanese."""
        return SCHOOL_TYPES[self.school_type]


def normalise_school_code(text: str) -> str:
    """Return the text as codes are compared: half-width, upper case, without blanks around it."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def parse_school_code(text: str) -> SchoolCode:
    """Check a code and take it apart; full-width and lower-case letters are accepted.

    Raises SchoolCodeError naming the first part that is wrong.
    """
    code = normalise_school_code(text)
    if len(code) != _LENGTH:
        raise _refusal(text, "length", "1-13")
    if not (code.isascii() and code[0].isalpha() and code[1:].isdigit()):
        raise _refusal(text, "characters", "1-13")
    if code[:2] not in SCHOOL_TYPES:
        raise _refusal(text, "type", "1-2")
    if not 1 <= int(code[2:4]) <= _LAST_PREFECTURE:
        raise _refusal(text, "prefecture", "3-4")
    if code[4] not in ESTABLISHERS:
        raise _refusal(text, "establisher", "5")
    if code[5] == "0":
        raise _refusal(text, "number", "6-12")
    if code[12] != check_digit(code[:12]):
        raise _refusal(text, "check_digit", "13")
    return SchoolCode(code[:2], code[2:4], code[4], code[5:12], code[12])


def check_digit(first12: str) -> str:
    """Compute the last character of a code from the twelve before it (a letter A–H and eleven digits)."""
    letter, digits = first12[:1], first12[1:]
    if len(first12) != _LENGTH - 1 or letter not in "ABCDEFGH" or not (digits.isascii() and digits.isdigit()):
        raise _refusal(first12, "characters", "1-12")
    expanded = f"{ord(letter) - ord('A') + 1:02d}{digits}"
    total = 0
    for position, digit in enumerate(expanded):
        product = int(digit) * (1 + position % 2)
        total += product // 10 + product % 10
    return str(-total % 10)


def _refusal(text: str, problem: str, place: str) -> SchoolCodeError:
    shown = "".join(c for c in text if c.isprintable())[:20]
    return SchoolCodeError(operation="read school code", problem=problem, place=place, text=shown)
