"""What is asked before something leaves a screen, and where it went.

Invariant: each returns what was chosen and does nothing itself; a passphrase is in its input lines only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static

from appliance.permits.handing import HandedOut
from appliance.release.agefile import SHORTEST
from crypto.importance import Importance
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.wrap import fold

_WIDTH: Final = 68
_HANDLING: Final = {
    Importance.I: _("特定の教職員だけが扱います。"),
    Importance.II: _("関係する教職員だけが扱います。持ち出しには校長の許可番号が要ります。"),
    Importance.III: _("教職員だけが扱います。"),
    Importance.IV: _("学習者と共有してもかまいません。"),
}


class ReleaseScreen(Dialog["int | None"]):
    """In which form; returns its place in the list."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("書き出すファイルの形を選びます。書き出したことは記録に残ります。")
    field_help = {
        "forms": _("ファイルの形。選んで Enter を押すと、書き出します。例 印刷には PDF、計算には Excel。"),
    }

    def __init__(self, title: str, importance: Importance, words: Sequence[str], folder: Path) -> None:
        super().__init__()
        self._title, self._importance, self._words, self._folder = title, importance, words, folder

    def compose(self) -> ComposeResult:
        """Yield what, its class, the forms and the folder."""
        with Vertical(classes="dialog wide"):
            yield Static(fold(self._title, _WIDTH), markup=False, classes="dialog-title")
            yield Static(class_text(self._importance), markup=False, classes="question")
            yield OptionList(*self._words, id="forms", markup=False)
            yield Static(fold(_("書き出し先 {folder}").format(folder=self._folder), _WIDTH), markup=False)
            yield Static(_("Enter で書き出す   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin at the first form."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the form."""
        self.dismiss(event.option_index)

    def action_cancel(self) -> None:
        """Choose none."""
        self.dismiss(None)


class EncryptScreen(Dialog["str | None"]):
    """The passphrase of a file that leaves only encrypted, typed twice."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("ファイルを暗号化して書き出します。合言葉を忘れると、だれもファイルを開けません。")
    field_help = {
        "first": _(
            "ファイルの合言葉。開く人に伝えるものを、新しく決めます。打った文字は見えません。"
            "例 関係のないことばを四つ並べる。"
        ),
        "again": _("同じ合言葉をもう一度。打ち間違いを防ぎます。打った文字は見えません。Enter で書き出します。"),
    }

    def __init__(self, importance: Importance) -> None:
        super().__init__()
        self._importance = importance

    def compose(self) -> ComposeResult:
        """Yield why, and the two lines."""
        told = _("暗号化しないと書き出せません。開くときの合言葉を決め、相手には別の方法で伝えてください。")
        with Vertical(classes="dialog wide"):
            yield Static(class_text(self._importance), markup=False, classes="dialog-title")
            yield Static(fold(told, _WIDTH), classes="question")
            yield Static(_("ファイルの合言葉（{count}文字以上）").format(count=SHORTEST))
            yield Input(password=True, id="first", max_length=256, compact=True)
            yield Static(_("もう一度"))
            yield Input(password=True, id="again", max_length=256, compact=True)
            yield Static(_("Enter で次へ   Esc でやめる"), id="note", classes="hint")

    def on_mount(self) -> None:
        """Begin with the first line."""
        self.query_one("#first", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on; return the passphrase once both lines say the same."""
        if event.input.id == "first":
            self.focus_next()
            return
        first, again = self.query_one("#first", Input), self.query_one("#again", Input)
        typed, same = first.value, first.value == again.value
        first.value = again.value = ""
        if same and typed:
            self.dismiss(typed)
            return
        self.query_one("#note", Static).update(_("二つが違います。はじめから入れてください。   Esc でやめる"))
        first.focus()

    def action_cancel(self) -> None:
        """Encrypt nothing."""
        self.dismiss(None)


class HandedOutScreen(Dialog[None]):
    """Where a file went and in which class it is; stays until it was read."""

    BINDINGS = [Binding("escape,enter", "dismiss", _("閉じる")), Binding("c", "copy_path", _("場所を写す"))]
    help_text = _("書き出したファイルの場所です。c で場所を写せます。用がすんだら、ファイルを消してください。")

    def __init__(self, handed: HandedOut) -> None:
        super().__init__()
        self._handed = handed

    def compose(self) -> ComposeResult:
        """Yield place, class and what to mind."""
        handed = self._handed
        closed = _("暗号化してあります。決めた合言葉で開きます。") if handed.encrypted else ""
        told = _("用がすんだら、書き出したファイルを消してください。")
        with Vertical(classes="dialog wide"):
            yield Static(_("書き出しました"), classes="dialog-title")
            yield Static(fold(str(handed.path), _WIDTH), id="path", markup=False, classes="question")
            yield Static(class_text(handed.importance), id="graded", markup=False)
            yield Static(fold(closed + told, _WIDTH), classes="todo")
            yield Static(_("c で場所を写す   Enter で閉じる"), classes="hint")

    def action_copy_path(self) -> None:
        """Copy the place to the clipboard of the terminal."""
        self.app.copy_to_clipboard(str(self._handed.path))
        self.notify(_("場所を写しました"))


def class_text(importance: Importance) -> str:
    """Return a class and how it is handled."""
    return f"{_('重要性分類')}{importance.label}  {_HANDLING[importance]}"
