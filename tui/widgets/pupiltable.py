"""The table of a class's pupils, which turns a code's letter into a mark of the row under the cursor.

Invariant: letters and arrows are taken in the order in which they were typed, in one queue; the row is read when
the letter arrives, so a slow disk can never put a mark on the pupil that the cursor reached meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.message import Message

from appliance.views import AttendanceCode
from tui.actions import CLEAR
from tui.typed import half_width
from tui.widgets.numberjump import NumberJump
from tui.widgets.quicktable import QuickTable
from tui.wrap import plain


class PupilTable(QuickTable):
    """Rows are keyed by pupil id."""

    @dataclass
    class Marked(Message):
        """A letter was typed on a pupil; `code` empty takes the mark back."""

        pupil_id: str
        code: str

    def __init__(self) -> None:
        super().__init__(id="pupils", cursor_type="row", zebra_stripes=True)
        self._by_key: Mapping[str, AttendanceCode] = {}
        self._jump = NumberJump()
        # Bindings run only after a key went up to the app, so a letter typed next would overtake an arrow.
        self._moves: dict[str, Callable[[], None]] = {
            "down": self.action_cursor_down,
            "up": self.action_cursor_up,
            "pagedown": self.action_page_down,
            "pageup": self.action_page_up,
            "home": self.action_scroll_top,
            "end": self.action_scroll_bottom,
        }

    def set_codes(self, codes: Sequence[AttendanceCode]) -> None:
        """Say which letters are codes."""
        self._by_key = {code.key: code for code in codes}

    @property
    def pupil_id(self) -> str | None:
        """Return the pupil under the cursor."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show(self, rows: Mapping[str, Sequence[str]], wanted: str | None = None) -> None:
        """Show pupil id → cells; the cursor stays on its pupil, or goes to the wanted one."""
        here = wanted or self.pupil_id
        if list(rows) == [key.value for key in self.rows]:
            for pupil_id, cells in rows.items():
                self.show_row(pupil_id, cells)
        else:
            self.clear()
            for pupil_id, cells in rows.items():
                self.add_row(*map(plain, cells), key=pupil_id)
        if here is not None and here in rows and here != self.pupil_id:
            self.move_cursor(row=self.get_row_index(here))

    def show_row(self, pupil_id: str, cells: Sequence[str]) -> None:
        """Show other cells in one of the rows."""
        if [cell.plain for cell in self.get_row(pupil_id)] != list(cells):
            self.replace(pupil_id, [plain(cell) for cell in cells])

    def on_key(self, event: events.Key) -> None:
        """Take a code's letter, also a full-width one, the letter that takes a mark back, or a pupil's number."""
        move = self._moves.get(event.key)
        letter = half_width(event.character or "").lower()
        code = self._by_key.get(letter)
        if code is None and letter.isdecimal():
            move = partial(self._go_to, letter)
        else:
            self._jump.forget()
        if move is not None:
            event.stop()
            event.prevent_default()
            move()
            return
        pupil_id = self.pupil_id
        if pupil_id is None or (code is None and letter != CLEAR.key):
            return
        event.stop()
        event.prevent_default()
        self.post_message(self.Marked(pupil_id, code.code if code else ""))
        if code is not None and not code.wants_time:
            self.action_cursor_down()

    def _go_to(self, digit: str) -> None:
        row = self._jump.press(digit, [self.get_row(key)[0].plain.strip() for key in self.rows])
        if row is not None:
            self.move_cursor(row=row)
