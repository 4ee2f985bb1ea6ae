"""The configurable attendance codes: read from `codes.toml` in the wheel or from a school's own file, and checked.

Invariant: a set of codes is either wholly usable or refused, naming file and entry. Usable means that codes, keys
and symbols are each unique, so one key press and one mark on paper mean one thing.
"""

import tomllib
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from appliance.errors import ApplianceError
from appliance.messages import Language
from appliance.views import Asks, AttendanceCode, Counting

RESERVED_KEYS: Final = frozenset("dhrux q/?:")
"""What the screens keep for themselves: telephone, history, reason, take back, clear; the rest is for later."""

_FILE: Final = "codes.toml"
_SYMBOL_CELLS: Final = 2
_TABLES: Final = ("code", "reason", "correction", "mourning", "total", "seal")
_E = TypeVar("_E", bound=msgspec.Struct)


class CodesFileError(ApplianceError):
    """The file of codes cannot be read, or is not TOML."""

    code = "APP-200"


class CodeEntryError(ApplianceError):
    """An entry has an unknown field, lacks one, or has a value that cannot be used."""

    code = "APP-201"


class CodeRepeatedError(ApplianceError):
    """Two entries have the same code, key or symbol."""

    code = "APP-202"


class CodeKeyError(ApplianceError):
    """A key is not one printable ASCII character, or the screens need it themselves."""

    code = "APP-203"


class NoCodesError(ApplianceError):
    """The file has no code for 出席, or none for an absence, so the book could not be kept with it."""

    code = "APP-204"


class CodeSymbolError(ApplianceError):
    """A symbol is empty or wider than two columns."""

    code = "APP-205"


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[code]]` of the file. See its head for the meaning of the fields."""

    code: str
    name: str
    name_en: str
    symbol: str
    key: str
    counting: Counting
    wants_reason: bool = False
    wants_time: bool = False
    unexcused: bool = False
    asks: Asks = Asks.NOTHING

    def __post_init__(self) -> None:
        """Refuse what the types cannot: msgspec turns a ValueError into its own."""
        if not (self.code and self.name and self.name_en):
            raise ValueError("code, name and name_en must not be empty")
        if self.unexcused and self.counting is not Counting.ABSENT:
            raise ValueError("unexcused needs counting = absent")


def load_codes(path: Path | None = None, lang: Language = "ja") -> tuple[AttendanceCode, ...]:
    """Read and check the codes of a file, or those that come with the program, named in `lang`."""
    raw, file = read_rules(path)
    entries = [as_entry(item, CodeEntry, file, f"code[{i}]") for i, item in enumerate(raw.get("code", ()))]
    if not {Counting.PRESENT, Counting.ABSENT} <= {entry.counting for entry in entries}:
        raise NoCodesError(operation="read attendance codes", subject=file, file=file)
    for entry in entries:
        _check_key(entry, file)
        _check_symbol(entry, file)
    _refuse_repeats(entries, file)
    return tuple(_code(entry, lang) for entry in entries)


def read_rules(path: Path | None) -> tuple[dict[str, list[Any]], str]:
    """Read a file of `[[code]]`, `[[reason]]`, … tables; return them with its name in errors."""
    file = str(path) if path else _FILE
    try:
        source = path if path else files("appliance.attendance").joinpath(_FILE)
        raw = tomllib.loads(source.read_bytes().decode("utf-8-sig"))  # Windows editors put a BOM before the text
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        problem = exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
        raise CodesFileError(
            operation="read attendance codes", subject=file, cause=exc, file=file, problem=problem
        ) from exc
    for name, tables in raw.items():
        if name not in _TABLES or not isinstance(tables, list):
            raise _bad_entry(file, name, f"expected [[{']] or [['.join(_TABLES)}]]")
    return raw, file


def as_entry(item: object, struct: type[_E], file: str, entry: str) -> _E:
    """Convert one table of the file; an error names the entry."""
    try:
        return msgspec.convert(item, struct)
    except msgspec.ValidationError as exc:
        raise _bad_entry(file, entry, str(exc), exc) from exc


def _bad_entry(file: str, entry: str, problem: str, cause: BaseException | None = None) -> CodeEntryError:
    return CodeEntryError(
        operation="read attendance codes", subject=file, cause=cause, file=file, entry=entry, problem=problem
    )


def _check_key(entry: CodeEntry, file: str) -> None:
    key = entry.key
    if len(key) != 1 or not key.isascii() or not key.isprintable() or key.lower() in RESERVED_KEYS:
        raise CodeKeyError(
            operation="read attendance codes", subject=file, file=file, entry=entry.code, key=ascii(key)
        )


def _check_symbol(entry: CodeEntry, file: str) -> None:
    cells = sum(1 + (unicodedata.east_asian_width(char) in "WFA") for char in entry.symbol)
    if not entry.symbol.strip() or not entry.symbol.isprintable() or cells > _SYMBOL_CELLS:
        raise CodeSymbolError(operation="read attendance codes", subject=file, file=file, entry=entry.code)


def _refuse_repeats(entries: list[CodeEntry], file: str) -> None:
    fields: dict[str, Callable[[CodeEntry], str]] = {
        "code": lambda e: e.code,
        "key": lambda e: e.key.lower(),  # with CapsLock on, B arrives instead of b
        "symbol": lambda e: e.symbol,
    }
    for field, value_of in fields.items():
        seen: dict[str, str] = {}
        for entry in entries:
            value = value_of(entry)
            if value in seen:
                raise CodeRepeatedError(
                    operation="read attendance codes",
                    subject=file,
                    file=file,
                    entry=entry.code,
                    other=seen[value],
                    field=field,
                )
            seen[value] = entry.code


def _code(entry: CodeEntry, lang: Language) -> AttendanceCode:
    return AttendanceCode(
        code=entry.code,
        name=entry.name_en if lang == "en" else entry.name,
        symbol=entry.symbol,
        key=entry.key.lower(),  # screens compare small letters
        counting=entry.counting,
        wants_reason=entry.wants_reason,
        wants_time=entry.wants_time,
        asks=entry.asks,
        unexcused=entry.unexcused,
    )
