"""The configurable part of the working hours: read from `hours.toml` in the wheel or from a school's own file.

Invariant: a file is either wholly usable or refused, naming the place in it; limits that contradict each other (a
month's higher than the one that nothing excuses) are refused too.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from appliance.errors import ApplianceError

_FILE: Final = "hours.toml"
_TIME: Final = re.compile(r"([0-4]?[0-9]):([0-5][0-9])")
_LATEST: Final = 2880


class HoursFileError(ApplianceError):
    """The file of working hours cannot be read, or is not TOML."""

    code = "APP-400"


class HoursSettingError(ApplianceError):
    """A setting of the working hours is missing, unknown or cannot be."""

    code = "APP-401"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours, and a number of months; see `hours.toml` for their sources."""

    goal: int
    month: int
    year: int
    month_high: int
    month_most: int
    mean: int
    year_most: int
    months_over: int

    def __post_init__(self) -> None:
        """Refuse limits that contradict each other; msgspec turns a ValueError into its own."""
        if not 0 < self.goal <= self.month <= self.month_high <= self.month_most:
            raise ValueError("expected 0 < goal <= month <= month_high <= month_most")
        if not self.month <= self.mean <= self.month_most or not self.month <= self.year <= self.year_most:
            raise ValueError("expected month <= mean <= month_most and month <= year <= year_most")
        if not 0 <= self.months_over <= 12:
            raise ValueError("expected months_over from 0 to 12")


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shift pattern; `begins` and `ends` as times."""

    name: str
    begins: str
    ends: str
    rest: int

    def __post_init__(self) -> None:
        """Refuse a shift that ends before it begins or is all rest."""
        if not self.name.strip() or self.rest < 0 or self.scheduled <= 0:
            raise ValueError("expected a name, and an end after the beginning and the rest")

    @property
    def begin(self) -> int:
        """Return the minute that it begins at."""
        return minute_of(self.begins)

    @property
    def end(self) -> int:
        """Return the minute that it ends at, beyond 1440 on the next day."""
        return minute_of(self.ends)

    @property
    def scheduled(self) -> int:
        """Return 所定の勤務時間 in minutes."""
        return self.end - self.begin - self.rest


class ClockSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the time recorder's file is read."""

    codes: tuple[str, ...]
    day_ends: str

    def __post_init__(self) -> None:
        """Refuse what no row could have."""
        if not self.codes or not all(re.fullmatch("[0-9]{2}", code) for code in self.codes):
            raise ValueError("expected codes of two digits")
        if not minute_of(self.day_ends) < 1440:
            raise ValueError("expected day_ends before 24:00")


class ReportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The months of the report, within one 年度: April is the first of it."""

    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse months that do not follow each other in a 年度."""
        if not (1 <= self.first <= 12 and 1 <= self.last <= 12) or (self.first - 4) % 12 > (self.last - 4) % 12:
            raise ValueError("expected months of one school year, first to last")


class HoursSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    limits: Limits
    pattern: tuple[Pattern, ...]
    clock: ClockSettings
    report: ReportSettings

    def __post_init__(self) -> None:
        """Refuse two patterns of one name, and none at all."""
        names = [pattern.name for pattern in self.pattern]
        if not names or len(set(names)) < len(names):
            raise ValueError("expected at least one [[pattern]], each with a name of its own")


@cache
def load_hours(path: Path | None = None) -> HoursSettings:
    """Return the settings of a file, or those that come with the program.

    Raises HoursFileError, HoursSettingError.
    """
    file = str(path) if path else _FILE
    try:
        source = path if path else files("appliance.hours").joinpath(_FILE)
        raw = tomllib.loads(source.read_bytes().decode("utf-8-sig"))  # Windows editors put a BOM before the text
        return msgspec.convert(raw, HoursSettings)
    except msgspec.ValidationError as exc:
        raise HoursSettingError(
            operation="read hours", subject=file, cause=exc, file=file, problem=str(exc)
        ) from exc
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        problem = exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
        raise HoursFileError(operation="read hours", subject=file, cause=exc, file=file, problem=problem) from exc


def minute_of(text: str) -> int:
    """Return a time of day as minutes; raises ValueError."""
    found = _TIME.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else _LATEST
    if minute >= _LATEST:
        raise ValueError(f"no time of day: {text}")
    return minute
