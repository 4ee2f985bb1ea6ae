"""The table of the fleet: one row for each box, columns that fit 80 cells, the rest for the school's name.

Invariant: a state is a glyph, a word and a colour; a figure that is not known is a dash; what a box that is away
said last is shown dim and as old as it is.
"""

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from appliance.fleet.boxview import BoxView, Health, Told
from sync.clock import wall_ms
from tui.ages import span
from tui.i18n import _
from tui.wrap import cut

STATES: Final = {
    Health.OK: ("✓", _("正常"), "green"),
    Health.WARN: ("▲", _("注意"), "yellow"),
    Health.BAD: ("✗", _("異常"), "bold red"),
    Health.AWAY: ("？", _("不通"), "bold red"),
    Health.ASKED: ("…", _("確認中"), "dim"),
}
_LINES: Final = {"online": _("● 接続"), "degraded": _("◐ 不安"), "offline": _("○ 切断")}
_COLUMNS: Final = (
    (_("様子"), 8),
    (_("学校"), 0),
    (_("線"), 7),
    (_("未送信"), 7),
    (_("確認"), 6),
    (_("検証"), 6),
    (_("許可"), 6),
    (_("空き"), 5),
    (_("時計"), 7),
    (_("版"), 7),
)
_EDGE: Final = 4
_LEAST: Final = 10
_MINUTE_MS: Final = 60_000
_DAY_S: Final = 86_400
_DASH: Final = "—"


class BoxTable(DataTable[Text]):
    """The boxes."""

    def __init__(self) -> None:
        super().__init__(id="boxes", cursor_type="row", zebra_stripes=True, cell_padding=0)
        self._width = 0

    def show(self, views: Sequence[BoxView], width: int) -> None:
        """Show boxes on a screen of `width` cells; the cursor stays on its row."""
        name = max(_LEAST, width - sum(cells for _label, cells in _COLUMNS) - _EDGE)
        place = self.cursor_row
        if width != self._width or self.row_count != len(views):
            self._width = width
            self.clear(columns=True)
            for label, cells in _COLUMNS:
                self.add_column(label, width=cells or name)
            for view in views:
                self.add_row(*_cells(view, name), key=view.school)
            self.move_cursor(row=place)
            return
        for row, view in enumerate(views):
            for column, cell in enumerate(_cells(view, name)):
                self.update_cell_at(Coordinate(row, column), cell)


def _cells(view: BoxView, name: int) -> list[Text]:
    glyph, word, colour = STATES[view.health]
    cells = [Text(f"{glyph} {word}", style=colour), Text(cut(view.name, name - 1))]
    told = view.told
    if told is None:
        return cells + [Text(_DASH)] * (len(_COLUMNS) - len(cells))
    older_s = max(0, wall_ms() - view.seen_ms) // 1000
    texts = (
        _LINES.get(told.link, _("？ 不明")) if told.running else _("停止"),
        _DASH if told.waiting is None else str(told.waiting),
        _confirmed(told, older_s),
        _verified(told, older_s),
        _lease(told, older_s),
        f"{told.disk_percent}%" if told.disk_writable else _("不可"),
        _skew(told),
        cut(told.version, 6),
    )
    style = "dim" if view.health is Health.AWAY else ""
    return cells + [Text(text, style=style, no_wrap=True) for text in texts]


def _confirmed(told: Told, older_s: int) -> str:
    """Return how late the board's confirmation is."""
    if told.confirmed is None:
        return _DASH
    return "✓" if told.unconfirmed_age_s is None else span(told.unconfirmed_age_s + older_s)


def _verified(told: Told, older_s: int) -> str:
    if told.verify_problem:
        return _("失敗")
    return _DASH if told.verified_age_s is None else span(told.verified_age_s + older_s)


def _lease(told: Told, older_s: int) -> str:
    left_ms = told.lease_left_ms
    if left_ms is None:
        return _DASH
    left_s = left_ms // 1000 - older_s
    return span(left_s) if left_s > 0 else _("切れ")


def _skew(told: Told) -> str:
    if told.clock_skew_ms is None:
        return _DASH
    sign = "-" if told.clock_skew_ms < 0 else "+"
    if abs(told.clock_skew_ms) >= _MINUTE_MS:
        return sign + span(told.clock_skew_ms / 1000)
    return sign + _("{count}秒").format(count=abs(told.clock_skew_ms) // 1000)
