"""The first screen: today's classes, the week's meetings, the line."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from appliance.conflictwords import word
from appliance.messages import explain_code
from appliance.people import ROLE_NAMES
from appliance.views import ClassView, HomeView, Light, Who
from sync.status import LinkState
from tui.actions import HOME
from tui.i18n import _, day_text
from tui.screens.attendance import AttendanceScreen
from tui.screens.attention import AttentionScreen
from tui.screens.audit import AuditScreen
from tui.screens.base import OfficeScreen
from tui.screens.closures import ClosuresScreen
from tui.screens.conflicts import ConflictsScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.emergency import EmergencyScreen
from tui.screens.exchange import ExchangeScreen
from tui.screens.hours import HoursScreen
from tui.screens.inbox import InboxScreen
from tui.screens.ledger import LedgerScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.noticeboard import NoticeboardScreen
from tui.screens.permits import PermitsScreen
from tui.screens.phone import PhoneScreen
from tui.screens.quarantine import QuarantineScreen
from tui.screens.surveys import SurveysScreen
from tui.widgets.lightbar import confirmed, sent
from tui.widgets.told import tell
from tui.wrap import fold, plain

_CLASSES_WIDTH = 47
_CONFLICTS = "!conflicts"
_HELD = "!quarantine"
_PERMITS = "!permits"
_DEVICES = "!devices"
_INBOX = "!inbox"
_NOTICES = "!notices"
_EXCHANGE = "!exchange"
_HELP = _("""左は今日の学級です。「未」はまだ確定していない学級、「済」は確定した学級です。
矢印で選び、Enter で出席簿を開きます。
「競合」は二人が別々に書いた記録です。その行で Enter を押すと、どちらを残すか決められます。
いちばん下の行は、入力がどこまで届いたかです。
  保存済  この箱に残った記録。停電しても消えません。
  送信済  クラウドから読み返して、届いたと確かめた記録。「待ち」は線が戻ると自動で送ります。
  確認済  教育委員会の側が受け取り、署名を確かめて、そう書き返した記録。""")


class HomeScreen(OfficeScreen):
    """Today at a glance."""

    actions = HOME
    help_text = _HELP
    field_help = {
        "classes": _(
            "今日の学級と知らせの一覧。学級を選んで Enter を押すと、出席簿を開きます。"
            "知らせの行では、その画面を開きます。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._home: HomeView | None = None
        self._waiting = (0, 0, 0, 0)

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
        tell(self.query_one("#title", Static), f"{home.school_name}  {day_text(home.today)}  {who_text(who)}")
        self._home = home
        self._waiting = _waiting(home.light)
        self._fill(home)
        tell(self.query_one("#week", Static), fold(week_text(home), self._side_width))

    def show_light(self, light: Light) -> None:
        """Show it at the bottom and, in more words, at the side."""
        super().show_light(light)
        tell(self.query_one("#link", Static), fold(link_text(light), self._side_width))
        waiting = _waiting(light)
        if self._home is not None and waiting != self._waiting:
            self._waiting = waiting
            self._fill(self._home)

    @property
    def _side_width(self) -> int:
        return self.app.size.width - _CLASSES_WIDTH - 3  # before the first layout nothing has a size yet

    def _fill(self, home: HomeView) -> None:
        table = self.query_one(DataTable)
        place, key = table.cursor_row, self._key
        table.clear()
        for name, text in self._attention():
            table.add_row(plain(text), "", "", "⚠ Enter", key=name)
        for view in home.classes:
            counts = (f"{view.pupils:>4}", f"{view.exceptions or '':>4}")
            table.add_row(plain(view.title), *counts, state(view), key=view.class_id)
        if key is None:
            place = len(self._attention())  # begins at the first class; what waits stands above it
        elif key in table.rows:
            place = table.get_row_index(key)
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        left = sum(not view.confirmed for view in home.classes)
        if not home.school_day:
            table.border_title = Content(_("休業日: {reason}").format(reason=home.closed_reason))
        elif not home.classes:
            table.border_title = _("名簿がまだ届いていません")
        elif left:
            table.border_title = _("未確定 {count}学級").format(count=left)
        else:
            table.border_title = _("すべて確定しました")

    @property
    def _key(self) -> str | None:
        """Return the key of the row under the cursor."""
        table = self.query_one(DataTable)
        if not table.row_count:
            return None
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value

    def _attention(self) -> list[tuple[str, str]]:
        """Return the lines that wait for somebody, with the keys of their rows."""
        conflicts, held, devices, left = self._waiting
        lines = [(_CONFLICTS, _("競合 {count}件").format(count=conflicts))] if conflicts else []
        if held:
            lines.append((_HELD, _("要確認（隔離） {count}件").format(count=held)))
        if left:
            lines.append((_INBOX, _("受け箱に残る {count}件").format(count=left)))
        if devices:
            lines.append((_DEVICES, _("USBを止めた {count}件").format(count=devices)))
        if self._home is not None and self._home.notices:
            lines.append((_NOTICES, _("掲示板に未反映 {count}件").format(count=self._home.notices)))
        if self._home is not None and self._home.exchange:
            lines.append((_EXCHANGE, _("校務連携 待ち {count}件").format(count=self._home.exchange)))
        who, permits = self.office_app.who, self._home.permits if self._home else None
        if permits is not None and permits.overdue:
            lines.append((_PERMITS, _("期限切れの持出 {count}件").format(count=permits.overdue)))
        elif permits is not None and permits.waiting and who is not None and "principal" in who.roles:
            lines.append((_PERMITS, _("許可待ち {count}件").format(count=permits.waiting)))
        return lines

    async def on_resize(self) -> None:
        """Fold the texts anew."""
        if not self.fits():
            await self.refresh_data()

    async def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the class, or what waits for somebody."""
        office = self.office_app.door.office
        if event.row_key.value == _CONFLICTS:
            self.action_conflicts()
        elif event.row_key.value == _PERMITS:
            self.action_permits()
        elif event.row_key.value == _HELD:
            self.action_quarantine()
        elif event.row_key.value == _INBOX:
            self.action_dropped()
        elif event.row_key.value == _NOTICES:
            self.action_noticeboard()
        elif event.row_key.value == _EXCHANGE:
            self.action_exchange()
        elif event.row_key.value == _DEVICES:
            await self._look_at_devices()
        elif event.row_key.value is not None and office is not None:
            self.app.push_screen(AttendanceScreen(event.row_key.value, office.today()))

    async def _look_at_devices(self) -> None:
        """Show the audit record of them to a manager, and keep that one looked."""
        who = self.office_app.who
        if who is None or not {"principal", "vice_principal"} & {*who.roles}:
            self.notify(_("校長か教頭がこの行を開いて確かめると、消えます。"))
        elif await self.ask(lambda office: office.devices.seen()) is not None:
            self.app.push_screen(AuditScreen(word("kind.device.refused")))

    def action_meetings(self) -> None:
        """Open the list of meetings."""
        self.app.push_screen(MeetingsScreen())

    def action_conflicts(self) -> None:
        """Open the list of conflicts."""
        self.app.push_screen(ConflictsScreen())

    def action_quarantine(self) -> None:
        """Open the list of what is held back."""
        self.app.push_screen(QuarantineScreen())

    def action_cards(self) -> None:
        """Open the emergency cards."""
        self.app.push_screen(EmergencyScreen())

    def action_audit(self) -> None:
        """Open the audit record."""
        self.app.push_screen(AuditScreen())

    def action_ledger(self) -> None:
        """Open the asset ledger."""
        self.app.push_screen(LedgerScreen())

    def action_permits(self) -> None:
        """Open the permits."""
        self.app.push_screen(PermitsScreen())

    def action_notice(self) -> None:
        """Open long absences and what is not confirmed."""
        self.app.push_screen(AttentionScreen())

    def action_closures(self) -> None:
        """Open the closures, at the class under the cursor."""
        self.app.push_screen(ClosuresScreen(self._key or ""))

    def action_noticeboard(self) -> None:
        """Open the noticeboard."""
        self.app.push_screen(NoticeboardScreen())

    def action_exchange(self) -> None:
        """Open the exchange with the school system."""
        self.app.push_screen(ExchangeScreen())

    def action_surveys(self) -> None:
        """Open the questionnaires."""
        self.app.push_screen(SurveysScreen())

    def action_work(self) -> None:
        """Open one's own working hours."""
        office = self.office_app.door.office
        if office is not None:
            self.app.push_screen(HoursScreen(office.today()))

    def action_phone(self) -> None:
        """Take absences told by telephone."""
        office = self.office_app.door.office
        if office is not None:
            self.app.push_screen(PhoneScreen(office.today()))

    def action_dropped(self) -> None:
        """Open what is left in the drop folder."""
        self.app.push_screen(InboxScreen())

    def action_files(self) -> None:
        """Open the documents."""
        self.app.push_screen(DocumentsScreen())

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self.query_one(DataTable).action_select_cursor()


def _waiting(light: Light) -> tuple[int, int, int, int]:
    """Return the counts of what waits for somebody."""
    return light.conflicts, light.quarantined, light.devices.count if light.devices else 0, light.inbox


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
    if light.superseded:
        lines.insert(0, _("⚠ 交代済: 読み取り専用"))
    if light.link is LinkState.UNKNOWN:
        lines.append(_("送信の係が動いていません"))
    else:
        lines += [sent(light), confirmed(light)]
    checked = f"{light.verified_at:%m/%d %H:%M}" if light.verified_at else _("まだ")
    lines.append(f"{_('復元の検証')} {checked}")
    if light.devices:
        told = _("⚠ USB機器の接続を止めました {count}件（最後 {last}）")
        lines.append(told.format(count=light.devices.count, last=f"{light.devices.last:%m/%d %H:%M}"))
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
