"""The reasons that are told on the telephone: one list for the whole city, so that they can be counted later.

Invariant: what is kept is the Japanese text whatever the screens speak. A file without `[[reason]]` keeps the
program's list.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.attendance.codes import CodeRepeatedError, as_entry, read_rules
from appliance.messages import Language


class ReasonEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[reason]]` of the file. `text` is what is kept."""

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


def load_reasons(path: Path | None = None, lang: Language = "ja") -> tuple[ToldReason, ...]:
    """Read the list of a file of codes, or the one that comes with the program."""
    raw, file = read_rules(path)
    if path is not None and "reason" not in raw:
        return load_reasons(None, lang)
    entries = [as_entry(item, ReasonEntry, file, f"reason[{i}]") for i, item in enumerate(raw.get("reason", ()))]
    seen: set[str] = set()
    for entry in entries:
        if entry.text in seen:
            raise CodeRepeatedError(
                operation="read reasons", subject=file, file=file, entry=entry.text, other=entry.text, field="text"
            )
        seen.add(entry.text)
    return tuple(ToldReason(e.text, e.name_en if lang == "en" else e.text) for e in entries)
