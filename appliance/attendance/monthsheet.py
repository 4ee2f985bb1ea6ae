"""出席簿の月の表 as a table to be released: a row for each pupil, a column for each day, then the totals.

Invariant: every day of the month has its column; a day without school and a pupil not in the class are marked, and
the notes say what every sign means. A closed class is 停 for every pupil; a closed grade or school stands in red.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from appliance.attendance.sheetform import SheetForm
from appliance.release.sheet import Align, Column, Sheet, Tone
from appliance.views import AttendanceCode, Counting, MonthDay, MonthGrid, MonthPupil

_WEEKDAYS: Final = "月火水木金土日"
_CLOSED, _OUTSIDE = "・", "／"
_NAMED: Final = 2  # the columns that say who
_AWAY: Final = frozenset((Counting.SUSPENDED, Counting.ONLINE))


def month_sheet(
    grid: MonthGrid, codes: Sequence[AttendanceCode], form: SheetForm, school: str = "", teacher: str = ""
) -> Sheet:
    """Return a month as a table; blank is 出席, as on paper."""
    symbols = {code.code: "" if code.counting is Counting.PRESENT else code.symbol for code in codes}
    days = (Column(f"{d.on.day} {_WEEKDAYS[d.on.weekday()]}", 3, Align.CENTER, _tone(d)) for d in grid.days)
    totals = (Column(total.name, 4, Align.RIGHT, no_zero=True) for total in form.totals)
    columns = (Column("番号", 4, Align.RIGHT), Column("氏名", 14), *days, *totals, Column("備考", 10))
    away = {code.code for code in codes if code.counting in _AWAY}
    closed = next((code.symbol for code in codes if code.counting is Counting.SUSPENDED), "停")
    shared = _shared(grid)
    rows = tuple(_row(grid, pupil, symbols, form, away, closed, shared) for pupil in grid.pupils)
    title = f"{grid.title} 出席簿 {grid.month:%Y年%m月}"
    beside = "　".join(filter(None, (school, f"担任 {teacher}" if teacher else "")))
    return Sheet(
        title, columns, rows, _notes(grid, codes, shared), beside, form.seals, one_page=True, frozen=_NAMED
    )


def _tone(day: MonthDay) -> Tone:
    if day.open:
        return Tone.PLAIN
    return Tone.RED if day.closure and not day.suspended else Tone.SHADED


def closed_line(grid: MonthGrid) -> str:
    """Return who closed the month when, and how much came in afterwards."""
    late = f"（締めのあとの記入 {grid.late}件）" if grid.late else ""
    return f"締め: {grid.closed_by} {grid.closed_at:%Y-%m-%d %H:%M}{late}"


def _row(
    grid: MonthGrid,
    pupil: MonthPupil,
    symbols: Mapping[str, str],
    form: SheetForm,
    away: Collection[str],
    closed: str,
    shared: Collection[str],
) -> tuple[str | int, ...]:
    def cell(day: MonthDay, code: str, inside: bool) -> str:
        if not inside:
            return _OUTSIDE
        if day.suspended and code not in away:
            return closed
        return symbols.get(code, code) if day.open or day.suspended else _CLOSED

    cells = map(cell, grid.days, pupil.codes, pupil.inside)
    counts = (int(getattr(pupil.totals, total.counts)) for total in form.totals)
    number = pupil.number if pupil.number is not None else ""
    return (number, pupil.name, *cells, *counts, "、".join(r for r in pupil.totals.remarks if r not in shared))


def _shared(grid: MonthGrid) -> tuple[str, ...]:
    """Return the remarks of everybody, which stand once below and not in every row."""
    first = grid.pupils[0].totals.remarks if grid.pupils else ()
    return tuple(r for r in first if all(r in pupil.totals.remarks for pupil in grid.pupils))


def _notes(grid: MonthGrid, codes: Sequence[AttendanceCode], shared: Sequence[str]) -> tuple[str, ...]:
    """Return the 凡例, why days were closed, and what is not confirmed yet."""
    signs = [f"{code.symbol} {code.name}" for code in codes if code.counting is not Counting.PRESENT]
    legend = "凡例: 空欄 出席　" + "　".join([*signs, f"{_CLOSED} 休業日・閉鎖", f"{_OUTSIDE} 在籍なし"])
    closed = [f"{d.on.day}日 {d.reason}" for d in grid.days if d.reason and d.on.weekday() < 5]
    left = [str(on.day) for on in grid.totals.unconfirmed]
    return (
        legend,
        *([f"備考（全員）: {'、'.join(shared)}"] if shared else []),
        *([f"休業日など: {'、'.join(closed)}"] if closed else []),
        *([closed_line(grid)] if grid.closed_at else []),
        *([f"未確定の日: {'、'.join(left)}日"] if left else []),
    )
