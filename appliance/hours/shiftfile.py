"""A table of who works when, as a spreadsheet saves it: name, since, pattern, kind of staff, course, cards.

Invariant: a file is wholly understood or refused, naming its line; two people of one name are nobody.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from appliance.errors import ApplianceError
from appliance.hours.cards import badge_of, bare_name
from appliance.hours.reckoning import Staff
from appliance.hours.records import Shift
from appliance.hours.settings import Pattern
from appliance.hours.timeclock import cells_of, lines_of
from appliance.hours.views import StaffEntry

COLUMNS: Final = ("氏名", "いつから", "パターン", "職種", "課程", "カード番号")
_STAFF: Final = {"": Staff.TEACHING, "教育": Staff.TEACHING, "事務": Staff.OFFICE}
_COURSES: Final = {"": "", "前期": "lower", "後期": "upper"}
_DATE: Final = re.compile(r"(20[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")


class ShiftFileError(ApplianceError):
    """A line of the table of shifts cannot be understood; `column` says where."""

    code = "APP-407"


def read_shifts(data: bytes, staff: Mapping[str, str], patterns: Sequence[Pattern]) -> tuple[Shift, ...]:
    """Return the shifts of a table (UTF-8 or cp932, commas or tabs, heading or none); `staff` is id → name.

    Raises ShiftFileError.
    """
    known: dict[str, list[str]] = {}
    for person, name in staff.items():
        known.setdefault(bare_name(name), []).append(person)
    found: dict[tuple[str, date], Shift] = {}
    for line, text in lines_of(data):
        try:
            cells = [cell.strip() for cell in text.split("\t")] if "\t" in text else cells_of(text)
        except csv.Error:
            raise _refused(line, 0) from None
        fields = cells + [""] * (len(COLUMNS) - len(cells))
        if fields[0] == COLUMNS[0]:
            continue
        shift = _shift(line, fields, known, {pattern.name: pattern for pattern in patterns})
        if found.setdefault((shift.person, shift.since), shift) != shift:
            raise _refused(line, 1)
    return tuple(found.values())


def shift_line(entry: StaffEntry, since: str) -> tuple[str, ...]:
    """Return somebody's shift as a line of the table, to stand from another day on."""
    kind = Staff.OFFICE if not entry.shift and "clerk" in entry.roles else entry.staff
    staff = next(word for word, known in _STAFF.items() if word and known is kind)
    course = next(word for word, known in _COURSES.items() if known == entry.course)
    return entry.name, since, entry.shift, staff, course, " ".join(entry.cards)


def _shift(
    line: int, fields: Sequence[str], known: Mapping[str, list[str]], patterns: Mapping[str, Pattern]
) -> Shift:
    name, since, pattern, staff, course, cards = fields[: len(COLUMNS)]
    people = known.get(bare_name(name), [])
    if len(people) != 1:
        raise _refused(line, 0)
    if pattern not in patterns:
        raise _refused(line, 2)
    if staff not in _STAFF or course not in _COURSES:
        raise _refused(line, 3 if staff not in _STAFF else 4)
    numbers = tuple(cards.split())
    if not all(map(badge_of, numbers)):
        raise _refused(line, 5)
    usual = patterns[pattern]
    return Shift(
        person=people[0],
        since=_date(line, since),
        name=pattern,
        begin=usual.begin,
        end=usual.end,
        rest=usual.rest,
        staff=_STAFF[staff],
        course=_COURSES[course],
        cards=numbers,
    )


def _date(line: int, text: str) -> date:
    found = _DATE.fullmatch(text)
    try:
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise _refused(line, 1)


def _refused(line: int, column: int) -> ShiftFileError:
    return ShiftFileError(operation="read shifts", line=line, column=COLUMNS[column])
