"""Every box that a support office looks after, and what is to be said of the one under the cursor."""

from collections.abc import Sequence
from typing import Any, Final

from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from appliance.fleet.boxview import BoxView, Health
from appliance.fleet.gathering import Fleet
from appliance.health.words import known_alarm, words
from appliance.messages import explain_code, language
from sync.clock import wall_ms
from tui.actions import FLEET, bindings
from tui.ages import span
from tui.i18n import _
from tui.screens.boxchecks import ChecksScreen
from tui.screens.help import show_help
from tui.widgets.boxtable import STATES, BoxTable
from tui.wrap import fold

_AGES_S: Final = 5.0
_MINUTE_S: Final = 60
_HELP = _("""受け持ちの箱の一覧です。30秒ごとに、すべての箱に同時に聞き直します。
確認は、教育委員会の確認がどれだけ遅れているか。検証は、最後に復元を確かめてからの時間。
許可は、使用許可（リース）の残り。空きはディスク、時計は教育委員会との差です。
不通の箱は、最後に聞けた様子を薄い字で出します。数字はその後の時間を足したものです。""")


class FleetScreen(Screen[None]):
    """The table, and one box in words below."""

    BINDINGS = list(bindings(FLEET))
    field_help = {
        "boxes": _("受け持ちの箱の一覧。選ぶと、様子が下に出ます。Enter で、その箱の点検を見ます。"),
    }

    class Told(Message):
        """A box answered, or did not."""

    def __init__(self, fleet: Fleet, every_s: int) -> None:
        super().__init__()
        self._fleet = fleet
        self._every_s = every_s

    def compose(self) -> ComposeResult:
        """Yield title, table and the box under the cursor."""
        yield Static("", id="title", markup=False)
        yield BoxTable()
        yield Static("", id="box", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show what is remembered, then ask."""
        self._show()
        self.query_one(BoxTable).focus()
        self.action_again()
        self.set_interval(self._every_s, self.action_again)
        self.set_interval(_AGES_S, self._show)

    def action_again(self) -> None:
        """Ask every box now."""
        self._fleet.refresh(self._say)

    def _say(self, view: BoxView) -> None:
        """Tell the screen, from the thread that asked."""
        self.post_message(self.Told())

    def on_fleet_screen_told(self) -> None:
        """Show what is known now."""
        self._show()

    def on_resize(self) -> None:
        """Give the names the room that there is."""
        self._show()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the box under the cursor in words."""
        self._show_box()

    def action_examine(self) -> None:
        """Open the checks of the box under the cursor."""
        view = self._chosen()
        if view is not None:
            self.app.push_screen(ChecksScreen(view, lambda: self._fleet.doctor(view.school)))

    def action_help(self) -> None:
        """Explain the table and what this screen can do, and do what is chosen there."""
        show_help(self, _HELP, FLEET, self.field_help)

    def action_leave(self) -> None:
        """End."""
        self.app.exit(0)

    def _show(self) -> None:
        views = self._fleet.views
        self.query_one(BoxTable).show(views, self.app.size.width)
        self.query_one("#title", Static).update(_title(views))
        self._show_box()

    def _show_box(self) -> None:
        view = self._chosen()
        if view is not None:
            self.query_one("#box", Static).update(fold(_told(view), self.app.size.width - 4))

    def _chosen(self) -> BoxView | None:
        views, row = self._fleet.views, self.query_one(BoxTable).cursor_row
        return views[row] if 0 <= row < len(views) else None


def _title(views: Sequence[BoxView]) -> str:
    counts = [(health, sum(view.health is health for view in views)) for health in STATES]
    parts = [f"{STATES[health][0]} {STATES[health][1]} {count}" for health, count in counts if count]
    return _("箱の一覧  {count}台").format(count=len(views)) + "  " + "  ".join(parts)


def _told(view: BoxView) -> str:
    """Return what is to be said of a box."""
    lines = [f"{view.name}（{view.school}）  {view.host}  {_seen(view)}"]
    if view.health is Health.AWAY:
        told = explain_code(view.problem)
        lines.append(f"{told.sentence} {told.hint} [{told.code}]")
    if view.told is not None:
        if not view.told.running:
            lines.append(_("同期の係が動いていません。"))
        if view.told.superseded:
            lines.append(_("交代済の箱です。"))
        alarms = [_alarm(name) for name in view.told.alarms or ()]
        lines.append(_("通報: {alarms}").format(alarms="、".join(alarms) if alarms else _("なし")))
    return "\n".join(lines)


def _seen(view: BoxView) -> str:
    if not view.seen_ms:
        return _("まだ一度も聞けていません")
    seconds = (wall_ms() - view.seen_ms) / 1000
    return _("{age}前の様子").format(age=span(seconds)) if seconds >= _MINUTE_S else _("いまの様子")


def _alarm(name: str) -> str:
    """Return an alarm in words; one of a later release by its name."""
    if not known_alarm(name):
        return name
    table: dict[str, Any] = words()
    kind, _dot, check = name.partition(".")
    what = str(table["alarm"][kind][language()]["what"])
    return f"{what}（{table['check'][check][language()]['what']}）" if check else what
