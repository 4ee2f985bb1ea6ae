"""Which column of a workbook is what, by headings as schools write them: C4th's and others', in two rows or one.

Invariant: pure. A heading counts only where it is known; what stands below 保護者 is never the pupil's own.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.exchange.sheets import Cell
from appliance.text import printable

_NAMES: Final[dict[str, str]] = {
    "code": "生徒コード 児童コード 児童生徒コード 学籍番号 個人番号 管理番号 識別番号 児童生徒番号",
    "grade": "学年 年",
    "class": "組 クラス 学級 学級名 組名 クラス名 所属学級",
    "both": "年組 学年組 学年・組 年・組",
    "number": "番号 出席番号 番 no no. 名簿番号 整理番号",
    "name": "名前 氏名 児童氏名 生徒氏名 児童生徒氏名 児童名 生徒名 児童生徒名 漢字氏名 氏名漢字",
    "family": "姓 氏 苗字 氏名姓 名前姓",
    "given": "名 氏名名 名前名",
    "kana": "ふりがな よみ よみがな 読み 読み仮名 氏名かな かな氏名 名前ふりがな 氏名ふりがな かな 児童氏名かな",
    "kana_family": "せい 姓ふりがな 姓かな 姓よみ ふりがな姓",
    "kana_given": "めい 名ふりがな 名かな 名よみ ふりがな名",
    "formal": "正式名前 正式氏名 戸籍氏名",
    "formal_kana": "正式名前ふりがな 正式氏名ふりがな 正式氏名かな",
    "sex": "性別",
    "birth": "生年月日",
    "begins": "在籍開始日 転入日 編入日 入学日 転入年月日 入学年月日",
    "phone": "電話番号1 電話番号 電話 tel 自宅電話 連絡先電話番号",
}
_GUARDIAN: Final = "保護者"
_OF_GUARDIAN: Final[dict[str, str]] = {
    "relation": "続柄 続き柄 関係",
    "name": "名前 氏名 名",
    "kana": "ふりがな 名前ふりがな 氏名ふりがな かな 氏名かな よみ よみがな 読み",
    "phone1": "電話番号1 電話番号 電話 tel",
    "phone2": "電話番号2 携帯電話番号 携帯電話 携帯番号 携帯",
    "phone3": "電話番号3",
}
GUARDIANS: Final = (1, 2, 3)
"""So many guardians a workbook may name; 保護者 without a number is the first."""
_HIRAGANA: Final = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_REMARK: Final = re.compile(r"[(\[【].*?[)\]】]|[*※◎○●◯＊:：]")
_SHOWN: Final = 16
LOOKED_AT: Final = 30
"""So many rows at the top of a sheet may be titles before the headings come."""


def folded(text: object) -> str:
    """Return a heading for comparing: one width, hiragana, no blanks and no remarks in brackets."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", str(text))).lower()
    return _REMARK.sub("", plain).translate(_HIRAGANA)


FIELDS: Final = {folded(name): field for field, names in _NAMES.items() for name in names.split()} | {
    folded(f"{_GUARDIAN}{place}{name}"): f"guardian{number}_{field}"
    for number in GUARDIANS
    for place in (("", "1") if number == 1 else (number,))
    for field, names in _OF_GUARDIAN.items()
    for name in names.split()
}


@dataclass(frozen=True, slots=True)
class Headings:
    """Where each field stands (column from 0), the row of the headings, and the headings as they are written."""

    row: int
    columns: dict[str, int]
    texts: dict[str, str]

    def place(self, field: str) -> str:
        """Return a field's column as a person finds it: its letter and its heading."""
        known = next((one for one in (field, "name", "family", "formal") if one in self.columns), field)
        return f"{letter(self.columns.get(known, 0))} {self.texts.get(known, '')}".strip()


def find_headings(rows: Sequence[tuple[int, tuple[Cell, ...]]]) -> Headings | None:
    """Return the headings of a sheet; None where no row of its top has a name among them."""
    found: Headings | None = None
    above: tuple[Cell, ...] = ()
    for at, cells in rows[:LOOKED_AT]:
        read = _read(at, cells, above)
        above = cells
        if _usable(read) and (found is None or len(read.columns) > len(found.columns)):
            found = read
    return found


def is_heading(cells: Sequence[Cell], headings: Headings) -> bool:
    """Say whether a row repeats the headings, as at the top of each printed page."""
    told = [(field, cells[at] if at < len(cells) else None) for field, at in headings.columns.items()]
    return sum(isinstance(cell, str) and FIELDS.get(folded(cell)) == field for field, cell in told) >= 2


def letter(column: int) -> str:
    """Return a column from 0 as Excel names it."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _usable(read: Headings) -> bool:
    named = "name" in read.columns or "formal" in read.columns or {"family", "given"} <= read.columns.keys()
    return named and len(read.columns) > 1


def _read(at: int, cells: tuple[Cell, ...], above: tuple[Cell, ...]) -> Headings:
    """Read a row as headings; a merged cell has its value at its begin only, above or at the left."""
    columns: dict[str, int] = {}
    texts: dict[str, str] = {}
    group = ""
    for column, cell in enumerate(cells):
        upper = above[column] if column < len(above) else None
        group = folded(upper) if upper is not None else group
        own = folded(cell) if cell is not None else ""
        field = _field(own, group, alone=upper is not None)
        if field and field not in columns:
            columns[field] = column
            texts[field] = printable(" ".join(str(cell if cell is not None else upper).split()))[:_SHOWN]
    return Headings(at, columns, texts)


def _field(own: str, group: str, *, alone: bool) -> str:
    if not own:  # one cell over two rows: its text stands above
        return FIELDS.get(group, "") if alone else ""
    whole = FIELDS.get(group + own, "")
    if whole or group.startswith(_GUARDIAN) or own.startswith(_GUARDIAN):
        return whole or FIELDS.get(own, "") * own.startswith(_GUARDIAN)
    return FIELDS.get(own, "")
