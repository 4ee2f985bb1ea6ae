"""The rows of a workbook as pupils, each checked by itself.

Invariant: a row either becomes a pupil or is refused by sheet, row and column; a finding never repeats a value.
What the roster of this box has no use for (address, sex, birthday) is at most looked at, and never returned.
A guardian's cell that cannot be used is told and left out; the pupil comes in all the same.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import jaconv

from appliance.exchange.dates import read_day
from appliance.exchange.headings import GUARDIANS, Headings, find_headings, is_heading
from appliance.exchange.sheets import Cell, SheetRows
from appliance.oneroster.findings import Findings
from appliance.oneroster.values import has_controls, has_gaiji
from appliance.roster import Guardian

_GRADE: Final = re.compile(r"(?:第)?(小学?|中学?|高校?|[PJH])?([1-9])(?:年生?|学年)?")
_STAGES: Final = {"小": "P", "中": "J", "高": "H", "P": "P", "J": "J", "H": "H"}
_BOTH: Final = re.compile(r"((?:第)?(?:小|中|高)?[1-9])年?[\s\-・]*(\S+?)組?")
_TITLE: Final = re.compile(r"([1-9])年\s*([^\s年]{1,10}?)組")
_KINDS: Final = {"B1": ("P", 6), "C1": ("J", 3), "D1": ("H", 3)}  # by the first letters of 学校コード; others: 1-9
_MOST_NUMBER: Final = 99
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class PupilRow:
    """A pupil as a row says: names formal and usual, grade as P1…J3, `word` the class as it is written there.

    `all_guardians`: the sheet has room for more than one guardian, so whoever is not in the row is none.
    """

    sheet: str
    line: int
    code: str
    grade: str
    word: str
    number: int | None
    formal: tuple[str, str]
    usual: tuple[str, str]
    kana: tuple[str, str]
    begins: date | None
    phone: str
    guardians: tuple[Guardian, ...]
    all_guardians: bool
    place: Headings


class RowReader:
    """Reads the rows of a sheet. `kind` is the beginning of 学校コード, `year` the 年度 that ages count in."""

    def __init__(self, sheet: SheetRows, kind: str, year: int, findings: Findings) -> None:
        self._sheet, self._kind, self._year, self._findings = sheet, kind, year, findings
        self.headings = find_headings(sheet.rows)
        self.spoilt = False
        self.rows = 0

    def read(self) -> Iterator[PupilRow]:
        """Yield the pupils; every other row that holds anything known is refused."""
        headings = self.headings
        if headings is None:
            return
        title = _title(self._sheet, headings)
        for line, cells in self._sheet.rows:
            if line > headings.row and not is_heading(cells, headings):
                values = {field: _text(cells, at) for field, at in headings.columns.items()}
                if any(values.values()):
                    self.rows += 1
                    yield from self._row(line, cells, values, title)

    def _row(
        self, line: int, cells: Sequence[Cell], values: dict[str, str], title: tuple[str, str]
    ) -> Iterator[PupilRow]:
        assert self.headings is not None  # noqa: S101 - `read` returned without any
        formal, usual = self._names(line, values)
        grade, word = _class_of(values, title)
        code = grade_code(grade, self._kind)
        fine = bool(formal[0])
        if not fine:
            self._refuse(line, "name", "missing")
        if grade and not code:
            fine = self._refuse(line, "grade", "grade")
        for field, value in (("name", "".join((*formal, *usual))), ("class", word)):
            if has_controls(value) or len(value) > _LONGEST:
                fine = self._refuse(line, field, "control")
        if not fine:
            return
        begins = self._day(line, cells, "begins")
        self._age(line, cells, code)
        yield PupilRow(
            self._sheet.name,
            line,
            values.get("code", ""),
            code,
            word,
            self._number(line, values.get("number", "")),
            formal,
            usual,
            self._kana(values),
            begins,
            phone_of(values.get("phone", "")),
            tuple(self._guardians(line, values)),
            "guardian2_name" in self.headings.columns,
            self.headings,
        )

    def _guardians(self, line: int, values: dict[str, str]) -> Iterator[Guardian]:
        for number in GUARDIANS:
            own = {field: values.get(f"guardian{number}_{field}", "") for field in ("relation", "name", "kana")}
            for field, value in own.items():
                if has_controls(value) or len(value) > _LONGEST:
                    self._warn(line, f"guardian{number}_{field}", "control")
                    own[field] = ""
            cells = [values.get(f"guardian{number}_phone{place}", "") for place in (1, 2, 3)]
            phones = tuple(dict.fromkeys(phone for cell in cells for phone in phones_of(cell)))
            if own["name"] or phones:
                kana = jaconv.hira2kata(jaconv.h2z(own["kana"]))
                relation, name, kana = (" ".join(text.split()) for text in (own["relation"], own["name"], kana))
                yield Guardian(relation, name, kana, phones)

    def _names(self, line: int, values: dict[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return the formal and the usual name, each family and given."""
        usual = (values.get("family", ""), values.get("given", ""))
        if not any(usual):
            usual = _parted(values.get("name", ""))
        formal = _parted(values.get("formal", "")) if values.get("formal") else usual
        usual = usual if any(usual) else formal
        if formal[0] and not formal[1]:
            self._warn(line, "name", "undivided")
        if has_gaiji("".join(formal)):
            self._warn(line, "name", "gaiji")
        return formal, usual

    def _kana(self, values: dict[str, str]) -> tuple[str, str]:
        parted = (values.get("kana_family", ""), values.get("kana_given", ""))
        found = parted if any(parted) else _parted(values.get("kana", "") or values.get("formal_kana", ""))
        family, given = (jaconv.hira2kata(jaconv.h2z(unicodedata.normalize("NFC", part))) for part in found)
        return family, given

    def _number(self, line: int, text: str) -> int | None:
        plain = unicodedata.normalize("NFKC", text).removesuffix("番")
        if plain.isdecimal() and 0 < int(plain[:6]) <= _MOST_NUMBER:
            return int(plain)
        if plain:
            self._warn(line, "number", "range")
        return None

    def _day(self, line: int, cells: Sequence[Cell], field: str) -> date | None:
        assert self.headings is not None  # noqa: S101 - as above
        at = self.headings.columns.get(field)
        cell = cells[at] if at is not None and at < len(cells) else None
        found = read_day(cell) if cell is not None else None
        if cell is not None and found is None:
            self._warn(line, field, "date")
        return found

    def _age(self, line: int, cells: Sequence[Cell], code: str) -> None:
        """Warn where a birthday does not fit the school year: often a whole column has slipped by a row."""
        born = self._day(line, cells, "birth")
        if born is None or not code:
            return
        # Born up to 1 April belongs to the year before.
        began = born.year + 7 - ((born.month, born.day) < (4, 2))
        stage = {"P": 0, "J": 6, "H": 9}[code[0]]
        if self._year - began + 1 != stage + int(code[1]):
            self._warn(line, "birth", "age")

    def _refuse(self, line: int, field: str, problem: str) -> bool:
        self.spoilt = True
        assert self.headings is not None  # noqa: S101 - as above
        place = self.headings.place(field)
        self._findings.quarantine(self._sheet.name, line, place, f"workbook.{field}.{problem}")
        return False

    def _warn(self, line: int, field: str, problem: str) -> None:
        assert self.headings is not None  # noqa: S101 - as above
        self._findings.warn(self._sheet.name, line, self.headings.place(field), f"workbook.{field}.{problem}")


def grade_code(text: str, kind: str) -> str:
    """Return a grade as OneRoster writes it, for a school whose 学校コード begins with `kind`; empty for none."""
    match = _GRADE.fullmatch(re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper())
    if match is None:
        return ""
    named, year = match[1], int(match[2])
    if named:
        stage, most = _STAGES[named[0]], 6 if named[0] in "小P" else 3
        return f"{stage}{year}" if year <= most else ""
    if kind in _KINDS:
        stage, most = _KINDS[kind]
        return f"{stage}{year}" if year <= most else ""
    return f"P{year}" if year <= 6 else f"J{year - 6}"


def phone_of(text: str) -> str:
    """Return a telephone number with the signs that such numbers have, empty for anything else.

    A spreadsheet that took it for a figure lost its first 0, which every whole number in Japan has.
    """
    plain = unicodedata.normalize("NFKC", text).translate(str.maketrans("‐‑–—−ー", "------")).strip()
    plain = f"0{plain}" if re.fullmatch(r"[1-9][0-9]{8,9}", plain) else plain
    return plain if re.fullmatch(r"\+?[0-9][0-9\-() ]{5,18}", plain) else ""


def phones_of(text: str) -> list[str]:
    """Return the telephone numbers of a cell, which may hold several."""
    parts = re.split(r"[、,，/／・;；\n]", text)
    return [phone for phone in map(phone_of, parts) if phone]


def _class_of(values: dict[str, str], title: tuple[str, str]) -> tuple[str, str]:
    """Return grade and class as the row says, else as the sheet's name or title does."""
    both = _BOTH.fullmatch(unicodedata.normalize("NFKC", values.get("both", "")))
    grade, word = values.get("grade", ""), values.get("class", "")
    if both is not None:
        grade, word = grade or both[1], word or both[2]
    if not word and title[1] and grade_same(grade or title[0], title[0]):
        return grade or title[0], title[1]
    return grade, word


def grade_same(one: str, other: str) -> bool:
    """Say whether two texts name the same year, whatever stands around the digit."""
    first, second = (re.sub(r"\D", "", unicodedata.normalize("NFKC", text)) for text in (one, other))
    return first == second


def _title(sheet: SheetRows, headings: Headings) -> tuple[str, str]:
    """Return grade and class that a sheet's name, or what stands above its headings, speaks of."""
    above = [str(cell) for at, cells in sheet.rows if at < headings.row for cell in cells if cell is not None]
    for text in (sheet.name, *above):
        if match := _TITLE.search(unicodedata.normalize("NFKC", text)):
            return match[1], match[2]
    return "", ""


def _text(cells: Sequence[Cell], at: int) -> str:
    cell = cells[at] if at < len(cells) else None
    return "" if cell is None else str(cell).strip()


def _parted(name: str) -> tuple[str, str]:
    family, _, given = " ".join(name.split()).partition(" ")
    return family, given
