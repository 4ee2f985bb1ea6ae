"""The time recorder's file: a count, then rows of card, terminal, date, four (time, code) pairs, two durations.

Invariant: every row is either taken or refused with its line and why; nothing is guessed. Which way somebody went
follows from the pair's place (1st and 3rd in, 2nd and 4th out). A time that is earlier than the one before it lies
past midnight, and is believed only where the recorder's own duration says so or it is before the day ends.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from appliance.hours.reckoning import DAY, Way
from appliance.hours.records import Press
from appliance.hours.settings import ClockSettings, minute_of

_PAIRS: Final = 4
_HEAD: Final = 3  # card, terminal, date
_FEWEST: Final = _HEAD + 2
_DURATIONS: Final = _HEAD + 2 * _PAIRS  # then one for the 1st and 2nd time, one for the 3rd and 4th
_MOST: Final = _DURATIONS + 2
_DATE: Final = re.compile(r"(20[0-9]{2}|[0-9]{2})[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})")
_TIME: Final = re.compile(r"([0-4]?[0-9]):([0-5][0-9])")
_DURATION: Final = re.compile(r"([0-9]{1,3}):([0-5][0-9])")
_WAYS: Final = (Way.IN, Way.OUT, Way.IN, Way.OUT)


class Refusal(StrEnum):
    """Why a row is refused; the value is its stable code."""

    COLUMNS = "columns"  # too few, too many, or cut within a pair
    CARD = "card"  # no card number
    DATE = "date"
    TIME = "time"
    CODE = "code"  # a code whose meaning is not known
    PAIR = "pair"  # a time without its code or a code without its time
    EMPTY = "empty"  # no time at all
    ORDER = "order"  # an earlier time after a later one
    DURATION = "duration"  # the recorder's own duration says otherwise
    DOUBLE = "double"  # the same row stood before: nothing is lost
    CLASH = "clash"  # the same card and day stood before with other times
    TEXT = "text"  # characters that no row has
    UNKNOWN_CARD = "unknown_card"  # nobody has it
    FUTURE = "future"  # a day that has not come


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A row that was taken."""

    line: int
    card: str
    on: date
    presses: tuple[Press, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not; `field` counts from 1, 0 for the whole row."""

    line: int
    why: Refusal
    field: int = 0


@dataclass(frozen=True, slots=True)
class ClockFile:
    """A file as it was read. `declared` is its first line's count, None without one."""

    taken: tuple[ClockRow, ...]
    refused: tuple[RefusedRow, ...]
    declared: int | None

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.taken) + len(self.refused)

    @property
    def count_fits(self) -> bool:
        """Say whether the file has as many rows as it says; without a count nothing says otherwise."""
        return self.declared in (None, self.rows)


class _RowRefusedError(Exception):
    def __init__(self, why: Refusal, field: int = 0) -> None:
        super().__init__(why)
        self.why, self.field = why, field


def read_clock(data: bytes, settings: ClockSettings) -> ClockFile:
    """Read a whole file, whatever it holds."""
    taken: list[ClockRow] = []
    refused: list[RefusedRow] = []
    declared: int | None = None
    known: dict[tuple[str, date], list[tuple[Press, ...]]] = {}
    first = True
    for line, text in lines_of(data):
        if first and re.fullmatch(r'\s*"?[0-9]{1,9}"?[\s,]*', text):
            declared, first = int(text.strip(' \t",')), False
            continue
        first = False
        try:
            row = _row(line, text, settings)
            _once(row, known.setdefault((row.card, row.on), []))
            taken.append(row)
        except _RowRefusedError as why:
            refused.append(RefusedRow(line, why.why, why.field))
    return ClockFile(tuple(taken), tuple(refused), declared)


def lines_of(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers: UTF-8 or cp932, line by line, or UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for line, raw in enumerate(data.split(b"\n"), 1):
        text = _text(raw.strip(b"\x1a\x00"))  # what DOS and a torn write leave at the end
        if text.strip():
            yield line, text


def card_of(text: str) -> str:
    """Return a card number without leading zeros, which spreadsheets lose; empty if it is none."""
    bare = text.strip()
    return bare.lstrip("0") or "0" if re.fullmatch(r"[0-9]{1,16}", bare) else ""


def cells_of(text: str) -> list[str]:
    """Return the cells of one line of CSV without the blanks around them; raises csv.Error."""
    return [cell.strip() for cell in next(csv.reader([text], strict=True))]


def _text(raw: bytes) -> str:
    for encoding in ("utf-8", "cp932"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("ascii", "replace")


def _row(line: int, text: str, settings: ClockSettings) -> ClockRow:
    fields = _fields(text)
    card, on = card_of(fields[0]), _date(fields[2])
    if not card:
        raise _RowRefusedError(Refusal.CARD, 1)
    times = [_time(fields, pair, settings) for pair in range(_PAIRS)]
    durations = [_duration(fields, at) for at in (_DURATIONS, _DURATIONS + 1)]
    presses = tuple(_presses(times, durations, minute_of(settings.day_ends)))
    if not presses:
        raise _RowRefusedError(Refusal.EMPTY)
    return ClockRow(line, card, on, presses)


def _fields(text: str) -> list[str]:
    """Return the fields of a row, filled up to all pairs and durations."""
    try:
        fields = cells_of(text)
    except csv.Error:
        raise _RowRefusedError(Refusal.TEXT) from None
    fields = fields[: max(_MOST, _filled(fields))]
    cut = len(fields) < _DURATIONS and (len(fields) - _HEAD) % 2
    if len(fields) < _FEWEST or len(fields) > _MOST or cut:
        raise _RowRefusedError(Refusal.COLUMNS)
    return fields + [""] * (_MOST - len(fields))


def _filled(fields: list[str]) -> int:
    return max((place for place, field in enumerate(fields, 1) if field), default=0)


def _date(text: str) -> date:
    found = _DATE.fullmatch(text)
    if found is None:
        raise _RowRefusedError(Refusal.DATE, 3)
    year = int(found[1])
    try:
        return date(year if year > 99 else 2000 + year, int(found[2]), int(found[3]))
    except ValueError:
        raise _RowRefusedError(Refusal.DATE, 3) from None


def _time(fields: list[str], pair: int, settings: ClockSettings) -> int | None:
    at = _HEAD + 2 * pair
    told, code = fields[at], fields[at + 1]
    if not told and not code:
        return None
    if not told or not code:
        raise _RowRefusedError(Refusal.PAIR, at + 1)
    found = _TIME.fullmatch(told)
    if found is None or int(found[1]) * 60 + int(found[2]) >= 2 * DAY:
        raise _RowRefusedError(Refusal.TIME, at + 1)
    if code.zfill(2) not in settings.codes:
        raise _RowRefusedError(Refusal.CODE, at + 2)
    return int(found[1]) * 60 + int(found[2])


def _duration(fields: list[str], at: int) -> int | None:
    """Return a duration; one that cannot be read says nothing, as recorders do write such."""
    found = _DURATION.fullmatch(fields[at])
    return int(found[1]) * 60 + int(found[2]) if found else None


def _presses(times: list[int | None], durations: list[int | None], day_ends: int) -> Iterator[Press]:
    """Yield the presses in order, those after midnight beyond 1440, and hold them against the durations."""
    past, last = 0, -1
    begin: int | None = None
    for place, told in enumerate(times):
        if told is None:
            begin = None
            continue
        minute = told + past
        spent = durations[place // 2] if place % 2 and begin is not None else None
        if minute < last:
            if past or not (spent == minute + DAY - (begin or 0) or (spent is None and told < day_ends)):
                raise _RowRefusedError(Refusal.ORDER, _HEAD + 2 * place + 1)
            past, minute = DAY, minute + DAY
        if spent is not None and begin is not None and minute - begin != spent:
            raise _RowRefusedError(Refusal.DURATION, _DURATIONS + place // 2 + 1)
        begin = minute if place % 2 == 0 else None
        last = minute
        yield Press(minute, _WAYS[place])


def _once(row: ClockRow, before: list[tuple[Press, ...]]) -> None:
    """Refuse a row that stood before, or that does not go on where the same day's row before it ended."""
    if row.presses in before:
        raise _RowRefusedError(Refusal.DOUBLE)
    if before and row.presses[0].minute <= before[-1][-1].minute:
        raise _RowRefusedError(Refusal.CLASH)
    before.append(row.presses)
