"""出席簿の月の表 as a table to be released: a row for each pupil, a column for each day, then the totals.

Invariant: every day of the month has its column; a day without school and a pupil not in the class are marked, and
the notes say what every sign means.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from appliance.attendance.sheetform import SheetForm
from appliance.release.sheet import Align, Column, Sheet
from appliance.views import AttendanceCode, Counting, MonthGrid, MonthPupil

_WEEKDAYS: Final = "月火水木金土日"
_CLOSED, _OUTSIDE = "・", "／"
_SEAL_BOX: Final = "［　　　］"


def month_sheet(grid: MonthGrid, codes: Sequence[AttendanceCode], form: SheetForm) -> Sheet:
    """Return a month as a table; blank is 出席, as on paper."""
    symbols = {code.code: "" if code.counting is Counting.PRESENT else code.symbol for code in codes}
    days = (Column(f"{d.on.day} {_WEEKDAYS[d.on.weekday()]}", 3, Align.CENTER) for d in grid.days)
    totals = (Column(total.name, 4, Align.RIGHT) for total in form.totals)
    columns = (Column("番号", 4, Align.RIGHT), Column("氏名", 14), *days, *totals)
    rows = tuple(_row(grid, pupil, symbols, form) for pupil in grid.pupils)
    return Sheet(f"{grid.title} 出席簿 {grid.month:%Y年%m月}", columns, rows, _notes(grid, codes, form))


def closed_line(grid: MonthGrid) -> str:
    """Return who closed the month when, and how much came in afterwards."""
    late = f"（締めのあとの記入 {grid.late}件）" if grid.late else ""
    return f"締め: {grid.closed_by} {grid.closed_at:%Y-%m-%d %H:%M}{late}"


def _row(grid: MonthGrid, pupil: MonthPupil, symbols: Mapping[str, str], form: SheetForm) -> tuple[str | int, ...]:
    cells = (
        _OUTSIDE if not inside else _CLOSED if not day.open else symbols.get(code, code)
        for day, code, inside in zip(grid.days, pupil.codes, pupil.inside, strict=True)
    )
    counts = (int(getattr(pupil.totals, total.counts)) for total in form.totals)
    return (pupil.number if pupil.number is not None else "", pupil.name, *cells, *counts)


def _notes(grid: MonthGrid, codes: Sequence[AttendanceCode], form: SheetForm) -> tuple[str, ...]:
    """Return the 凡例, why days were closed, and what is not confirmed yet."""
    signs = [f"{code.symbol} {code.name}" for code in codes if code.counting is not Counting.PRESENT]
    legend = "凡例: 空欄 出席　" + "　".join([*signs, f"{_CLOSED} 休業日・閉鎖", f"{_OUTSIDE} 在籍なし"])
    closed = [f"{d.on.day}日 {d.reason}" for d in grid.days if d.reason and d.on.weekday() < 5]
    left = [str(on.day) for on in grid.totals.unconfirmed]
    return (
        legend,
        *([f"休業日など: {'、'.join(closed)}"] if closed else []),
        *([closed_line(grid)] if grid.closed_at else []),
        *([f"未確定の日: {'、'.join(left)}日"] if left else []),
        *(["　".join(f"{name}{_SEAL_BOX}" for name in form.seals)] if form.seals else []),
    )
