"""A text that stands for days to be chosen: arrows move them, a letter chooses what happened on them.

Invariant: letters and arrows arrive in the order in which they were typed.
"""

from dataclasses import dataclass
from typing import Final

from textual import events
from textual.message import Message
from textual.widgets import Static

from tui.typed import half_width

_KEYS: Final = {"right": (0, 1), "left": (0, -1), "down": (1, 1), "up": (-1, -1)}


class DayChoice(Static, can_focus=True):
    """The pupil and the days that were told; turns a letter into a code and arrows into other days."""

    @dataclass
    class Letter(Message):
        """A letter was typed."""

        letter: str

    @dataclass
    class Moved(Message):
        """The first and the last day are to move by so many days."""

        first: int
        last: int

    def on_key(self, event: events.Key) -> None:
        """Take letters, also full-width ones, and arrows."""
        letter = half_width(event.character or "").lower()
        if event.key in _KEYS:
            self.post_message(self.Moved(*_KEYS[event.key]))
        elif letter.isalnum():
            self.post_message(self.Letter(letter))
        else:
            return
        event.stop()
        event.prevent_default()
