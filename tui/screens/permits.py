"""持ち出し: asking the principal for a permit, answering, and writing down that something came back."""

from datetime import date, timedelta
from typing import Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.classification.model import Action
from appliance.permits.desk import HOWS, PermitState, PermitView, TakeOutView
from crypto.importance import Importance
from tui.actions import PERMITS
from tui.i18n import _
from tui.screens.ask import TextScreen
from tui.screens.base import OfficeScreen
from tui.wrap import fold, plain

_WIDTH: Final = 50
_HELP = _("""上が持ち出しているもの、その下が許可の申請です。⚠ は戻す日を過ぎたものです。
n で校長に許可を申請します。校長は「許可待ち」の行で Enter を押し、許可または不許可にします。
戻したもの・消したもの・なくしたものは、その行で r を押して記録します。
書き出しは kurabako export で行い、許可番号は自動で付きます。""")
_ASSETS: Final = (
    ("document.file", Importance.II, _("文書（Ⅱ）")),
    ("audit.entry", Importance.II, _("監査記録（Ⅱ）")),
    ("document.file", Importance.III, _("文書（Ⅲ・外部へ送る）")),
)
_HOW_WORDS: Final = (_("持ち帰り"), _("廃棄（消した・破棄した）"), _("紛失（なくした）"))
_WEEK: Final = timedelta(days=7)


class Asking(NamedTuple):
    """What was typed for a request."""

    asset: int
    what: str
    purpose: str
    destination: str
    due: str


class PermitsScreen(OfficeScreen):
    """What is out and what was asked for, and one line in full below."""

    actions = PERMITS
    help_text = _HELP

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[TakeOutView | PermitView] = []

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
            cells = (_state(line), line.number, f"{line.importance.label} {line.what}", line.who, _day(line.due))
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
                self.app.push_screen(TextScreen(_("不許可にする理由"), ""), refuse)
            elif until is not None:
                day = _parsed(until)
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

        async def ask_for(told: Asking | None) -> None:
            if told is not None:
                kind, importance, _word = _ASSETS[told.asset]
                action = Action.EXPORT if importance is Importance.II else Action.SEND_OUTSIDE
                texts = (told.what, told.purpose, told.destination)
                due = _parsed(told.due) or date.min
                await self.ask(lambda office: office.permits.request(action, kind, importance, *texts, due))
                await self.reload()

        office = self.office_app.door.office
        if office is not None:
            self.app.push_screen(RequestScreen(office.today()), ask_for)

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
        place = self.query_one(DataTable).cursor_row
        return self._lines[place] if 0 <= place < len(self._lines) else None

    def _show(self) -> None:
        line = self._current
        text = _text(line) if line else _("ありません")
        self.query_one("#permit", Static).update(fold(text, self.app.size.width - 4))


class RequestScreen(ModalScreen["Asking | None"]):
    """What is to be taken out, why, where to, and until when it is back."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    _LINES = ("what", "purpose", "destination", "due")

    def __init__(self, today: date) -> None:
        super().__init__()
        self._today = today

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        with Vertical(classes="dialog wide"):
            yield Static(_("校長に持ち出しの許可を申請する"), classes="dialog-title")
            yield Static(_("何を（児童生徒の名前は書かない）"))
            yield Input(id="what", max_length=100, compact=True)
            yield Static(_("目的"))
            yield Input(id="purpose", max_length=200, compact=True)
            yield Static(_("持ち出し先"))
            yield Input(id="destination", max_length=100, compact=True)
            yield Static(_("戻す日 例 2026-11-30"))
            yield Input(f"{self._today + _WEEK}", id="due", max_length=10, compact=True)
            yield OptionList(*(Option(word, id=str(n)) for n, (_k, _i, word) in enumerate(_ASSETS)), id="class")
            yield Static(_("Enter で次へ、種類を選んで申請   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with what."""
        self.query_one("#what", Input).focus()

    def on_input_submitted(self) -> None:
        """Go to the next line."""
        self.focus_next()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return what was typed."""
        texts = [self.query_one(f"#{name}", Input).value for name in self._LINES]
        self.dismiss(Asking(event.option_index, *texts))

    def action_cancel(self) -> None:
        """Ask for nothing."""
        self.dismiss(None)


class AnswerScreen(ModalScreen["str | None"]):
    """The principal's answer: the last day, or nothing for a refusal."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "refuse", _("不許可"))]

    def __init__(self, view: PermitView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the request and the line for the day."""
        with Vertical(classes="dialog"):
            yield Static(fold(_text(self._view), _WIDTH), markup=False, classes="question")
            yield Static(_("許可する最後の日"))
            yield Input(f"{self._view.due}", id="until", max_length=10, compact=True)
            yield Static(_("Enter で許可   F4 で不許可   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the day."""
        self.query_one("#until", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the day."""
        self.dismiss(event.value.strip() or "?")

    def action_refuse(self) -> None:
        """Return a refusal."""
        self.dismiss("")

    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(None)


class ReturnScreen(ModalScreen["tuple[str, str] | None"]):
    """What became of something that left."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]

    def __init__(self, view: TakeOutView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the thing, a line for a note, and what may have become of it."""
        with Vertical(classes="dialog"):
            yield Static(fold(_text(self._view), _WIDTH), markup=False, classes="question")
            yield Static(_("どうしたか（紛失のときは必ず）"))
            yield Input(id="note", max_length=200, compact=True)
            yield OptionList(
                *(Option(word, id=how) for how, word in zip(HOWS, _HOW_WORDS, strict=True)), id="class"
            )
            yield Static(_("選んで Enter   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with what became of it."""
        self.query_one(OptionList).focus()

    def on_input_submitted(self) -> None:
        """Go to the list."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return both."""
        self.dismiss((event.option.id or "", self.query_one("#note", Input).value))

    def action_cancel(self) -> None:
        """Write nothing down."""
        self.dismiss(None)


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


def _text(line: TakeOutView | PermitView) -> str:
    if isinstance(line, TakeOutView):
        told = [f"{line.what}（{line.importance.label}）  {line.form}  {line.who} {line.at:%Y-%m-%d %H:%M}"]
        told.append(_("戻す日 {due}").format(due=line.due or "—"))
        return "\n".join([*told, line.back] if line.back else told)
    lines = [
        f"{line.what}（{line.importance.label}）  {line.who} {line.at:%Y-%m-%d %H:%M}",
        _("目的 {purpose}  持ち出し先 {destination}  戻す日 {due}").format(
            purpose=line.purpose, destination=line.destination, due=line.due
        ),
    ]
    if line.reason:
        lines.append(_("不許可の理由 {reason}").format(reason=line.reason))
    return "\n".join(lines)


def _day(on: date | None) -> str:
    return f"{on:%m/%d}" if on else ""


def _parsed(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
