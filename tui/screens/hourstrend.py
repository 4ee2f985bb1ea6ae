"""推移: a person's months as bars beside the limits of a month, 45 and 80 hours."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.hours.limits import Signal
from appliance.hours.views import TrendPoint
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.screens.hoursday import clock

SIGNALS: Final = {Signal.GREEN: "●", Signal.YELLOW: "▲", Signal.RED: "■"}
_HOUR: Final = 60
_PER_CELL: Final = 2 * _HOUR
_CELLS: Final = 50  # up to 100 hours
_LIMITS: Final = (45, 80)
_BEFORE: Final = 9  # year and month


class TrendScreen(Dialog[None]):
    """One line for each month, the newest last."""

    BINDINGS = [Binding("escape,enter,g", "dismiss", _("閉じる"))]
    help_text = _("一年の時間外です。┊ は月45時間と80時間の線、・ は記録のない月です。")

    def __init__(self, name: str, points: Sequence[TrendPoint]) -> None:
        super().__init__()
        self._name, self._points = name, points

    def compose(self) -> ComposeResult:
        """Yield the bars under their scale."""
        with Vertical(classes="dialog wide trend"):
            yield Static(_("時間外の推移  {name}").format(name=self._name), classes="dialog-title", markup=False)
            yield Static("\n".join([scale(), *map(bar, self._points)]), id="bars", markup=False)
            yield Static(_("┊ は月45時間と80時間。・ は記録のない月。Esc で閉じる"), classes="hint")


def scale() -> str:
    """Return the line above the bars: hours from 0 to 100."""
    line = [" "] * (_BEFORE + _CELLS + 4)
    for hours in (0, *_LIMITS, 100):
        at = _BEFORE + hours * _HOUR // _PER_CELL
        line[at : at + len(str(hours))] = str(hours)
    return "".join(line).rstrip() + _("時間")


def bar(point: TrendPoint) -> str:
    """Return a month's line; what is over 100 hours ends in an arrow."""
    if not point.known:
        return f"{point.month:%Y/%m}  ・"
    made = point.standing.overtime
    full, rest = divmod(made, _PER_CELL)
    cells = "█" * full + ("▌" if rest >= _HOUR else "")
    limits = {hours * _HOUR // _PER_CELL for hours in _LIMITS}
    line = "".join(cells[at] if at < len(cells) else "┊" if at in limits else " " for at in range(_CELLS))
    line = line[:-1] + "▶" if made > _CELLS * _PER_CELL else line
    return f"{point.month:%Y/%m}  {line} {clock(made):>6} {SIGNALS[point.standing.signal]}"
