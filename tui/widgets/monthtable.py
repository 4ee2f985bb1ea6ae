"""The grid of a class's month: turns a code's letter into a mark of the cell under the cursor.

Invariant: as in the table of a day, letters, arrows and Enter are taken in the order in which they were typed, and
the cell is read when the letter arrives.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message

from appliance.views import AttendanceCode, Counting, MonthGrid, MonthPupil
from tui.actions import CLEAR
from tui.i18n import _
from tui.typed import half_width
from tui.widgets.numberjump import NumberJump
from tui.widgets.quicktable import QuickTable
from tui.wrap import cut

FIXED: Final = 2
"""Columns before the first day: number and name."""
_WEEKDAYS: Final = _("月火水木金土日")
_NUMBER, _SCROLLBAR, _WIDE = 3, 2, 110
_CLOSED, _OUTSIDE = "dim on grey19", "dim strike"


class MonthTable(QuickTable):
    """Rows are keyed by pupil id, columns by ISO date."""

    @dataclass
    class Marked(Message):
        """A letter was typed on a cell; `code` empty takes the mark back."""

        pupil_id: str
        on: date
        code: str

    def __init__(self) -> None:
        super().__init__(id="month", cursor_type="cell", fixed_columns=FIXED, header_height=2, cell_padding=0)
        self.downward = True
        """Whether Enter and a letter go down or to the right."""
        self._by_key: Mapping[str, AttendanceCode] = {}
        self._symbols: Mapping[str, str] = {}
        self._away_codes: set[str] = set()
        self._stopped = ""
        self._days: tuple[date, ...] = ()
        self._width = 0
        self._jump = NumberJump()
        self._moves: dict[str, Callable[[], None]] = {
            "down": self.action_cursor_down,
            "up": self.action_cursor_up,
            "left": self._left,
            "right": self.action_cursor_right,
            "home": self.action_scroll_home,
            "end": self.action_scroll_end,
            "enter": self.step,
        }

    def set_codes(self, codes: Sequence[AttendanceCode]) -> None:
        """Say which letters are codes, and what stands for them."""
        self._by_key = {code.key: code for code in codes}
        self._symbols = {code.code: code.symbol for code in codes}
        self._away_codes = {code.code for code in codes if code.counting in (Counting.SUSPENDED, Counting.ONLINE)}
        self._stopped = next((code.symbol for code in codes if code.counting is Counting.SUSPENDED), "")

    @property
    def place(self) -> tuple[str, date] | None:
        """Return pupil and day under the cursor."""
        if not self.row_count or self.cursor_column < FIXED:
            return None
        row, column = self.coordinate_to_cell_key(self.cursor_coordinate)
        return row.value or "", date.fromisoformat(column.value or "")

    def show(self, grid: MonthGrid, width: int, on: date | None = None) -> None:
        """Show a month in so many columns of the terminal; the cursor stays on its cell, or goes to a day."""
        days, people = tuple(day.on for day in grid.days), [pupil.pupil_id for pupil in grid.pupils]
        lines = {pupil.pupil_id: self._cells(grid, pupil, width) for pupil in grid.pupils}
        if (days, width) != (self._days, self._width) or people != [key.value for key in self.rows]:
            here, self._days, self._width = self.cursor_coordinate, days, width
            self._set_columns(grid, width)
            for pupil_id, cells in lines.items():
                self.add_row(*cells, key=pupil_id)
            self.move_cursor(row=min(here.row, max(len(people) - 1, 0)), column=max(here.column, FIXED))
        else:  # in place, so that the cursor is nowhere else in between
            for pupil_id, cells in lines.items():
                if self.get_row(pupil_id) != cells:
                    self.replace(pupil_id, cells)
        if on in days:
            self.move_cursor(column=FIXED + days.index(on))

    def _cells(self, grid: MonthGrid, pupil: MonthPupil, width: int) -> list[Text]:
        cells = [Text(f"{pupil.number or '':>2} "), Text(cut(pupil.name, self._name_width(width)))]
        for day, code, inside in zip(grid.days, pupil.codes, pupil.inside, strict=True):
            style = _OUTSIDE if not inside else "" if day.open else _CLOSED
            word = self._symbols.get(code, code) or ("／" if not inside else "")
            if day.suspended and inside and code not in self._away_codes:
                word = self._stopped  # 学級閉鎖: as the paper book has it for everybody
            cells.append(Text(word + " " * (self._day_width(width) - cell_len(word)), style=style))
        return cells

    def step(self) -> None:
        """Go to the next cell, down or to the right."""
        self.action_cursor_down() if self.downward else self.action_cursor_right()

    def on_key(self, event: events.Key) -> None:
        """Take arrows, Enter, a code's letter, the letter that takes a mark back, or a pupil's number."""
        move = self._moves.get(event.key)
        letter = half_width(event.character or "").lower()
        code, place = self._by_key.get(letter), self.place
        if code is None and letter.isdecimal():
            move = partial(self._go_to, letter)
        else:
            self._jump.forget()
        if move is None and (place is None or (code is None and letter != CLEAR.key)):
            return
        event.stop()
        event.prevent_default()
        if move is not None:
            move()
        elif place is not None:
            self.post_message(self.Marked(*place, code.code if code else ""))
            self.step()

    def _go_to(self, digit: str) -> None:
        row = self._jump.press(digit, [self.get_row(key)[0].plain.strip() for key in self.rows])
        if row is not None:
            self.move_cursor(row=row)

    def _left(self) -> None:
        if self.cursor_column > FIXED:
            self.action_cursor_left()

    def _set_columns(self, grid: MonthGrid, width: int) -> None:
        self.clear(columns=True)
        self.add_column(Text(""), width=_NUMBER, key="number")
        self.add_column(Text(_("氏名")), width=self._name_width(width), key="name")
        for day in grid.days:
            weekday = _WEEKDAYS[day.on.weekday()]
            style = "" if day.open else _CLOSED
            label = Text(f"{day.on.day:>2}\n{weekday}", style=style)
            self.add_column(label, width=self._day_width(width), key=day.on.isoformat())

    @staticmethod
    def _day_width(width: int) -> int:
        """Return 3 cells for a day where thirty-one of them leave room for a name, else 2."""
        return 3 if width >= _WIDE else 2

    def _name_width(self, width: int) -> int:
        """Return what is left for the name when thirty-one days stand side by side."""
        return max(8, min(20, width - 31 * self._day_width(width) - _NUMBER - _SCROLLBAR))
