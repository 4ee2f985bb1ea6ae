"""How a city prints the month's 出席簿: which totals stand behind the days, and whose seals below.

Invariant: read from the file of codes; a file without `[[total]]` or `[[seal]]` keeps the program's.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from appliance.attendance.codes import as_entry, read_rules


class Total(StrEnum):
    """A count of a pupil's month; the values are fields of PupilTotals."""

    SCHOOL_DAYS = "school_days"
    SUSPENDED = "suspended"
    MUST_ATTEND = "must_attend"
    ABSENT = "absent"
    PRESENT = "present"
    LATE = "late"
    LEFT_EARLY = "left_early"
    ATTENDED_ELSEWHERE = "attended_elsewhere"
    ONLINE = "online"


class TotalEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[total]]`: what is counted, and the heading of its column."""

    counts: Total
    name: str


class SealEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[seal]]`: whose."""

    name: str


@dataclass(frozen=True, slots=True)
class SheetForm:
    """The columns behind the days, and the boxes for seals."""

    totals: tuple[TotalEntry, ...]
    seals: tuple[str, ...]


def load_sheet_form(path: Path | None = None) -> SheetForm:
    """Read a file of codes, or the one that comes with the program; raises CodesFileError, CodeEntryError."""
    raw, file = read_rules(path)
    raw = {**read_rules(None)[0], **raw}
    totals = [as_entry(item, TotalEntry, file, f"total[{i}]") for i, item in enumerate(raw["total"])]
    seals = [as_entry(item, SealEntry, file, f"seal[{i}]") for i, item in enumerate(raw["seal"])]
    return SheetForm(tuple(totals), tuple(seal.name for seal in seals))
