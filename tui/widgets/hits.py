"""What a search found, below the line that one types into.

Invariant: a search that found nothing says so, one that failed says that instead, and neither line can be chosen.
"""

from collections.abc import Sequence
from typing import Final

from textual.widgets import OptionList
from textual.widgets.option_list import Option

from appliance.views import FoundPupil
from tui.i18n import _

MOST: Final = 50


class Hits(OptionList):
    """Lines to choose from; `empty` is what it says while nothing is typed and there is nothing to choose."""

    def __init__(self, name: str, empty: str = "") -> None:
        super().__init__(id=name, markup=False)
        self._empty = empty

    def show(self, typed: str, found: Sequence[tuple[str, str]] | None) -> None:
        """Show (id, line) of each thing that was found for what is typed; None: it could not be looked for."""
        self.clear_options()
        if found:
            self.add_options([Option(line, id=thing) for thing, line in found[:MOST]])
            return
        words = self._empty
        if found is None:
            words = _("いま探せません。少し待って、打ち直してください。")
        elif typed.strip():
            words = _("「{typed}」は見つかりません。打ち直してください。").format(typed=typed.strip())
        if words:
            self.add_option(Option(words, disabled=True))

    @property
    def first(self) -> str | None:
        """Return the id of the first thing that can be chosen."""
        return self.get_option_at_index(0).id if self.option_count else None


def pupil_line(hit: FoundPupil) -> str:
    """Return class, number, name and reading of a pupil."""
    return f"{hit.class_title} {hit.number or ''}  {hit.name}（{hit.kana}）"


def pupil_lines(hits: Sequence[FoundPupil]) -> list[tuple[str, str]]:
    """Return place and line of each pupil."""
    return [(str(place), pupil_line(hit)) for place, hit in enumerate(hits)]
