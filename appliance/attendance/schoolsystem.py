"""Attendance for the 統合型校務支援システム, by a mapping file, so that nothing is typed twice after an outage.

Invariant: a code that the mapping does not name stops the table before a row is written; reasons (importance II)
are no value that a column can have.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from appliance.errors import ApplianceError
from appliance.release.columns import MappedColumn, check_columns, mapped_sheet
from appliance.release.csvfile import Encoding
from appliance.release.sheet import Sheet

VALUES: Final = frozenset(
    [
        "school",
        "grade",
        "class",
        "number",
        "name",
        "kana",
        "pupil",
        "day",
        "code",
        "symbol",
        "mark",
        "time",
        "teacher",
    ]
)
_FILE: Final = "mapping.toml"
_Mapping = TypeVar("_Mapping", bound=msgspec.Struct)


class MappingFileError(ApplianceError):
    """A mapping file cannot be read or holds an entry that cannot be used; parameters `file`, `problem`."""

    code = "APP-227"


class UnmappedCodeError(ApplianceError):
    """The mapping names no word for a code that was entered; parameter `codes`."""

    code = "APP-228"


class SystemMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a school system wants its rows."""

    column: tuple[MappedColumn, ...]
    codes: dict[str, str]
    encoding: Encoding = Encoding.CP932
    day: str = "%Y/%m/%d"
    time: str = "%H:%M"
    present: bool = False

    def __post_init__(self) -> None:
        """Refuse what the types cannot."""
        check_columns(self.column, VALUES)
        datetime(2026, 11, 23, 8, 25).strftime(f"{self.day} {self.time}")  # noqa: DTZ001 - a form is tried out


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A pupil's day. `code` is this school's own."""

    school: str
    grade: str
    class_title: str
    teacher: str
    number: int | None
    name: str
    kana: str
    pupil: str
    on: date
    code: str
    symbol: str
    mark: str
    at_time: time | None


def read_mapping(path: Path | None = None) -> SystemMapping:
    """Read a mapping file, or the one that comes with the program; raises MappingFileError."""
    return read_mapping_file(path, ("appliance.attendance", _FILE), SystemMapping)


def read_mapping_file(path: Path | None, shipped: tuple[str, str], kind: type[_Mapping]) -> _Mapping:
    """Read a mapping of some kind, or the one that is shipped (package, file); raises MappingFileError."""
    package, file = shipped
    try:
        data = path.read_bytes() if path else files(package).joinpath(file).read_bytes()
        return msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), kind)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        problem = exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
        name = path.name if path else file
        raise MappingFileError(
            operation="read mapping", subject=name, cause=exc, file=name, problem=problem
        ) from exc


def system_sheet(mapping: SystemMapping, rows: Iterable[SystemRow], title: str) -> Sheet:
    """Return the table; raises UnmappedCodeError."""
    told = list(rows)
    unknown = sorted({row.code for row in told} - set(mapping.codes))
    if unknown:
        raise UnmappedCodeError(operation="write table", subject="codes", codes=" ".join(unknown))
    return mapped_sheet(title, mapping.column, (_values(mapping, row) for row in told))


def _values(mapping: SystemMapping, row: SystemRow) -> Mapping[str, str | int]:
    return {
        "school": row.school,
        "grade": row.grade,
        "class": row.class_title,
        "teacher": row.teacher,
        "number": row.number if row.number is not None else "",
        "name": row.name,
        "kana": row.kana,
        "pupil": row.pupil,
        "day": row.on.strftime(mapping.day),
        "code": mapping.codes[row.code],
        "symbol": row.symbol,
        "mark": row.mark,
        "time": row.at_time.strftime(mapping.time) if row.at_time else "",
    }
