"""欠席連絡 of the parents' app, read from a pasted table: whose, on which day, what.

Invariant: a row is understood or says why not, with its place; a name that two pupils of the day bear, and a day
or time that cannot be read, is never guessed.
"""

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from appliance.errors import ApplianceError
from appliance.text import folded

MOST_ROWS: Final = 2000
_FILE: Final = "notices.toml"
_DAY: Final = re.compile(r"(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?")
_TIME: Final = re.compile(r"(\d{1,2})\s*[:時]\s*(\d{1,2})")


class NoticesFileError(ApplianceError):
    """The file of headings and kinds cannot be read or used; parameters `file`, `problem`."""

    code = "APP-234"


class NoticesTableError(ApplianceError):
    """What was pasted is no table with the columns that are needed; parameter `column`."""

    code = "APP-235"


class Heading(StrEnum):
    """A column of the app's list; the values are the keys of [headings]."""

    DAY = "day"
    CLASS = "class"
    NUMBER = "number"
    NAME = "name"
    KIND = "kind"
    TIME = "time"
    REASON = "reason"


class Unread(StrEnum):
    """Why a row was not understood."""

    DAY = "day"
    PUPIL = "pupil"
    KIND = "kind"
    TIME = "time"


class NoticeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the app's list is read."""

    headings: dict[Heading, tuple[str, ...]]
    kinds: dict[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """A row: its place (the heading is 1), what it says, and what of it was not understood."""

    row: int
    told: str
    on: date | None = None
    pupil_id: str = ""
    code: str = ""
    at_time: time | None = None
    reason: str = ""
    unread: Unread | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pupil of a day, as a row may name them."""

    pupil_id: str
    class_title: str
    number: int | None
    name: str


def load_notice_form(path: Path | None = None) -> NoticeForm:
    """Read a school's file, or the one that comes with the program; raises NoticesFileError."""
    source = path if path else files("appliance.attendance").joinpath(_FILE)
    file = str(path) if path else _FILE
    try:
        raw = tomllib.loads(source.read_bytes().decode("utf-8-sig"))
        return msgspec.convert(raw, NoticeForm)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        problem = exc.strerror or type(exc).__name__ if isinstance(exc, OSError) else str(exc)
        raise NoticesFileError(
            operation="read notices", subject=file, cause=exc, file=file, problem=problem
        ) from exc


def read_notices(
    text: str, form: NoticeForm, today: date, pupils: Callable[[date], Iterable[Candidate]]
) -> tuple[Notice, ...]:
    """Read a table with headings, tab or comma separated; `pupils` tells who is at the school on a day.

    Raises NoticesTableError.
    """
    rows = _table(text)
    places = _places(rows[0] if rows else [], form)
    for needed in (Heading.NAME, Heading.KIND):
        if needed not in places:
            column = form.headings[needed][0]
            raise NoticesTableError(operation="read notices", subject=needed, column=column)
    if len(rows) > MOST_ROWS:
        raise NoticesTableError(operation="read notices", subject="too many rows", column=str(MOST_ROWS))
    kinds = {_plain(word): code for word, code in form.kinds.items()}
    known: dict[date, tuple[Candidate, ...]] = {}
    found = []
    for row, cells in enumerate(rows[1:], 2):
        told = {heading: cells[at].strip() for heading, at in places.items() if at < len(cells)}
        if any(told.values()):
            on = _day(told[Heading.DAY], today) if told.get(Heading.DAY) else today
            if on is not None and on not in known:
                known[on] = tuple(pupils(on))
            found.append(_notice(row, told, on, kinds, known[on] if on else ()))
    return tuple(found)


def _notice(
    row: int, told: Mapping[Heading, str], on: date | None, kinds: Mapping[str, str], pupils: Sequence[Candidate]
) -> Notice:
    words = "  ".join(
        told[part] for part in (Heading.CLASS, Heading.NUMBER, Heading.NAME, Heading.KIND) if told.get(part)
    )
    if on is None:
        return Notice(row, words, unread=Unread.DAY)
    pupil = _pupil(told, pupils)
    if pupil is None:
        return Notice(row, words, on, unread=Unread.PUPIL)
    code = kinds.get(_plain(told.get(Heading.KIND, "")))
    if code is None:
        return Notice(row, words, on, pupil, unread=Unread.KIND)
    typed = unicodedata.normalize("NFKC", told.get(Heading.TIME, ""))
    at_time = _time(typed)
    if typed and at_time is None:
        return Notice(row, words, on, pupil, code, unread=Unread.TIME)
    return Notice(row, words, on, pupil, code, at_time, told.get(Heading.REASON, ""))


def _table(text: str) -> list[list[str]]:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    first = text.partition("\n")[0]
    return [row for row in csv.reader(io.StringIO(text), delimiter="\t" if "\t" in first else ",") if row]


def _places(heading: Sequence[str], form: NoticeForm) -> dict[Heading, int]:
    plain = [_plain(cell) for cell in heading]
    words = {part: [_plain(word) for word in form.headings.get(part, ())] for part in Heading}
    return {
        part: min(plain.index(word) for word in called if word in plain)
        for part, called in words.items()
        if any(word in plain for word in called)
    }


def _pupil(told: Mapping[Heading, str], pupils: Sequence[Candidate]) -> str | None:
    """Return the one pupil whom name and, where they are told, class and number fit."""
    name, number = _plain(told.get(Heading.NAME, "")), _plain(told.get(Heading.NUMBER, "")).lstrip("0")
    title = _plain(told.get(Heading.CLASS, ""))
    fitting = [
        one.pupil_id
        for one in pupils
        if _plain(one.name) == name
        and number in ("", str(one.number))
        and (not title or title in _plain(one.class_title) or _plain(one.class_title) in title)
    ]
    return fitting[0] if name and len(fitting) == 1 else None


def _day(typed: str, today: date) -> date | None:
    found = _DAY.search(unicodedata.normalize("NFKC", typed))
    if found is None:
        return None
    try:
        return date(int(found[1] or today.year), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _time(typed: str) -> time | None:
    found = _TIME.search(typed)
    try:
        return time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def _plain(text: str) -> str:
    return folded("".join(text.split()))
