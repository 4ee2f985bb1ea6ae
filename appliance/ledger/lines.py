"""Lines of the asset ledger in words, and as CSV.

Invariant: no cell of a file is one that a spreadsheet would take for a formula; a word that is not
known is told as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from appliance.ledger.ledger import HANDLERS, PLACES, TAKEOUTS, Entry, period
from appliance.release.sheet import Column, Sheet

_HEADINGS: Final = (
    "情報資産",
    "重要性分類",
    "保管場所",
    "取扱者",
    "持ち出し",
    "保管期間",
    "学校の端末での保管",
    "学校で定める項目",
    "根拠",
    "台帳",
    "記録の種類",
)
_FIELDS: Final = {
    "importance": "重要性分類",
    "place": "保管場所",
    "handlers": "取扱者",
    "takeout": "持ち出し",
    "retention": "保管期間",
    "kept_locally": "学校の端末での保管",
}


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One asset in words; `own`: the school's own line, else the standard ledger's."""

    name: str
    importance: str
    place: str
    handlers: str
    takeout: str
    retention: str
    kept_locally: bool
    to_set: str
    source: str
    own: bool
    kind: str


def line_of(entry: Entry, *, own: bool) -> LedgerLine:
    """Return a line in words."""
    return LedgerLine(
        entry.name,
        entry.importance.label,
        PLACES.get(entry.place, entry.place),
        "・".join(HANDLERS.get(who, who) for who in entry.handlers),
        TAKEOUTS.get(entry.takeout, entry.takeout),
        period(entry.retention),
        entry.kept_locally,
        "・".join(_FIELDS.get(field, field) for field in entry.to_set),
        entry.source,
        own,
        entry.kind,
    )


def ledger_sheet(lines: Iterable[LedgerLine]) -> Sheet:
    """Return lines as a table."""
    rows = (
        (
            line.name,
            line.importance,
            line.place,
            line.handlers,
            line.takeout,
            line.retention,
            "する" if line.kept_locally else "しない",
            line.to_set,
            line.source,
            ledger_of(line),
            line.kind,
        )
        for line in lines
    )
    return Sheet("情報資産台帳", tuple(Column(heading) for heading in _HEADINGS), tuple(rows))


def ledger_of(line: LedgerLine) -> str:
    """Return which ledger a line is of."""
    return "自校台帳" if line.own else "標準台帳"


def facts_of(entry: Entry) -> list[str]:
    """Return what a line says, one fact in each line."""
    line = line_of(entry, own=True)
    told = (line.name, line.importance, line.place, line.handlers, line.takeout, line.retention, line.to_set)
    names = ("情報資産", "重要性分類", "保管場所", "取扱者", "持ち出し", "保管期間", "学校で定める項目")
    return [f"{name}: {value}" for name, value in zip(names, told, strict=True) if value]
