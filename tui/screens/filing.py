"""What is asked before a document is added, classed anew or destroyed, and which version is to be opened.

Invariant: each returns what was typed and does nothing itself; a passphrase is in its input line only.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.documents.desk import DocumentView, VersionView
from crypto.importance import Importance
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.wrap import cut, fold

_WIDTH: Final = 50
_CLASSES: Final = (
    (Importance.I, _("Ⅰ  漏れると生命・財産などに重大な影響")),
    (Importance.II, _("Ⅱ  漏れると学校や個人に重大な影響")),
    (Importance.III, _("Ⅲ  教職員だけが使うもの")),
    (Importance.IV, _("Ⅳ  学習者と共有してよいもの")),
)


class Adding(NamedTuple):
    """What was typed for a new document."""

    path: str
    title: str
    importance: Importance


class Witness(NamedTuple):
    """The second person at a destruction; empty where none is needed."""

    login: str
    passphrase: str


class AddScreen(Dialog["Adding | None"]):
    """A file of this machine, its title and its importance."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("この装置にあるファイルを、封じて保管します。元のファイルは変わりません。")
    field_help = {
        "path": _(
            "ファイルの場所。この装置での場所を書きます。例 /home/office/dayori.pdf。Enter で次へ進みます。"
        ),
        "document-title": _("文書の題名。一覧に出ます。例 11月の学校だより。空なら、ファイル名になります。"),
        "class": _("重要性分類。選んで Enter を押すと、保存します。例 名簿は Ⅱ。迷ったら Ⅱ にします。"),
    }

    def compose(self) -> ComposeResult:
        """Yield the two lines and the classes."""
        with Vertical(classes="dialog wide"):
            yield Static(_("文書を加える"), classes="dialog-title")
            yield Static(_("ファイル（この装置での場所）"))
            yield Input(id="path", max_length=1000, compact=True)
            yield Static(_("題名（空ならファイル名）"))
            yield Input(id="document-title", max_length=200, compact=True)
            yield Static(_("重要性分類"))
            yield OptionList(*(Option(text, id=str(int(importance))) for importance, text in _CLASSES), id="class")
            yield Static(_("Enter で次へ、分類を選んで保存   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the file; importance II until another is chosen."""
        self.query_one("#class", OptionList).highlighted = 1
        self.query_one("#path", Input).focus()

    def on_input_submitted(self) -> None:
        """Go to the next line."""
        self.focus_next()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return what was typed, once there is a file."""
        path = self.query_one("#path", Input).value.strip()
        if not path:
            self.query_one("#path", Input).focus()
            return
        title = self.query_one("#document-title", Input).value
        self.dismiss(Adding(path, title, Importance(int(event.option.id or 0))))

    def action_cancel(self) -> None:
        """Add nothing."""
        self.dismiss(None)


class ClassScreen(Dialog["Importance | None"]):
    """Another importance for a document."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("文書の重要性分類を変えます。変えたことは監査記録に残ります。")
    field_help = {
        "class": _("新しい重要性分類。選んで Enter を押すと、変わります。低くできるのは校長・教頭です。"),
    }

    def __init__(self, view: DocumentView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """Yield the document and the classes."""
        question = _("「{title}」の重要性分類（いまは{label}）").format(
            title=self._view.title, label=self._view.importance.label
        )
        with Vertical(classes="dialog"):
            yield Static(fold(question, _WIDTH), markup=False, classes="dialog-title")
            yield OptionList(*(Option(text, id=str(int(importance))) for importance, text in _CLASSES), id="class")
            note = _(
                "新しい分類の鍵で封じ直します。低くできるのは校長・教頭です。変えたことは監査記録に残ります。"
            )
            yield Static(fold(note, _WIDTH), classes="hint")

    def on_mount(self) -> None:
        """Begin at the class that it has."""
        classes = self.query_one(OptionList)
        classes.highlighted = [importance for importance, _text in _CLASSES].index(self._view.importance)
        classes.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the chosen one."""
        self.dismiss(Importance(int(event.option.id or 0)))

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class VersionsScreen(Dialog["bytes | None"]):
    """The versions of a document; returns what names the chosen one's bytes."""

    BINDINGS = [Binding("escape", "cancel", _("閉じる"))]
    help_text = _("一つの文書の、これまでの版です。開いても、いまの版は変わりません。")
    field_help = {
        "versions": _("版の一覧。左から、日時・分類・人・ファイル名です。Enter で開きます。"),
    }

    def __init__(self, title: str, versions: Sequence[VersionView]) -> None:
        super().__init__()
        self._title, self._versions = title, versions

    def compose(self) -> ComposeResult:
        """Yield one line for each version."""
        with Vertical(classes="dialog wide"):
            yield Static(fold(self._title, 68), markup=False, classes="dialog-title")
            yield OptionList(
                *(Option(cut(_line(version), 68)) for version in self._versions), id="versions", markup=False
            )
            yield Static(_("Enter で開く   Esc で閉じる"), classes="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the chosen one."""
        self.dismiss(self._versions[event.option_index].blob)

    def action_cancel(self) -> None:
        """Open nothing."""
        self.dismiss(None)


class DestroyScreen(Dialog["Witness | None"]):
    """The careful question before a destruction; importance I and II ask for the second person's passphrase."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("文書を廃棄します。元には戻せません。やめるときは Esc を押します。")
    field_help = {
        "witness": _("立ち会う人の利用者名。校長か教頭です。例 tanaka。Enter で次へ進みます。"),
        "witness-passphrase": _("立ち会う人の合言葉。本人に打ってもらいます。打った文字は見えません。"),
        "sure": _(
            "廃棄の確かめ。廃棄すると決めたら、廃棄 と打って Enter を押します。ほかのことばでは、何も起きません。"
        ),
    }

    def __init__(self, view: DocumentView) -> None:
        super().__init__()
        self._view = view
        self._two = view.importance in (Importance.I, Importance.II)

    def compose(self) -> ComposeResult:
        """Yield question and lines."""
        question = _("「{title}」を廃棄します。この装置の封じた中身は、どの版も消えます。")
        question = question.format(title=self._view.title)
        told = _("廃棄したことと題名は記録に残ります。クラウドの封じた写しは教育委員会が消します。")
        with Vertical(classes="dialog"):
            yield Static(fold(question, _WIDTH), markup=False, classes="question")
            yield Static(fold(told, _WIDTH), classes="question")
            if self._two:
                yield Static(_("立ち会う校長・教頭の利用者名"))
                yield Input(id="witness", max_length=64, compact=True)
                yield Static(_("立ち会う人の合言葉"))
                yield Input(password=True, id="witness-passphrase", max_length=256, compact=True)
            yield Static(_("廃棄するときは 廃棄 と入れて Enter"))
            yield Input(id="sure", max_length=8, compact=True)
            yield Static(_("Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the first line."""
        self.query(Input).first().focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on; on the last line, and only with the word, return."""
        if event.input.id != "sure":
            self.focus_next()
            return
        if event.value.strip() != _("廃棄"):
            return
        login = passphrase = ""
        if self._two:
            login = self.query_one("#witness", Input).value.strip()
            line = self.query_one("#witness-passphrase", Input)
            passphrase, line.value = line.value, ""
        self.dismiss(Witness(login, passphrase))

    def action_cancel(self) -> None:
        """Destroy nothing."""
        self.dismiss(None)


def _line(version: VersionView) -> str:
    state = _("（廃棄）") if version.destroyed else ""
    return f"{version.at:%Y-%m-%d %H:%M}  {version.importance.label}  {version.by}  {version.name}{state}"
