"""How many days of 忌引 a relation gives: a table that every board words differently, so it is data.

Invariant: days are calendar days counted on end from the first, as staff rules count them (the reading of 指導要録
leaves it to them); those without school are in no total. A file without `[[mourning]]` keeps the program's table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec

from appliance.attendance.codes import as_entry, read_rules
from appliance.errors import ApplianceError
from appliance.messages import Language
from appliance.schooldays import days_between


class UnknownRelationError(ApplianceError):
    """The table has no such relation."""

    code = "APP-208"


class MourningEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[mourning]]` of the file. `relation` is the Japanese name and the key."""

    relation: str
    name_en: str
    days: int

    def __post_init__(self) -> None:
        """Refuse what the types cannot: msgspec turns a ValueError into its own."""
        if not (self.relation and self.name_en) or self.days < 1:
            raise ValueError("relation and name_en must not be empty, days must be at least 1")


@dataclass(frozen=True, slots=True)
class MourningRule:
    """A relation, what the screens call it, and its days."""

    relation: str
    name: str
    days: int


def load_mourning(path: Path | None = None, lang: Language = "ja") -> tuple[MourningRule, ...]:
    """Read the table of a file of codes, or the one that comes with the program."""
    raw, file = read_rules(path)
    if path is not None and "mourning" not in raw:
        return load_mourning(None, lang)
    entries = [
        as_entry(item, MourningEntry, file, f"mourning[{i}]") for i, item in enumerate(raw.get("mourning", ()))
    ]
    return tuple(MourningRule(e.relation, e.name_en if lang == "en" else e.relation, e.days) for e in entries)


def mourning_days(
    table: Sequence[MourningRule], relation: str, first: date, travel_days: int = 0
) -> tuple[date, ...]:
    """Return the days of 忌引 from `first`; `travel_days` are added for a distant place."""
    for rule in table:
        if rule.relation == relation:
            return tuple(days_between(first, first + timedelta(days=rule.days + travel_days - 1)))
    known = "・".join(rule.relation for rule in table)
    raise UnknownRelationError(operation="look up days of mourning", known=known)
