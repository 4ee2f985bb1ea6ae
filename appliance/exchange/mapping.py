"""The mapping file of the tables that go to the school system, beside that of attendance day by day.

Invariant: a mapping is wholly usable or refused by name; a value that is no column of ours cannot be asked for.
"""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from appliance.attendance.schoolsystem import read_mapping_file
from appliance.release.columns import MappedColumn, check_columns
from appliance.release.csvfile import Encoding

_FILE: Final = "exchange.toml"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MONTH_VALUES: Final = _words(
    "school grade class number name kana pupil month school_days suspended must_attend absent present late "
    "left_early elsewhere online"
)
MEETING_VALUES: Final = _words(
    "day time title place chair recorder number section department item proposer body record decision owner task "
    "due done confirmed"
)
HOURS_VALUES: Final = _words(
    "name person month staff course presence at_work overtime weekday night weekly_off holiday off_campus"
    " telework taken_home year"
)


class TableMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns of a table, and what the system calls our words."""

    column: tuple[MappedColumn, ...]
    codes: dict[str, str] = {}

    def word(self, own: str) -> str:
        """Return what the system calls a word."""
        return self.codes.get(own, own)


class ExchangeMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the school system wants its tables."""

    months: TableMapping
    meetings: TableMapping
    hours: TableMapping
    encoding: Encoding = Encoding.UTF8
    day: str = "%Y/%m/%d"
    time: str = "%H:%M"
    minutes: Literal["hm", "minutes", "hours"] = "hm"

    def __post_init__(self) -> None:
        """Refuse what the types cannot."""
        check_columns(self.months.column, MONTH_VALUES)
        check_columns(self.meetings.column, MEETING_VALUES)
        check_columns(self.hours.column, HOURS_VALUES)
        datetime(2026, 11, 23, 8, 25).strftime(f"{self.day} {self.time}")  # noqa: DTZ001 - a form is tried out

    def span(self, minutes: int) -> str | int:
        """Return minutes as the system wants them."""
        if self.minutes == "minutes":
            return minutes
        if self.minutes == "hours":
            return f"{minutes / 60:.2f}"
        sign, whole = "-" if minutes < 0 else "", abs(minutes)
        return f"{sign}{whole // 60}:{whole % 60:02}"


def read_exchange_mapping(path: Path | None = None) -> ExchangeMapping:
    """Read a mapping file, or the one that comes with the program; raises MappingFileError."""
    return read_mapping_file(path, ("appliance.exchange", _FILE), ExchangeMapping)
