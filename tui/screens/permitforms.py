"""What is asked before something may leave, what the principal answers, and what became of it.

Invariant: each returns what was typed and does nothing itself.
"""

from datetime import date, timedelta
from typing import Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.classification.model import Action
from appliance.permits.desk import HOWS
from appliance.permits.views import PermitView, TakeOutView
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.wrap import fold

_WIDTH: Final = 50
ASKED_FOR: Final = (
    (Action.EXPORT, "document.file", _("文書を持ち出す（次に文書を選ぶ）")),
    (Action.SEND_OUTSIDE, "document.file", _("文書を外部へ送る（次に文書を選ぶ）")),
    (Action.EXPORT, "meeting.item", _("会議録を持ち出す（次に会議を選ぶ）")),
    (Action.EXPORT, "audit.entry", _("監査記録を持ち出す")),
    (Action.EXPORT, "hours.day", _("勤務時間を持ち出す（校務支援システムへ）")),
)
_HOW_WORDS: Final = (_("持ち帰り"), _("廃棄（消した・破棄した）"), _("紛失（なくした）"))
_WEEK: Final = timedelta(days=7)


class Asking(NamedTuple):
    """What was typed for a request; `asked` is the place in `ASKED_FOR`."""

    asked: int
    what: str
    purpose: str
    destination: str
    due: str


class RequestScreen(Dialog["Asking | None"]):
    """What is to be taken out, why, where to, and until when it is back."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("文書などを学校の外へ持ち出す許可を、校長に申請します。")
    field_help = {
        "what": _("持ち出すもの。児童生徒の名前は書きません。例 修学旅行のしおり。Enter で次へ進みます。"),
        "purpose": _("持ち出す目的。例 旅行会社との打ち合わせ。"),
        "destination": _("持ち出す先。例 教育委員会、旅行会社。"),
        "due": _("戻す日。年-月-日 の順に書きます。例 2026-11-30。"),
        "asked": _("申請の種類。選んで Enter を押すと、申請します。文書と会議は、次の画面で選びます。"),
    }
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
            words = (Option(word, id=str(n)) for n, (_action, _kind, word) in enumerate(ASKED_FOR))
            yield OptionList(*words, id="asked", compact=True)
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


class AnswerScreen(Dialog["str | None"]):
    """The principal's answer: the last day, or nothing for a refusal."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "refuse", _("不許可"))]
    help_text = _("校長が、持ち出しの申請に答えます。Enter で許可、F4 で不許可です。")
    field_help = {
        "until": _("許可する最後の日。年-月-日 の順に書きます。例 2026-11-30。Enter で許可します。"),
    }

    def __init__(self, view: PermitView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the request and the line for the day."""
        with Vertical(classes="dialog"):
            yield Static(fold(permit_text(self._view), _WIDTH), markup=False, classes="question")
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


class ReturnScreen(Dialog["tuple[str, str] | None"]):
    """What became of something that left."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("持ち出したものが、いまどうなったかを記録します。")
    field_help = {
        "note": _(
            "どうしたかの説明。紛失のときは必ず書きます。例 職員室の棚に戻した。Enter で下の一覧へ進みます。"
        ),
        "class": _("持ち出したものの行方。持ち帰り・廃棄・紛失から選び、Enter で記録します。"),
    }

    def __init__(self, view: TakeOutView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the thing, a line for a note, and what may have become of it."""
        with Vertical(classes="dialog"):
            yield Static(fold(permit_text(self._view), _WIDTH), markup=False, classes="question")
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


def permit_text(line: TakeOutView | PermitView) -> str:
    """Return a line in full."""
    if isinstance(line, TakeOutView):
        told = [f"{_named(line)}  {line.form}  {line.who} {line.at:%Y-%m-%d %H:%M}"]
        told.append(_("戻す日 {due}").format(due=line.due or "—"))
        return "\n".join([*told, line.back] if line.back else told)
    lines = [
        f"{_named(line)}  {line.who} {line.at:%Y-%m-%d %H:%M}",
        _("目的 {purpose}  持ち出し先 {destination}  戻す日 {due}").format(
            purpose=line.purpose, destination=line.destination, due=line.due
        ),
    ]
    if line.reason:
        lines.append(_("不許可の理由 {reason}").format(reason=line.reason))
    return "\n".join(lines)


def _named(line: TakeOutView | PermitView) -> str:
    title = f"「{line.title}」" if line.title else ""
    return f"{line.what}{title}（{line.importance.label}）"


def parsed_day(text: str) -> date | None:
    """Return the day that was typed; None where it is none."""
    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
