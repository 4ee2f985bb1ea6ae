"""持ち出し: asking the principal for a permit, answering, and writing down that something came back."""

from datetime import date
from typing import Final

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.office import Office
from appliance.permits.views import PermitState, PermitView, TakeOutView
from appliance.views import Saved
from crypto.importance import Importance
from tui.actions import PERMITS
from tui.i18n import _
from tui.screens.ask import TextScreen
from tui.screens.base import OfficeScreen
from tui.screens.choosing import document_choice, meeting_choice
from tui.screens.permitforms import (
    ASKED_FOR,
    AnswerScreen,
    Asking,
    RequestScreen,
    ReturnScreen,
    parsed_day,
    permit_text,
)
from tui.wrap import fold, plain

_HELP: Final = _("""上が持ち出しているもの、その下が許可の申請です。⚠ は戻す日を過ぎたものです。
n で校長に許可を申請します。許可は、選んだ一つの文書や会議だけのものです。
校長は「許可待ち」の行で Enter を押し、許可または不許可にします。
戻したもの・消したもの・なくしたものは、その行で r を押して記録します。
書き出しは、文書・月別・会議・勤務・台帳・監査記録の画面の F7 で行い、許可番号は自動で付きます。""")


class PermitsScreen(OfficeScreen):
    """What is out and what was asked for, and one line in full below."""

    actions = PERMITS
    help_text = _HELP
    field_help = {
        "permits": _(
            "持ち出しと、許可の申請の一覧。⚠ は戻す日を過ぎたものです。"
            "校長は「許可待ち」の行で Enter を押して答えます。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[TakeOutView | PermitView] | None = None  # until it was read

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("持ち出し"), id="title", markup=False)
        yield DataTable(id="permits", cursor_type="row", zebra_stripes=True)
        yield Static("", id="permit", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        for label, width in ((_("状態"), 10), (_("番号"), 11), (_("何を"), 26), (_("だれが"), 12), (_("期限"), 6)):
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read both lists: what is out, what was asked for, what came back."""
        seen = await self.ask(lambda office: (office.permits.takeouts(), office.permits.all()))
        if seen is None:
            return
        taken, asked = seen
        lines: list[TakeOutView | PermitView] = [v for v in taken if not v.back]
        lines += [*asked, *(v for v in taken if v.back)]
        if lines == self._lines:
            return
        self._lines = lines
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for line in lines:
            what = line.what if isinstance(line, PermitView) else line.title or line.what
            cells = (_state(line), line.number, f"{line.importance.label} {what}", line.who, _day(line.due))
            table.add_row(*(plain(cell) for cell in cells))
        table.move_cursor(row=max(0, place))
        title = _("持ち出し  持ち出し中 {out}件  許可待ち {waiting}件")
        out, waiting = sum(not v.back for v in taken), sum(v.state is PermitState.WAITING for v in asked)
        self.query_one("#title", Static).update(title.format(out=out, waiting=waiting))
        self._show()

    def on_data_table_row_highlighted(self) -> None:
        """Show the line under the cursor in full."""
        self._show()

    def on_data_table_row_selected(self) -> None:
        """Answer what waits."""
        line = self._current
        if not isinstance(line, PermitView) or line.state is not PermitState.WAITING:
            return
        request = line.request_id

        async def answer(until: str | None) -> None:
            if until == "":
                told = _(
                    "許可しない理由。必ず書きます。申請した人が読みます。例 名簿は要りません。F4 で決まります。"
                )
                self.app.push_screen(TextScreen(_("不許可にする理由"), "", told=told), refuse)
            elif until is not None:
                day = parsed_day(until)
                number = await self.ask(lambda office: office.permits.grant(request, day or date.min))
                if number is not None:
                    self.notify(_("許可番号 {number}").format(number=number))
                await self.reload()

        async def refuse(reason: str | None) -> None:
            if reason is not None:
                await self.ask(lambda office: office.permits.refuse(request, reason))
                await self.reload()

        self.app.push_screen(AnswerScreen(line), answer)

    def action_open(self) -> None:
        """Answer the request under the cursor."""
        self.query_one(DataTable).action_select_cursor()

    def action_add_permit(self) -> None:
        """Ask the principal for a permit."""

        door = self.office_app.door

        async def ask_for(told: Asking | None) -> None:
            if told is None:
                return
            kind = ASKED_FOR[told.asked][1]

            async def chosen(subject: str | None) -> None:
                if subject is not None:
                    await self.ask(lambda office: _request(office, told, subject))
                    await self.reload()

            if kind == "document.file":
                self.app.push_screen(document_choice(door, _("どの文書ですか")), chosen)
            elif kind == "meeting.item":
                self.app.push_screen(meeting_choice(door, _("どの会議ですか")), chosen)
            else:
                await chosen("")

        if door.office is not None:
            self.app.push_screen(RequestScreen(door.office.today()), ask_for)

    def action_returned(self) -> None:
        """Write down what became of what is under the cursor."""
        line = self._current
        if not isinstance(line, TakeOutView) or line.back:
            return
        takeout = line.takeout_id

        async def note(told: tuple[str, str] | None) -> None:
            if told is not None:
                await self.ask(lambda office: office.permits.returned(takeout, *told))
                await self.reload()

        self.app.push_screen(ReturnScreen(line), note)

    @property
    def _current(self) -> TakeOutView | PermitView | None:
        place, lines = self.query_one(DataTable).cursor_row, self._lines or []
        return lines[place] if 0 <= place < len(lines) else None

    def _show(self) -> None:
        line = self._current
        text = permit_text(line) if line else _("まだありません。n で校長に許可を申請します。")
        self.query_one("#permit", Static).update(fold(text, self.app.size.width - 4))


def _request(office: Office, told: Asking, subject: str) -> Saved:
    """Ask for what was chosen, in the importance and the class that it has."""
    action, kind, _word = ASKED_FOR[told.asked]
    importance, group = Importance.II, ""
    if kind == "document.file":
        facts = office.documents.facts(subject)
        importance, group = facts.importance, facts.group
    elif kind == "meeting.item":
        importance = office.meetings.importance(subject)
    texts, due = (told.what, told.purpose, told.destination), parsed_day(told.due) or date.min
    return office.permits.request(action, kind, importance, *texts, due, group, subject)


def _state(line: TakeOutView | PermitView) -> str:
    if isinstance(line, PermitView):
        return {
            PermitState.WAITING: _("・許可待ち"),
            PermitState.GRANTED: _("✓ 許可"),
            PermitState.REFUSED: _("× 不許可"),
            PermitState.OVER: _("− 期限切れ"),
        }[line.state]
    if line.back:
        return _("済")
    return _("⚠ 期限切れ") if line.overdue else _("→ 持出中")


def _day(on: date | None) -> str:
    return f"{on:%m/%d}" if on else ""
