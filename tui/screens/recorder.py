"""打刻取込: the time recorder's file, looked at before anything of it is kept.

Invariant: what is kept is the plan that was shown; a file is read, never moved or changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from appliance.hours.importing import ClockPlan
from appliance.hours.importwords import plan_lines
from appliance.messages import language
from appliance.office import Office
from tui.actions import RECORDER
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.screens.choosing import document_choice
from tui.screens.dialog import Dialog
from tui.wrap import fold

_HELP = _("""打刻機（タイムレコーダー）のファイルを取り込みます。調べただけでは何も保存されません。
d: 受け箱に入れて封じたファイルを、文書から選びます。n: この装置にあるファイルの場所を書きます。
ファイルの中身を写して、この画面に貼り付けてもかまいません。
新しい行、取込済の行、取り込まない行とそのわけが出ます。F4 で新しい行を取り込みます。同じファイルをもう一度
取り込んでも、二重にはなりません。持ち主のわからないカードは、勤務表（s）にカード番号を書きます。""")


class FilePaths(NamedTuple):
    """What was typed."""

    file: Path
    cards: Path | None


class FileForm(Dialog["FilePaths | None"]):
    """Where the file is, and the list of cards if there is one."""

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _("打刻機のファイルがどこにあるかを書きます。調べるだけで、まだ何も保存されません。")
    field_help = {
        "file": _("打刻機のファイルの場所。例 /home/office/punch.csv。Enter で次へ進みます。"),
        "cards": _("カード番号と氏名の表（CSV）の場所。勤務表に番号が書いてあれば、空のまま Enter を押します。"),
    }

    def compose(self) -> ComposeResult:
        """Yield the two lines."""
        with Vertical(classes="dialog wide"):
            yield Static(_("打刻機のファイル（この装置での場所）"), classes="dialog-title")
            yield Input(id="file", max_length=1000, compact=True)
            yield Static(_("カード番号と氏名の CSV（勤務表に書いてあれば空）"))
            yield Input(id="cards", max_length=1000, compact=True)
            yield Static(_("Enter で次へ   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the file."""
        self.query_one("#file", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on; on the last line return both."""
        file, cards = (self.query_one(f"#{name}", Input).value.strip() for name in ("file", "cards"))
        if event.input.id == "file" or not file:
            self.focus_next()
        else:
            self.dismiss(FilePaths(Path(file), Path(cards) if cards else None))

    def action_cancel(self) -> None:
        """Take none."""
        self.dismiss(None)


class RecorderScreen(OfficeScreen):
    """What a file would bring, line by line."""

    actions = RECORDER
    help_text = _HELP
    field_help = {
        "page": _(
            "打刻機のファイルを調べた結果。ファイルの中身をここに貼り付けても調べられます。"
            "F4 を押すまで、何も保存されません。"
        ),
    }

    def __init__(self) -> None:
        super().__init__()
        self._plan: ClockPlan | None = None

    def body(self) -> ComposeResult:
        """Yield title and plan."""
        yield Static(_("打刻取込"), id="title", markup=False)
        with VerticalScroll(id="page"):
            yield Static("", id="plan", markup=False)

    async def on_mount(self) -> None:
        """Say how a file comes here."""
        self._tell()
        await super().on_mount()
        self.query_one("#page").focus()

    def action_take_file(self) -> None:
        """Ask where the file is, and look at it."""

        def typed(paths: FilePaths | None) -> None:
            if paths is not None:
                self._look_at(lambda office: office.hours.plan_import(paths.file, paths.cards))

        self.app.push_screen(FileForm(), typed)

    def action_take_document(self) -> None:
        """Choose a sealed document, and look at it."""

        def chosen(document: str | None) -> None:
            if document is not None:
                self._look_at(lambda office: office.hours.plan_rows(office.documents.open(document).data))

        self.app.push_screen(document_choice(self.office_app.door, _("どの文書ですか")), chosen)

    def on_paste(self, event: events.Paste) -> None:
        """Look at what was pasted."""
        event.stop()
        text = event.text
        self._look_at(lambda office: office.hours.plan_rows(text.encode()))

    async def action_keep_rows(self) -> None:
        """Keep what was shown."""
        plan = self._plan
        if plan is None or not plan.new:
            self.notify(_("取り込む行がありません。ファイルを選んでください。"))
            return
        saved = await self.ask(lambda office: office.hours.commit_import(plan))
        if saved is not None:
            self.notify(_("{count}行を取り込みました").format(count=len(plan.new)))
            self._plan = None
            self._tell(_("取り込みました。取り込まなかった行は、下のとおりです。"), plan)

    def _look_at(self, make: Callable[[Office], ClockPlan]) -> None:
        async def look() -> None:
            plan = await self.ask(make)
            if plan is not None:
                self._plan = plan
                self._tell(_("まだ何も保存していません。F4 で新しい行を取り込みます。"), plan)

        self.run_worker(look(), exclusive=True)

    def _tell(self, first: str = "", plan: ClockPlan | None = None) -> None:
        lines = [first, "", *plan_lines(plan, language())] if plan else [_HELP]
        self.query_one("#plan", Static).update(fold("\n".join(lines), self.app.size.width - 6))
        self.query_one("#page", VerticalScroll).scroll_home(animate=False)
