"""アンケート: what the staff is asked, whether one answered, and what came out."""

from datetime import date

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from appliance.surveys.desk import Stage, SurveyView
from appliance.surveys.records import LEAST, Given
from tui.actions import SURVEYS
from tui.i18n import _
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.surveyanswer import SurveyAnswerForm
from tui.screens.surveyresults import SurveyResultsScreen
from tui.wrap import fold, plain

_HELP = _("""職員へのアンケートです。Enter で答えます。締め切ったものは、Enter か F4 で結果を見ます。
n でつくります。「記名: 無記名」のものは、回答に名前も時刻も付けず、ほかの人の回答と混ぜてから残します。
だれの回答かは、同僚にも校長にも教育委員会にも分かりません。あとから直すこともできません。
だれが答えたかは残ります。文で答える問いは、書き方で分かることがあります。
無記名で5人に満たないときは、結果を出しません。結果は締め切ったあとに出ます。""")
_STAGES = {
    Stage.OPEN: _("● 受付中"),
    Stage.MIXING: _("◐ 集計中"),
    Stage.TOO_FEW: _("・ 少ない"),
    Stage.DONE: _("✓ 結果"),
}
_HOW = _("題 記名（記名か無記名） 締切 説明、問いの行「1. 問い（一つ）」（いくつでも）（文）と「- 選択肢」")


class SurveysScreen(OfficeScreen):
    """The list, and the questionnaire under the cursor below."""

    actions = SURVEYS
    help_text = _HELP
    field_help = {
        "surveys": _("アンケートの一覧。選んで Enter を押すと、答えます。締め切ったものは、結果が出ます。"),
    }

    def __init__(self) -> None:
        super().__init__()
        self._surveys: tuple[SurveyView, ...] = ()
        self._today = date.min

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("アンケート"), id="title", markup=False)
        yield DataTable(id="surveys", cursor_type="row", zebra_stripes=True)
        yield Static("", id="asset", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("状態"), 9), (_("題"), 30), (_("記名"), 6), (_("締切"), 5), (_("回答"), 7), (_("自分"), 7))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the questionnaires."""
        seen = await self.ask(lambda office: (office.surveys.listed(), office.today()))
        if seen is None:
            return
        self._surveys, self._today = seen
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for view in self._surveys:
            way = _("記名") if view.form.named else _("無記名")
            own = _("✓ 済") if view.own else _("・ 未")
            count = f"{view.answers}/{view.asked}"
            cells = (_STAGES[view.stage], view.form.title, way, f"{view.form.until:%m/%d}", count, own)
            table.add_row(*map(plain, cells))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        waiting = sum(view.stage is Stage.OPEN and not view.own for view in self._surveys)
        title = _("アンケート  答えていないもの {count}件").format(count=waiting)
        self.query_one("#title", Static).update(title)
        self._show()

    def on_data_table_row_highlighted(self) -> None:
        """Show the questionnaire under the cursor."""
        self._show()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show()

    def _show(self) -> None:
        view = self._current
        text = _text(view) if view else _("アンケートはまだありません。n でつくります。")
        self.query_one("#asset", Static).update(fold(text, self.app.size.width - 4))

    @property
    def _current(self) -> SurveyView | None:
        place = self.query_one(DataTable).cursor_row
        return self._surveys[place] if 0 <= place < len(self._surveys) else None

    async def on_data_table_row_selected(self) -> None:
        """Answer, or see the results."""
        await self.action_open()

    async def action_open(self) -> None:
        """Answer the questionnaire under the cursor, or see what came out."""
        view = self._current
        if view is None:
            return
        if view.stage is not Stage.OPEN:
            await self.action_survey_result()
        elif view.own and not view.form.named:
            self.notify(_("もう答えています。無記名の回答は、あとから直せません。"))
        else:
            self._answer(view)

    def _answer(self, view: SurveyView) -> None:
        async def keep(given: tuple[Given, ...]) -> bool:
            done = await self.ask(lambda office: (office.surveys.answer(view.survey, given), True))
            if done is not None:
                self.notify(_("答えました") if view.form.named else _("投票箱に入れました"))
            return done is not None

        async def closed(_kept: bool | None) -> None:
            await self.refresh_data()

        self.app.push_screen(SurveyAnswerForm(view.form, keep), closed)

    async def action_survey_make(self) -> None:
        """Write a questionnaire."""
        text = await self.ask(lambda office: office.surveys.template())
        if text is None:
            return

        async def keep(typed: str) -> bool:
            made = await self.ask(lambda office: office.surveys.make(typed))
            if made is not None:
                self.notify(_("受け付けを始めました"))
            return made is not None

        async def closed(_text: str | None) -> None:
            await self.refresh_data()

        title, how = _("アンケートをつくる"), fold(_HOW, 72)
        told = _("アンケートの文。ひな形を書き直します。例 1. いつがよいですか（一つ）。F4 で受け付けを始めます。")
        self.app.push_screen(KeepTextScreen(title, text, keep, how, told=told), closed)

    def action_survey_close(self) -> None:
        """Ask, then end the questionnaire under the cursor."""
        view = self._current
        if view is None or view.stage is not Stage.OPEN:
            self.notify(_("受け付けているものを選んでください"))
            return

        async def answered(yes: bool | None) -> None:
            if yes and await self.ask(lambda office: (office.surveys.close(view.survey), True)) is not None:
                self.notify(_("締め切りました"))
                await self.refresh_data()

        question = _("「{title}」を、{day} を待たずに締め切りますか。").format(
            title=view.form.title, day=f"{view.form.until:%m/%d}"
        )
        self.app.push_screen(YesNoScreen(question, _("締め切る")), answered)

    async def action_survey_result(self) -> None:
        """Show what came out."""
        view = self._current
        if view is None:
            return
        if view.stage in (Stage.OPEN, Stage.MIXING):
            self.notify(_("結果は、締め切って回答を混ぜ終わってから出ます"))
            return
        if view.stage is Stage.TOO_FEW:
            self.notify(_("無記名の回答が{least}人に満たないので、結果を出しません").format(least=LEAST))
            return
        results = await self.ask(lambda office: office.surveys.results(view.survey))
        if results is None:
            return
        names = await self.ask(
            lambda office: (
                office.surveys.named_answers(view.survey)
                if view.form.named and office.surveys.may_see_names()
                else ()
            )
        )
        self.app.push_screen(SurveyResultsScreen(view.form, results, names or ()))


def _text(view: SurveyView) -> str:
    form = view.form
    kept = _("名前を付けて残します") if form.named else _("だれの回答か分からないように、混ぜて残します")
    head = _("{who} {at}  問い {count}つ  {kept}").format(
        who=view.by, at=f"{view.at:%m/%d}", count=len(form.questions), kept=kept
    )
    return "\n".join(filter(None, (head, form.note)))
