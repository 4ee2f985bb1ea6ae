"""What people type for a time, a day or a letter, with or without the IME.

Invariant: what cannot be read is None, never a guess.
"""

import unicodedata
from datetime import date, time, timedelta
from typing import Final

_AHEAD: Final = timedelta(days=31)


def half_width(letter: str) -> str:
    """Return a full-width letter (IME left on) as a half-width one."""
    return chr(ord(letter) - 0xFEE0) if len(letter) == 1 and "！" <= letter <= "～" else letter


def read_time(typed: str) -> time | None:
    """Return a time such as 9:40, 940 or ９：４０, or None."""
    text = unicodedata.normalize("NFKC", typed).strip().replace(".", ":")
    if ":" not in text and text.isdigit() and len(text) in (3, 4):
        text = f"{text[:-2]}:{text[-2:]}"
    hours, _colon, minutes = text.partition(":")
    try:
        return time(int(hours), int(minutes))
    except ValueError:
        return None


def read_day(typed: str, today: date) -> date | None:
    """Return a day such as 11/20, 1120 or 20 (last year's when else over a month ahead), or None."""
    text = unicodedata.normalize("NFKC", typed).strip()
    month, _slash, day = text.rpartition("/") if "/" in text else (text[:-2], "", text[-2:])
    try:
        found = date(today.year, int(month or today.month), int(day))
        return found.replace(year=today.year - 1) if found > today + _AHEAD else found
    except ValueError:
        return None


def read_days(typed: str, today: date) -> tuple[date, date] | None:
    """Return the first and the last day of `11/24`, `11/24-11/26` or `24〜26`, or None."""
    text = unicodedata.normalize("NFKC", typed)
    for dash in "~〜–から":
        text = text.replace(dash, "-")
    first, _dash, last = (part.strip() for part in text.replace("--", "-").partition("-"))
    begins = read_day(first, today)
    if begins is None:
        return None
    ends = read_day(last if "/" in last or len(last) > 2 else f"{begins.month}/{last}", begins) if last else begins
    return (begins, ends) if ends is not None and ends >= begins else None


def read_period(typed: str, today: date) -> tuple[date, date] | None:
    """Return the first and last day of `11/24-3/31` or `11/24` for what is to come, or None.

    The first day is about today; the last one is the next such day after it, within a year.
    """
    text = unicodedata.normalize("NFKC", typed)
    for dash in "~〜–から":
        text = text.replace(dash, "-")
    first, _dash, last = (part.strip() for part in text.replace("--", "-").partition("-"))
    begins = read_day(first, today)
    if begins is None or not last:
        return None if begins is None else (begins, begins)
    month, slash, day = last.rpartition("/")
    try:
        ends = date(begins.year, int(month) if slash else begins.month, int(day))
        if ends < begins and slash:
            ends = ends.replace(year=begins.year + 1)
        return (begins, ends) if ends >= begins else None
    except ValueError:
        return None


def read_minutes(typed: str) -> int | None:
    """Return minutes such as 45, 0:45 or １:３０; nothing typed is 0, what cannot be read is None."""
    text = unicodedata.normalize("NFKC", typed).strip()
    hours, colon, minutes = text.rpartition(":")
    try:
        whole, rest = int(hours or 0), int(minutes or (0 if not colon else "x"))
    except ValueError:
        return None
    return whole * 60 + rest if whole >= 0 and rest >= 0 and (not colon or rest < 60) else None


def read_spans(typed: str) -> tuple[tuple[int, int], ...] | None:
    """Return times of a day such as `7:50-12:00 13:00-18:20` in minutes, or None; 25:00 is past midnight."""
    text = unicodedata.normalize("NFKC", typed).replace("~", "-").replace("〜", "-")
    found = []
    for span in text.split():
        begin, dash, end = span.partition("-")
        ends = (read_minutes(begin), read_minutes(end)) if dash and ":" in begin and ":" in end else (None, None)
        if ends[0] is None or ends[1] is None:
            return None
        found.append((ends[0], ends[1]))
    return tuple(found)
