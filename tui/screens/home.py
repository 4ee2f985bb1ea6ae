"""The first screen: today's classes, the week's meetings, the line."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from appliance.messages import explain_code
from appliance.people import ROLE_NAMES
from appliance.views import ClassView, HomeView, Light, Who
from sync.status import LinkState
from tui.actions import HOME
from tui.i18n import _, day_text
from tui.screens.attendance import AttendanceScreen
from tui.screens.base import OfficeScreen
from tui.screens.meetings import MeetingsScreen
from tui.wrap import fold, plain

_CLASSES_WIDTH = 47
_HELP = _("""左は今日の学級です。「未」はまだ確定していない学級、「済」は確定した学級です。
矢印で選び、Enter で出席簿を開きます。
いちばん下の行は、入力がどこまで届いたかです。
  保存済  この箱に残った記録。停電しても消えません。
  送信済  クラウドから読み返して、届いたと確かめた記録。
  未送信  まだ届いていない記録。線が戻ると自動で送ります。""")


class HomeScreen(OfficeScreen):
    """Today at a glance."""

    actions = HOME
    help_text = _HELP

    def body(self) -> ComposeResult:
        """Yield the title line, classes at the left, line and meetings at the right."""
        yield Static("", id="title", markup=False)
        with Horizontal(id="home"):
            yield DataTable(id="classes", cursor_type="row", zebra_stripes=True)
            with Vertical(id="side"):
                yield Static(_("線"), classes="panel-title")
                yield Static("", id="link", markup=False)
                yield Static(_("会議（7日以内）"), classes="panel-title")
                yield Static("", id="week", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        table.add_column(_("学級"), width=20, key="title")
        table.add_column(_("人数"), width=4, key="pupils")
        table.add_column(_("例外"), width=4, key="marks")
        table.add_column(_("状態"), width=7, key="state")
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the day."""
        home = await self.ask(lambda office: office.home())
        who = self.office_app.who
        if home is None or who is None:
            return
        self.query_one("#title", Static).update(f"{home.school_name}  {day_text(home.today)}  {who_text(who)}")
        self._fill(home)
        self.query_one("#week", Static).update(fold(week_text(home), self._side_width))

    def show_light(self, light: Light) -> None:
        """Show it at the bottom and, in more words, at the side."""
        super().show_light(light)
        self.query_one("#link", Static).update(fold(link_text(light), self._side_width))

    @property
    def _side_width(self) -> int:
        return self.app.size.width - _CLASSES_WIDTH - 3  # before the first layout nothing has a size yet

    def _fill(self, home: HomeView) -> None:
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for view in home.classes:
            counts = (f"{view.pupils:>4}", f"{view.exceptions or '':>4}")
            table.add_row(plain(view.title), *counts, state(view), key=view.class_id)
        table.move_cursor(row=min(place, max(0, len(home.classes) - 1)))
        left = sum(not view.confirmed for view in home.classes)
        if not home.school_day:
            table.border_title = Content(_("休業日: {reason}").format(reason=home.closed_reason))
        elif left:
            table.border_title = _("未確定 {count}学級").format(count=left)
        else:
            table.border_title = _("すべて確定しました")

    async def on_resize(self) -> None:
        """Fold the texts anew."""
        await self.refresh_data()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the class."""
        office = self.office_app.door.office
        if event.row_key.value is not None and office is not None:
            self.app.push_screen(AttendanceScreen(event.row_key.value, office.today()))

    def action_meetings(self) -> None:
        """Open the list of meetings."""
        self.app.push_screen(MeetingsScreen())

    def action_open(self) -> None:
        """Open the class under the cursor."""
        self.query_one(DataTable).action_select_cursor()


def who_text(who: Who) -> str:
    """Return role and name."""
    roles = "・".join(ROLE_NAMES.get(role, role) for role in who.roles)
    return f"{roles} {who.display_name}"


def state(view: ClassView) -> str:
    """Return 済 or 未 with a glyph."""
    return f"✓ {_('済')}" if view.confirmed else f"・ {_('未')}"


def link_text(light: Light) -> str:
    """Return the line's state in a few short lines."""
    words = {
        LinkState.ONLINE: _("● つながっています"),
        LinkState.DEGRADED: _("◐ 不安定です"),
        LinkState.OFFLINE: _("○ 切れています"),
        LinkState.UNKNOWN: _("? 分かりません"),
    }
    since = f" {light.since:%H:%M}" + _("から") if light.since and light.link is LinkState.OFFLINE else ""
    lines = [words[light.link] + since, f"{_('保存済')} {light.saved:,}"]
    if light.link is LinkState.UNKNOWN:
        lines.append(_("送信の係が動いていません"))
    else:
        lines.append(f"{_('送信済')} {light.sent:,}  " + _("未送信 {count}件").format(count=f"{light.waiting:,}"))
    checked = f"{light.verified_at:%m/%d %H:%M}" if light.verified_at else _("まだ")
    lines.append(f"{_('復元の検証')} {checked}")
    if light.warning:
        lines.append("⚠ " + explain_code(light.warning).sentence)
    return "\n".join(lines)


def week_text(home: HomeView) -> str:
    """Return the meetings of the coming days."""
    if not home.meetings:
        return _("ありません")
    return "\n".join(
        f"{m.starts:%m/%d %H:%M} {m.title}\n  {m.place} "
        + _("議題{items} 決定{decided}").format(items=m.items, decided=m.decided)
        for m in home.meetings
    )
