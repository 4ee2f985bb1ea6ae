"""What the schools of a board add up to: counts by day, disease and month, with small groups hidden.

Invariant: pure. Nothing in here names anybody; a count of people below `LEAST` is not told, and where only one of
a group would be hidden the next smallest is hidden too, since the rest and a sum that is known would tell it.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Final

LEAST: Final = 5
OTHER: Final = "その他・不明"
# Hours of overtime a month: the ceiling of the guidelines, and the two marks of the law on health at work.
BANDS: Final = ((45, "45時間以下"), (80, "45時間超80時間以下"), (100, "80時間超100時間以下"))
ABOVE: Final = "100時間超"

Row = tuple[str | int | None, ...]


@dataclass
class SchoolCounts:
    """One school: pupils, and counts by what they are counted by. Days and months are ISO texts."""

    pupils: int = 0
    absences: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # day, kind, disease → pupils
    closures: Counter[tuple[str, str]] = field(default_factory=Counter)  # day, disease → classes
    overtime: Counter[tuple[str, str]] = field(default_factory=Counter)  # month, band → people


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is written: `count` names the column that may be hidden, which then is None."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[Row, ...]


def disease_of(text: str) -> str:
    """Return what a reason is counted as."""
    return next((name for name, words in _diseases() if any(word in text for word in words)), OTHER)


def band_of(minutes: int) -> str:
    """Return the band of a month's overtime."""
    return next((name for hours, name in BANDS if minutes <= hours * 60), ABOVE)


def tables_of(schools: Sequence[SchoolCounts]) -> tuple[Table, ...]:
    """Return the tables of all schools together."""
    absences, overtime, classes = (
        Counter[tuple[str, str, str]](),
        Counter[tuple[str, str]](),
        Counter[tuple[str, str]](),
    )
    closed = Counter[tuple[str, str]]()
    for school in schools:
        absences += school.absences
        overtime += school.overtime
        classes += school.closures
        closed.update(set(school.closures))
    days = [(*key, _told(count), count < LEAST) for key, count in sorted(absences.items())]
    closures = [(*key, closed[key], classes[key]) for key in sorted(closed)]
    totals = [(len(schools), _told(sum(school.pupils for school in schools)))]
    return (
        Table(
            "attendance",
            ("day", "kind", "disease", "pupils", "hidden"),
            (*_TEXT3, "INTEGER", "BOOLEAN"),
            tuple(days),
        ),
        Table(
            "closures",
            ("day", "disease", "schools", "classes"),
            ("TEXT", "TEXT", "INTEGER", "INTEGER"),
            tuple(closures),
        ),
        Table(
            "overtime",
            ("month", "band", "people", "hidden"),
            ("TEXT", "TEXT", "INTEGER", "BOOLEAN"),
            tuple(_bands(overtime)),
        ),
        Table("totals", ("schools", "pupils"), ("INTEGER", "INTEGER"), tuple(totals)),
    )


def hide(counts: Mapping[str, int]) -> set[str]:
    """Return which counts of a group, whose sum may be known, are not told."""
    small = {name for name, count in counts.items() if 0 < count < LEAST}
    if len(small) == 1:
        others = [(count, name) for name, count in counts.items() if count and name not in small]
        small |= {min(others)[1]} if others else set()
    return small


def _bands(overtime: Mapping[tuple[str, str], int]) -> Iterable[Row]:
    names = [*(name for _, name in BANDS), ABOVE]
    for month in sorted({month for month, _ in overtime}):
        counts = {name: overtime.get((month, name), 0) for name in names}
        hidden = hide(counts)
        for name in names:
            yield month, name, None if name in hidden else counts[name], name in hidden


def _told(count: int) -> int | None:
    return None if 0 < count < LEAST else count


_TEXT3: Final = ("TEXT", "TEXT", "TEXT")
_known: list[tuple[str, tuple[str, ...]]] = []


def _diseases() -> Sequence[tuple[str, tuple[str, ...]]]:
    if not _known:
        raw = tomllib.loads(files("appliance.region").joinpath("diseases.toml").read_text("utf-8"))
        _known.extend((one["name"], tuple(one["words"])) for one in raw["disease"])
    return _known


def each_day(first: date, last: date, of: Iterable[date]) -> list[str]:
    """Return the days of `of` within a span, as texts."""
    return [on.isoformat() for on in of if first <= on <= last]
