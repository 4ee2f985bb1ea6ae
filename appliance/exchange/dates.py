"""Days as Japanese workbooks write them: 平成28年4月2日, H28.4.2, 2016/4/2, 20160402, or Excel's own dates.

Invariant: pure; None for what is no day, never a guess. A year of an era that had ended by that day is no day
either, but for the months until the next new year, which old forms go on counting.
"""

import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Final

_ERAS: Final = (
    # letter and names, first day, last day that forms write so
    (("R", "令和", "令"), date(2019, 5, 1), date.max),
    (("H", "平成", "平"), date(1989, 1, 8), date(2019, 12, 31)),
    (("S", "昭和", "昭"), date(1926, 12, 25), date(1989, 12, 31)),
    (("T", "大正", "大"), date(1912, 7, 30), date(1926, 12, 31)),
    (("M", "明治", "明"), date(1868, 10, 23), date(1912, 12, 31)),
)
_BY_NAME: Final = {name: (first, last) for names, first, last in _ERAS for name in names}
_BETWEEN: Final = r"[年./\-・]"
_ERA: Final = re.compile(
    rf"([A-Z]|[令平昭大明]和?成?正?治?)(元|[0-9]{{1,2}}){_BETWEEN}([0-9]{{1,2}})[月./\-・]([0-9]{{1,2}})日?"
)
_WEST: Final = re.compile(
    rf"([0-9]{{4}}){_BETWEEN}([0-9]{{1,2}})[月./\-・]([0-9]{{1,2}})日?(?:0{{1,2}}:00(?::00)?)?"
)
_DIGITS: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SERIAL: Final = re.compile(r"[1-9][0-9]{3,4}")
_EXCEL_BEGIN: Final = date(1899, 12, 30)


def read_day(cell: object) -> date | None:
    """Read a cell as a day."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", str(cell))).upper()
    if era := _ERA.fullmatch(text):
        return _of_era(*era.groups())
    if west := _WEST.fullmatch(text) or _DIGITS.fullmatch(text):
        return _day(*map(int, west.groups()))
    return _EXCEL_BEGIN + timedelta(days=int(text)) if _SERIAL.fullmatch(text) else None


def _of_era(name: str, year: str, month: str, day: str) -> date | None:
    if name not in _BY_NAME:
        return None
    first, last = _BY_NAME[name]
    found = _day(first.year - 1 + (1 if year == "元" else int(year)), int(month), int(day))
    return found if found is not None and first <= found <= last else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
