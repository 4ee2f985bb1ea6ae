"""Questions: yes or no, and a line or more of text."""

from collections.abc import Awaitable, Callable
from datetime import time

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static, TextArea

from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.typed import read_time
from tui.wrap import fold

_WIDTH = 50


class YesNoScreen(Dialog[bool]):
    """A question that names its object; the focus is on the careful answer."""

    BINDINGS = [Binding("escape", "no", _("やめる"))]
    help_text = _(
        "確かめの問いです。よければ、右のボタンを押します。迷ったら「やめる」を押してください。何も変わりません。"
    )
    field_help = {
        "no": _("「やめる」のボタン。何も変えずに戻ります。"),
        "yes": _("進むボタン。上の問いに書いてあることをします。"),
    }

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Yield question and answers."""
        with Vertical(classes="dialog"):
            yield Static(fold(self._question, _WIDTH), markup=False, classes="question")
            with Horizontal(classes="buttons"):
                yield Button(_("やめる"), id="no")
                yield Button(self._yes, id="yes", variant="primary")

    def on_mount(self) -> None:
        """Focus the careful answer."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def action_no(self) -> None:
        """Answer no."""
        self.dismiss(False)

    def on_key(self, event: events.Key) -> None:
        """Let the arrows move between the two answers."""
        if event.key == "right":
            self.focus_next()
        elif event.key == "left":
            self.focus_previous()


class DetailScreen(Dialog[tuple[str, time | None] | None]):
    """Reason and time of one pupil; returns (reason, time) or None. What is typed stays until it can be kept."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("一人の理由と時刻を書きます。どちらの欄でも Enter で、両方を保存します。")
    field_help = {
        "reason": _("理由（重要性分類Ⅱ）。短く書きます。例 発熱、通院。見られるのは権限のある職員だけです。"),
        "time": _("遅刻か早退の時刻。例 9:40、940。ほかの記入では、空のままにします。"),
    }

    def __init__(self, who: str, reason: str | None, at_time: str, *, readable: bool) -> None:
        super().__init__()
        self._who = who
        self._reason = reason or ""
        self._time = at_time
        self._readable = readable

    def compose(self) -> ComposeResult:
        """Yield the two lines."""
        with Vertical(classes="dialog"):
            yield Static(self._who, markup=False, classes="dialog-title")
            if not self._readable:
                yield Static(_("前の理由を見る権限がありません。新しく書くと置き換わります。"), classes="hint")
            yield Static(_("理由（重要性分類Ⅱ）"))
            yield Input(self._reason, id="reason", max_length=200)
            yield Static(_("時刻（遅刻・早退）例 9:40"))
            yield Input(self._time, id="time", max_length=5)
            yield Static(_("Enter で保存   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the reason."""
        self.query_one("#reason", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep both, or ask again for a time that is none."""
        event.stop()
        line = self.query_one("#time", Input)
        at_time = read_time(line.value)
        if line.value.strip() and at_time is None:
            self.notify(_("時刻は 9:40 のように書いてください"), severity="warning")
            line.focus()
            return
        self.dismiss((self.query_one("#reason", Input).value, at_time))

    def action_cancel(self) -> None:
        """Keep nothing."""
        self.dismiss(None)


class TextScreen(Dialog["str | None"]):
    """A text of several lines; F4 or Ctrl+S keeps it. `told` is what F1 says of it, with an example."""

    BINDINGS = [
        Binding("escape", "cancel", _("やめる")),
        Binding("f4,ctrl+s", "keep", _("保存")),
    ]
    help_text = _("文を書きます。F4 で保存します。Esc でやめると、書いた文は残りません。")

    def __init__(self, title: str, text: str, *, told: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self.field_help = {"text": told}

    def compose(self) -> ComposeResult:
        """Yield title and text."""
        with Vertical(classes="dialog wide"):
            yield Static(self._title, markup=False, classes="dialog-title")
            yield TextArea(self._text, id="text", soft_wrap=True, show_line_numbers=False)
            yield Static(_("F4 で保存   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin to write."""
        self.query_one(TextArea).focus()

    def action_keep(self) -> None:
        """Return the text."""
        self.dismiss(self.query_one(TextArea).text)

    def action_cancel(self) -> None:
        """Keep nothing."""
        self.dismiss(None)


class KeepTextScreen(TextScreen):
    """A text that stays on the screen until it was kept: what a refusal costs is a key, not the text."""

    def __init__(
        self, title: str, text: str, keep: Callable[[str], Awaitable[bool]], hint: str = "", *, told: str
    ) -> None:
        super().__init__(title, text, told=told)
        self._keep = keep
        self._hint = hint
        self._keeping = False

    def compose(self) -> ComposeResult:
        """Yield title, how it is written, and the text."""
        with Vertical(classes="dialog full" if self._hint else "dialog wide"):
            yield Static(fold(self._title, _WIDTH + 20), markup=False, classes="dialog-title")
            if self._hint:
                yield Static(self._hint, markup=False, classes="how")
            yield TextArea(self._text, id="text", soft_wrap=True, show_line_numbers=False)
            yield Static(_("F4 で保存   Esc でやめる"), classes="hint")

    def action_keep(self) -> None:
        """Keep the text, once however often the key is pressed, and go only when it was kept."""
        if not self._keeping:
            self._keeping = True
            self.run_worker(self._try(self.query_one(TextArea).text))

    async def _try(self, text: str) -> None:
        try:
            if await self._keep(text):
                self.dismiss(text)
        finally:
            self._keeping = False
