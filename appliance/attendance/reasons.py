"""The reasons that are told on the telephone, and those of corrections: one list each for the whole city.

Invariant: what is kept is the Japanese text whatever the screens speak, so that reasons can be counted later. A
file without `[[reason]]` or `[[correction]]` keeps the program's list.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.attendance.codes import CodeRepeatedError, as_entry, read_rules
from appliance.messages import Language


class ReasonEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[reason]]` or `[[correction]]` of the file. `text` is what is kept."""

    text: str
    name_en: str

    def __post_init__(self) -> None:
        """Refuse what the types cannot: msgspec turns a ValueError into its own."""
        if not (self.text.strip() and self.name_en.strip()):
            raise ValueError("text and name_en must not be empty")


@dataclass(frozen=True, slots=True)
class ToldReason:
    """A reason: what is kept, and what the screens call it."""

    text: str
    name: str


def load_reasons(path: Path | None = None, lang: Language = "ja", table: str = "reason") -> tuple[ToldReason, ...]:
    """Read a list of a file of codes, or the one that comes with the program."""
    raw, file = read_rules(path)
    if path is not None and table not in raw:
        return load_reasons(None, lang, table)
    entries = [as_entry(item, ReasonEntry, file, f"{table}[{i}]") for i, item in enumerate(raw.get(table, ()))]
    seen: set[str] = set()
    for entry in entries:
        if entry.text in seen:
            raise CodeRepeatedError(
                operation="read reasons", subject=file, file=file, entry=entry.text, other=entry.text, field="text"
            )
        seen.add(entry.text)
    return tuple(ToldReason(e.text, e.name_en if lang == "en" else e.text) for e in entries)
