"""Why a day is corrected that the class has confirmed: one digit, as the seal beside a crossed-out entry."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from appliance.attendance.reasons import ToldReason
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.typed import half_width
from tui.wrap import fold

_WIDTH = 50
_OWN = 9


class CorrectionScreen(Dialog["str | None"]):
    """Returns the reason as it is kept, or None."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("確定した日を直す理由を残します。理由がないと、直せません。")
    field_help = {
        "corrections": _(
            "訂正の理由の一覧。数字を押すか、選んで Enter を押します。9 では自分のことばで書けます。"
        ),
        "why": _("訂正の理由。病気や家庭のことは書きません。例 学級を見間違えた。Enter で決めます。"),
    }

    def __init__(self, what: str, reasons: Sequence[ToldReason]) -> None:
        super().__init__()
        self._what, self._reasons = what, tuple(reasons)[: _OWN - 1]

    def compose(self) -> ComposeResult:
        """Yield what is corrected, the reasons, and a line for another one."""
        options = [f"{place}  {reason.name}" for place, reason in enumerate(self._reasons, 1)]
        with Vertical(classes="dialog"):
            yield Static(_("訂正の理由"), classes="dialog-title")
            yield Static(fold(self._what, _WIDTH), markup=False, classes="question")
            yield OptionList(*options, f"{_OWN}  {_('ほかの理由を書く')}", id="corrections", markup=False)
            yield Input(id="why", max_length=60, placeholder=_("病気や家庭のことは書かない"))
            yield Static(_("数字か Enter で選ぶ   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin at the first reason."""
        self.query_one("#why").display = False
        self.query_one(OptionList).focus()

    def on_key(self, event: events.Key) -> None:
        """Take a digit."""
        digit = half_width(event.character or "")
        if not digit.isdecimal() or self.query_one("#why").display:
            return
        event.stop()
        self._choose(int(digit))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take what is under the cursor."""
        self._choose(event.option_index + 1 if event.option_index < len(self._reasons) else _OWN)

    def _choose(self, digit: int) -> None:
        if digit == _OWN:
            self.query_one("#why").display = True
            self.query_one("#why", Input).focus()
        elif 1 <= digit <= len(self._reasons):
            self.dismiss(self._reasons[digit - 1].text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return what was written."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        """Correct nothing."""
        self.dismiss(None)
