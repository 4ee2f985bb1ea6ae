"""Taking a recorder's file in: what it would keep, row by row, before anything is kept.

Invariant: a plan opens and keeps nothing; each row of the file is planned, known already or refused with its line,
and a plan made again after it was kept is empty.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date

from appliance.hours.cards import Cards
from appliance.hours.records import Punch, of_row
from appliance.hours.timeclock import ClockFile, ClockRow, Refusal, RefusedRow


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row that will be a record."""

    line: int
    record: bytes
    punch: Punch


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """What an import would do. `cards` are those that nobody has, with how many rows each."""

    rows: int
    declared: int | None
    count_fits: bool
    new: tuple[PlannedRow, ...]
    known: int
    refused: tuple[RefusedRow, ...]
    cards: tuple[tuple[str, int], ...]

    @property
    def people(self) -> int:
        """Return of how many people it has new rows."""
        return len({row.punch.person for row in self.new})

    @property
    def span(self) -> tuple[date, date] | None:
        """Return the first and last day of the new rows."""
        days = [row.punch.on for row in self.new]
        return (min(days), max(days)) if days else None


def plan_clock(
    file: ClockFile,
    cards: Cards,
    today: date,
    name: Callable[..., bytes],
    kept: Callable[[str, list[bytes]], Collection[bytes]],
) -> ClockPlan:
    """Plan an import; `name` makes a record's id, and `kept` says which stand there already."""
    refused, planned = list(file.refused), []
    nobody: dict[str, int] = {}
    for row in file.taken:
        person = cards.holder(row.card, row.on)
        if row.on > today:
            refused.append(RefusedRow(row.line, Refusal.FUTURE, 3))
        elif not person:
            nobody[row.card] = nobody.get(row.card, 0) + 1
            refused.append(RefusedRow(row.line, Refusal.UNKNOWN_CARD, 1))
        else:
            planned.append(_planned(row, person, name))
    there = kept(Punch.kind, [row.record for row in planned])
    new = {row.record: row for row in reversed(planned) if row.record not in there}
    return ClockPlan(
        file.rows,
        file.declared,
        file.count_fits,
        tuple(reversed(new.values())),
        len(planned) - len(new),
        tuple(sorted(refused, key=lambda row: row.line)),
        tuple(sorted(nobody.items(), key=lambda card: (len(card[0]), card[0]))),
    )


def _planned(row: ClockRow, person: str, name: Callable[..., bytes]) -> PlannedRow:
    punch = Punch(person=person, on=row.on, presses=row.presses, recorder=True)
    return PlannedRow(row.line, name(Punch.kind, *of_row(punch)), punch)
