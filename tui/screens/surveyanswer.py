"""Answering a questionnaire: its questions one below the other."""

from collections.abc import Awaitable, Callable

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from appliance.surveys.records import MOST_TEXT, Given, SurveyForm, SurveyQuestion
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.widgets.choices import Choices
from tui.wrap import fold

_WIDTH = 70


class SurveyAnswerForm(Dialog[bool]):
    """Stays until the answers were kept; what a refusal costs is a key, not the answers."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "keep", _("送る"))]
    help_text = _("アンケートに答えます。答えない問いがあってもかまいません。F4 で送ります。")
    field_help = {
        "one": _("一つだけ選ぶ問い。Enter で選ぶと ◉ が付き、次の問いに進みます。"),
        "many": _("いくつでも選べる問い。Enter で選ぶと ☑ が付き、もう一度押すと消えます。"),
        "free": _("文で答える問い。例 もう少し早く始めてほしい。Enter で次の問いに進みます。"),
    }

    def __init__(self, form: SurveyForm, keep: Callable[[tuple[Given, ...]], Awaitable[bool]]) -> None:
        super().__init__()
        self._form, self._keep = form, keep
        self._keeping = False

    def compose(self) -> ComposeResult:
        """Yield every question with its choices."""
        form = self._form
        told = (
            _("記名: あなたの名前で残り、校長・教頭・事務職員が見ます。")
            if form.named
            else _("無記名: 名前も時刻も付けず、ほかの人の回答と混ぜて残します。あとから直せません。")
        )
        with Vertical(classes="dialog full"):
            yield Static(fold(form.title, _WIDTH), markup=False, classes="dialog-title")
            yield Static(fold(told, _WIDTH), markup=False, classes="how")
            with VerticalScroll(id="questions", can_focus=False):
                for place, question in enumerate(form.questions):
                    told = fold(f"{place + 1}. {question.text}{_more(question)}", _WIDTH)
                    yield Static(told, markup=False, classes="asked", id=f"asked-{place}")
                    yield self._field(place, question)
            yield Static("", id="wrong", markup=False)
            yield Static(_("↑↓ で選び Enter で決める   Tab で次の問い   F4 で送る   Esc でやめる"), classes="hint")

    @staticmethod
    def _field(place: int, question: SurveyQuestion) -> Choices | Input:
        own = f"answer-{place}"
        if question.way == "text":
            return Input(id=own, classes="free", max_length=MOST_TEXT)
        choices = Choices(question.choices, _WIDTH, several=question.way == "many", own=own)
        choices.add_class(question.way)
        return choices

    def on_mount(self) -> None:
        """Begin with the first question."""
        self.query_one("#answer-0").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next question."""
        event.stop()
        self.focus_next()

    def on_choices_decided(self, event: Choices.Decided) -> None:
        """Go to the next question, from the last one nowhere."""
        if event.choices.id != f"answer-{len(self._form.questions) - 1}":
            self.focus_next()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """See that the question stands above its choices, to which the focus alone would scroll."""
        asked = self.query_one(f"#asked-{(event.widget.id or '').removeprefix('answer-')}")
        questions = self.query_one("#questions", VerticalScroll)
        self.call_after_refresh(lambda: questions.scroll_to(y=asked.virtual_region.y, animate=False))

    def given(self) -> tuple[Given, ...]:
        """Return what was answered so far."""
        return tuple(self._given(place, question) for place, question in enumerate(self._form.questions))

    def _given(self, place: int, question: SurveyQuestion) -> Given:
        field = self.query_one(f"#answer-{place}")
        if isinstance(field, Choices):
            return field.chosen
        assert isinstance(field, Input)  # noqa: S101 - there is no other way to answer
        return field.value

    def action_keep(self) -> None:
        """Keep the answers, once however often the key is pressed."""
        if not any(self.given()):
            self.query_one("#wrong", Static).update(_("まだ何も答えていません。"))
        elif not self._keeping:
            self._keeping = True
            self.run_worker(self._try(self.given()))

    async def _try(self, given: tuple[Given, ...]) -> None:
        try:
            if await self._keep(given):
                self.dismiss(True)
        finally:
            self._keeping = False

    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(False)


def _more(question: SurveyQuestion) -> str:
    """Return how many may be chosen, in words."""
    return _("（いくつでも）") if question.way == "many" else ""
