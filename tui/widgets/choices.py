"""Choices of a question: one of them, or as many as one likes; what is chosen shows by its glyph."""

from collections.abc import Sequence
from typing import Final

from textual.binding import Binding
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.wrap import cut

_GLYPHS: Final = {(False, False): "○", (False, True): "◉", (True, False): "□", (True, True): "☑"}
_ROOM: Final = 4


class Choices(OptionList):
    """`several`: more than one may be chosen. Enter or space chooses, and takes back."""

    BINDINGS = [Binding("space", "select", show=False)]

    class Decided(Message):
        """One was chosen where one is asked for."""

        def __init__(self, choices: "Choices") -> None:
            super().__init__()
            self.choices = choices

    def __init__(self, choices: Sequence[str], width: int, *, several: bool, own: str) -> None:
        self._choices, self._several = [cut(choice, width - _ROOM) for choice in choices], several
        self.chosen: tuple[int, ...] = ()
        super().__init__(*(Option(self._line(place)) for place in range(len(choices))), id=own, markup=False)

    def _line(self, place: int) -> str:
        return f"{_GLYPHS[self._several, place in self.chosen]} {self._choices[place]}"

    def on_focus(self) -> None:
        """Begin at the first one."""
        if self.highlighted is None:
            self.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose it, or take it back."""
        event.stop()
        place = event.option_index
        if place in self.chosen:
            self.chosen = tuple(one for one in self.chosen if one != place)
        else:
            self.chosen = tuple(sorted((*self.chosen, place))) if self._several else (place,)
        for other in range(self.option_count):
            self.replace_option_prompt_at_index(other, self._line(other))
        if self.chosen and not self._several:
            self.post_message(self.Decided(self))
