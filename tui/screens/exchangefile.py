"""A file of the school system, looked at before anything of it is kept: plan, or what is wrong with it.

Invariant: what is applied is what was shown; many leavers and old files are asked about by themselves, and the
careful answer has the focus.
"""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from appliance.exchange.incoming import Agreement, Caution, Examined
from appliance.exchange.receipt import examined_lines, receipt_lines
from appliance.exchange.views import ReceiptView
from appliance.messages import explain, language
from appliance.office import Office
from appliance.permits.handing import HandedOut
from tui.actions import EXCHANGE_FILE
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.wrap import fold

_HELP = _("""校務支援システムのファイルを調べたところです。まだ何も変わっていません。
学級ごとの人数が学校の数と合うか、外れる人がいないかを確かめてください。
F4 で取り込みます。多くの人が外れるときと、前に取り込んだファイルのときは、もう一度たずねます。
x で断ります。どちらも受領書ができて、「受領書」のフォルダーに置かれます。
取り込めないファイルは、F4 で受領書だけを作ります。名簿は変わりません。""")


class ExchangeFileScreen(OfficeScreen):
    """What a file would do; then what became of it."""

    actions = EXCHANGE_FILE
    help_text = _HELP
    field_help = {
        "page": _("ファイルを調べた結果。学級ごとの人数と、外れる人を確かめます。"),
    }
    locked = True

    def __init__(self, document_id: str) -> None:
        super().__init__()
        self._document, self._asked = document_id, False
        self._seen: Examined | None = None

    def body(self) -> ComposeResult:
        """Yield title and plan."""
        yield Static(_("校務連携  調べています"), id="title", markup=False)
        with VerticalScroll(id="page"):
            yield Static("", id="plan", markup=False)

    async def refresh_data(self) -> None:
        """Look at the file once; what was shown stays."""
        if self._asked:
            return
        self._asked = True
        self.run_worker(self._look_at_it(), exclusive=True)

    async def _look_at_it(self) -> None:
        self._seen = await self.ask(lambda office: office.exchange.examine(self._document))
        if self._seen is None:
            self.query_one("#title", Static).update(_("校務連携  調べられませんでした"))
            return
        self.query_one("#page").focus()
        self._tell(_first(self._seen), examined_lines(self._seen, language()))

    async def action_take_in(self) -> None:
        """Apply what was shown, after asking for what a plain yes does not cover."""
        seen = self._seen
        if seen is None:
            self.notify(_("調べるファイルがありません"))
            return
        leavers = seen.plan.leavers if seen.plan else 0
        questions = [(_("取り込む"), _question(seen))] if seen.changes else []
        if Caution.PEOPLE in seen.cautions:
            told = _("{count}人が名簿から外れます。本当に取り込みますか。").format(count=leavers)
            questions.append((_("{count}人を外す").format(count=leavers), told))
        if {Caution.AGAIN, Caution.OLDER} & {*seen.cautions}:
            told = _("前に取り込んだ、または前より古いファイルです。名簿が前の内容に戻ります。取り込みますか。")
            questions.append((_("前に戻す"), told))
        self._ask_all(questions, Agreement(leavers, old=True))  # only what was asked for is lacking

    def _ask_all(self, questions: list[tuple[str, str]], agreement: Agreement) -> None:
        if not questions:
            self.run_worker(self._settle(agreement))
            return
        (yes, question), *rest = questions

        def answered(agreed: bool | None) -> None:
            if agreed:
                self._ask_all(rest, agreement)

        self.app.push_screen(YesNoScreen(question, yes), answered)

    async def _settle(self, agreement: Agreement) -> None:
        seen = self._seen
        if seen is not None:
            await self._done(await self.ask(lambda o: _with_receipt(o, o.exchange.settle(seen, agreement), seen)))

    def action_turn_away(self) -> None:
        """Ask, then write down that the file is not wanted."""
        seen = self._seen
        if seen is None:
            self.notify(_("調べるファイルがありません"))
            return

        async def answered(yes: bool | None) -> None:
            if yes:
                await self._done(await self.ask(lambda o: _with_receipt(o, o.exchange.turn_away(seen), seen)))

        question = _("「{name}」を取り込まずに断りますか。受領書にそう書かれます。").format(name=seen.name)
        self.app.push_screen(YesNoScreen(question, _("断る")), answered)

    async def _done(self, done: tuple[ReceiptView, HandedOut] | None) -> None:
        if done is None:
            return
        view, handed = done
        self._seen = None
        where = _("受領書を置きました: {path}").format(path=handed.path)
        self._tell(_("校務連携  済みました"), [*receipt_lines(view, language()), "", where])

    def _tell(self, title: str, lines: list[str]) -> None:
        self.query_one("#title", Static).update(title)
        seen = self._seen
        if seen is not None and seen.refusal is not None:
            told = explain(seen.refusal, language())
            lines = [*lines, "", f"{told.sentence} [{told.code}]", f"→ {told.hint}"]
        self.query_one("#plan", Static).update(fold("\n".join(lines), self.app.size.width - 6))
        self.query_one("#page", VerticalScroll).scroll_home(animate=False)


def _first(seen: Examined) -> str:
    if seen.refusal is not None:
        return _("校務連携  取り込めません: F4 で受領書を作ります")
    if seen.plan is not None and not seen.changes:
        return _("校務連携  今の名簿と同じです: F4 で受領書を作ります")
    return _("校務連携  まだ何も変えていません: F4 で取り込みます")


def _question(seen: Examined) -> str:
    plan = seen.plan
    counts = (len(plan.put), len(plan.remove), plan.leavers) if plan else (0, 0, 0)
    told = _("追加・更新 {put}件、外す {removed}件（うち人 {people}）。取り込みますか。")
    return told.format(put=counts[0], removed=counts[1], people=counts[2])


def _with_receipt(office: Office, view: ReceiptView, seen: Examined) -> tuple[ReceiptView, HandedOut]:
    return view, office.give_receipt(view.receipt_id, seen.name)
