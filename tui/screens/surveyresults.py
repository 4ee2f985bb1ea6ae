"""What came out of a questionnaire, as bars; below them who answered what, where that was asked by name."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from appliance.surveys.records import Given, SurveyForm
from appliance.surveys.results import Results, bar_lines
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.wrap import fold

_MARGIN = 10


class SurveyResultsScreen(Dialog[None]):
    """Scrolls; `kurabako export survey` prints it."""

    BINDINGS = [Binding("escape,enter", "dismiss", _("閉じる"))]
    help_text = _("締め切ったアンケートの結果です。記名のときは、だれがどう答えたかも出ます。")
    field_help = {
        "result": _("回答の数の棒。問いごとに並びます。記名のときは、下に一人ずつの回答が出ます。"),
    }

    def __init__(self, form: SurveyForm, results: Results, names: Sequence[tuple[str, tuple[Given, ...]]]) -> None:
        super().__init__()
        self._form, self._results, self._names = form, results, names

    def compose(self) -> ComposeResult:
        """Yield title, bars and names."""
        with Vertical(classes="dialog full"):
            yield Static(fold(self._results.title, 72), classes="dialog-title", markup=False)
            with VerticalScroll(id="result"):
                yield Static("", id="bars", markup=False)
            yield Static(_("↑↓ で送る   印刷と書き出しは kurabako export survey   Esc で閉じる"), classes="hint")

    def on_mount(self) -> None:
        """Draw the bars for this width."""
        width = min(self.app.size.width, 78) - _MARGIN
        drawn = [fold(line, width) for line in bar_lines(self._results, width)]
        self.query_one("#bars", Static).update("\n".join([*drawn, *self._by_name(width)]))
        self.query_one("#result", VerticalScroll).focus()

    def _by_name(self, width: int) -> list[str]:
        lines = ["", _("回答した人（記名）")] if self._names else []
        for name, given in self._names:
            parts = []
            for question, one in zip(self._form.questions, given, strict=True):
                told = one if isinstance(one, str) else "・".join(question.choices[place] for place in one)
                parts.append(told or "—")
            lines.append(fold(f"{name}: {' / '.join(parts)}", width))
        return lines
