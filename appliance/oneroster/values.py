"""What a value of an export may look like: ids, dates, grades, names.

Invariant: pure functions of one text; a reader returns None where the text means nothing, and never guesses.
"""

import re
import unicodedata
from datetime import date, datetime

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_HALF_KATAKANA = re.compile("[\uff61-\uff9f]")
_SCHOOL_YEAR = re.compile(r"[12][0-9]{3}")
_YEAR_TITLE = re.compile(r"[12][0-9]{3}年度")
_USER_IDS = re.compile(r"\{[^{}:]+:[^{}]+\}")
_SLASH_DATE = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GRADES = frozenset(
    f"{stage}{year}" for stage, years in {"P": 6, "J": 3, "H": 3, "E": 3}.items() for year in range(1, years + 1)
)
_SUBJECTS = frozenset([f"P{n:03d}" for n in range(10, 101, 10)] + [f"J{n:03d}" for n in range(10, 91, 10)])
_LAST_NUMBER = 99


def split_list(text: str) -> tuple[str, ...]:
    """Return the values of a multi-valued field: parted by commas, blanks and empty parts dropped."""
    return tuple(part for part in (p.strip() for p in text.split(",")) if part)


def is_uuid4(text: str) -> bool:
    """Tell whether the text is a UUID of version 4."""
    return _UUID4.fullmatch(text) is not None


def has_half_katakana(text: str) -> bool:
    """Tell whether half-width katakana stand in the text."""
    return _HALF_KATAKANA.search(text) is not None


def has_controls(text: str) -> bool:
    """Tell whether control characters (line breaks, terminal escapes) stand in the text."""
    return any(unicodedata.category(c) == "Cc" for c in text)


def has_gaiji(text: str) -> bool:
    """Tell whether private characters (外字) stand in the text, which other machines show as blanks."""
    return any(unicodedata.category(c) == "Co" for c in text)


def is_boolean(text: str) -> bool:
    """Tell whether the text is true or false."""
    return text.lower() in {"true", "false"}


def is_true(text: str) -> bool:
    """Read a boolean; everything but true is false."""
    return text.lower() == "true"


def is_year(text: str) -> bool:
    """Tell whether the text is a year of four digits."""
    return _SCHOOL_YEAR.fullmatch(text) is not None


def is_year_title(text: str) -> bool:
    """Tell whether the text is `YYYY年度`."""
    return _YEAR_TITLE.fullmatch(text) is not None


def is_course_title(text: str) -> bool:
    """Tell whether the text is `YYYY年度` and a subject or ホームルーム."""
    return _YEAR_TITLE.match(text) is not None and len(text.strip()) > len("2025年度")


def are_grades(text: str) -> bool:
    """Tell whether every grade is a code of the Japan profile."""
    return all(grade in _GRADES for grade in split_list(text))


def are_subjects(text: str) -> bool:
    """Tell whether every subject is a code of APPLIC."""
    return all(subject in _SUBJECTS for subject in split_list(text))


def are_user_ids(text: str) -> bool:
    """Tell whether every user id is written `{type:id}`."""
    return all(_USER_IDS.fullmatch(part) for part in split_list(text))


def is_board_code(text: str) -> bool:
    """Tell whether the text is a 教育委員会コード: six digits."""
    return len(text) == 6 and text.isascii() and text.isdigit()


def is_iso_date(text: str) -> bool:
    """Tell whether the text is a day written `YYYY-MM-DD`."""
    return _ISO_DATE.fullmatch(text) is not None and read_date(text) is not None


def is_iso_time(text: str) -> bool:
    """Tell whether the text is a moment in ISO 8601 (a bare day is one, at midnight)."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[:4].isdigit()


def read_date(text: str) -> date | None:
    """Read a day; `YYYY/M/D`, which Excel makes of it, is understood too."""
    slashed = _SLASH_DATE.fullmatch(text)
    try:
        if slashed is not None:
            return date(int(slashed[1]), int(slashed[2]), int(slashed[3]))
        return date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
    except ValueError:
        return None


def read_number(text: str) -> int | None:
    """Read a 出席番号, 1 to 99; full-width digits are understood."""
    plain = unicodedata.normalize("NFKC", text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= len("099")):
        return None
    return int(plain) if 1 <= int(plain) <= _LAST_NUMBER else None
