"""A staff meeting: its agenda, made to be read and written in.

Invariant: a text that could not be kept stays on the screen.
"""

from collections.abc import Callable
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.meetings.views import Said
from appliance.office import Office
from appliance.session import JST
from appliance.views import Saved
from tui.actions import MEETING
from tui.i18n import _
from tui.releasing import release
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.following import FollowingScreen
from tui.screens.meetingforms import TaskForm, TaskScreen
from tui.screens.meetingtext import item_line, item_text, state_line
from tui.screens.meetingways import minutes_ways
from tui.screens.minutes import MinutesScreen
from tui.screens.papers import PapersScreen
from tui.widgets.told import tell
from tui.wrap import cut, fold

Keep = Callable[[Office, str], Saved]
_HELP = _("""左で議題を選ぶと、右に中身が出ます。長いときは Tab で右に移り、矢印で送ります。
はじまる前: r で既読、q で質問、w で答え、d で資料、m で自分だけのメモ、n で議題を加える（または提案する）。
会議中: l で選んだ議題を全員に示し、f で示された頁を追います。F2 で質疑要旨、F4 で決定（校長の決定）、
t で担当と期限を書きます。決定を空にして保存すると取り消しです。
議題を作る人は、k と j で順を変え、e で文を直し、y で提案（＋）を採ります。
おわったら: 校長が c で確認します。そのあとは a で追記だけができます。F7 で会議録を書き出します。""")
_HOW = _("""## 報告・協議・連絡 の下に「- 題（分掌・提案者・10分）」と説明。
個人のことは（…・Ⅱ）と書くと、Ⅱを見てよい人だけに見えます。""")


class MeetingScreen(FollowingScreen):
    """Items at the left, the chosen one at the right."""

    actions = MEETING
    help_text = _HELP
    field_help = {
        "items": _("議題の一覧。選ぶと、右に中身が出ます。質問・会議録・決定などは、選んでいる議題に書かれます。"),
        "reading": _("選んだ議題の中身。説明・質疑・決定を読みます。議題の一覧へは Tab で戻ります。"),
    }

    def __init__(self, meeting_id: str, item_id: str = "") -> None:
        super().__init__(meeting_id)
        self._wanted = item_id
        self._shown = ("", "")

    def body(self) -> ComposeResult:
        """Yield title, list and text."""
        yield Static("", id="title", markup=False)
        yield Static("", id="state", markup=False)
        yield Static("", id="standing", markup=False)
        with Horizontal(id="agenda"):
            yield OptionList(id="items", markup=False)
            with VerticalScroll(id="reading", can_focus=True):
                yield Static("", id="item", markup=False)

    async def on_mount(self) -> None:
        """Fill, and begin at the list."""
        await super().on_mount()
        self.query_one(OptionList).focus()

    async def refresh_data(self) -> None:
        """Read the meeting and keep the place."""
        detail = await self.ask(lambda office: office.meetings.open(self._meeting_id))
        if detail is None:
            return
        self._detail = detail
        m = detail.meeting
        tell(self.query_one("#title", Static), f"{m.title}  {m.starts:%m/%d %H:%M}  {m.place}")
        tell(self.query_one("#state", Static), state_line(detail))
        options = self.query_one("#items", OptionList)
        place = self.place_of(self._wanted) if self._wanted else (options.highlighted or 0)
        self._wanted = ""
        self.write_list(max(0, place))
        self.show_item(options.highlighted or 0)
        self.tell()

    def write_list(self, place: int) -> None:
        """Write what changed in the list, with the cursor at a place."""
        items = self._detail.items if self._detail else ()
        options = self.query_one("#items", OptionList)
        page = self._page.item_id if self._page else ""
        width = options.size.width - 4
        lines = {item.item_id: cut(item_line(item, item.item_id == page), width) for item in items}
        if [option.id for option in options.options] == list(lines):
            for option in options.options:
                if option.id is not None and option.prompt != lines[option.id]:
                    options.replace_option_prompt(option.id, lines[option.id])
        else:
            options.set_options([Option(line, id=item_id) for item_id, line in lines.items()])
        options.highlighted = min(place, len(items) - 1) if items else None

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._shown = ("", "")
        await self.refresh_data()

    def show_item(self, place: int) -> None:
        """Show an item at the right, from its top when it is another one."""
        item = self.item_at(place)
        if item is None:
            tell(self.query_one("#item", Static), _("議題はまだありません。n で加えます。"))
            return
        reading = self.query_one("#reading", VerticalScroll)
        text = fold(item_text(item), reading.size.width - 5)
        if (item.item_id, text) == self._shown:
            return
        if item.item_id != self._shown[0]:
            reading.scroll_home(animate=False)
        self._shown = (item.item_id, text)
        tell(self.query_one("#item", Static), text)

    # What is written on an item.

    def action_minutes(self) -> None:
        """Write what is said on the item under the cursor."""
        item = self.current
        if item is not None:
            self.app.push_screen(MinutesScreen(self._meeting_id, item.item_id, f"{item.number}. {item.title}"))

    def action_papers(self) -> None:
        """Open the documents of the item under the cursor."""
        item = self.current
        if item is not None:
            title = f"{item.number}. {item.title}"
            self.app.push_screen(PapersScreen(self._meeting_id, item.item_id, title))

    def action_decide(self) -> None:
        """Write the decision on the item under the cursor."""
        item = self.current
        if item is not None:
            meeting, own = self._meeting_id, item.item_id
            title = _("{number}. {title} の決定").format(number=item.number, title=item.title)
            done = _("決定を保存しました")
            told = _("決まったこと。例 運動会は 5月30日に行う。空にして F4 を押すと、決定を取り消します。")
            self._write(title, item.decision, lambda o, text: o.minutes.decide(meeting, own, text), done, told)

    def action_question(self) -> None:
        """Ask a question on the item under the cursor."""
        item = self.current
        if item is not None:
            meeting, own = self._meeting_id, item.item_id
            title = _("{title} への質問").format(title=item.title)
            done = _("質問しました")
            told = _("この議題への質問。議題を読む人に見えます。例 雨の日はどうしますか。F4 で質問します。")
            self._write(title, "", lambda o, text: o.floor.ask(meeting, own, text), done, told)

    def action_reply(self) -> None:
        """Answer the first question that has no answer, or the last one again."""
        item = self.current
        asked: list[Said] = [said for said in item.said if not said.addendum] if item else []
        if item is None or not asked:
            self.notify(_("この議題に質問はありません"))
            return
        said = next((one for one in asked if not one.answer), asked[-1])
        meeting, own = self._meeting_id, item.item_id
        title = _("{who} の質問: {text}").format(who=said.who, text=said.text)
        done = _("答えを保存しました")
        told = _("上の質問への答え。質問の下に並びます。例 雨の日は、翌週に延ばします。F4 で答えます。")
        self._write(
            title, said.answer, lambda o, text: o.floor.answer(meeting, own, said.question_id, text), done, told
        )

    async def action_mark_read(self) -> None:
        """Say that this person has read the item, and go on to the next."""
        item = self.current
        if item is None:
            return
        await self.ask(lambda office: office.floor.mark_read(item.item_id))
        await self.refresh_data()
        self.query_one(OptionList).action_cursor_down()

    def action_own_note(self) -> None:
        """Write a note that nobody else can open."""
        item = self.current
        if item is not None:
            title = _("{title}: 自分だけのメモ").format(title=item.title)
            done = _("メモを保存しました")
            told = _("自分のためのメモ。ほかの人には見えません。例 学年会で伝える。F4 で保存します。")
            self._write(title, item.note, lambda o, text: o.minutes.write_note(item.item_id, text), done, told)

    def action_assign(self) -> None:
        """Write who does what by when."""
        item = self.current
        if item is None:
            return
        meeting = self._meeting_id

        async def keep(form: TaskForm) -> bool:
            told = form.text, form.owner, form.due
            saved = await self.ask(lambda office: office.minutes.assign(meeting, item.item_id, *told))
            return saved is not None

        async def kept(form: TaskForm | None) -> None:
            if form is not None:
                self.notify(_("担当を保存しました"))

        today = self.office_app.door.office.today() if self.office_app.door.office else datetime.now(JST).date()
        self.app.push_screen(TaskScreen(item, today, keep), kept)

    def action_addendum(self) -> None:
        """Add something after the principal has confirmed."""
        item = self.current
        if item is not None:
            title = _("{title} への追記").format(title=item.title)
            done = _("追記を保存しました")
            told = _("会議録への追記。あとから直せません。例 日程は 6月6日に変わりました。F4 で書き加えます。")
            self._write(title, "", lambda o, text: o.minutes.add_later(item.item_id, text), done, told)

    def action_release(self) -> None:
        """Let the minutes out, in the gravest importance of the items."""

        async def ask() -> None:
            graded = await self.ask(lambda office: office.meetings.importance(self._meeting_id))
            if graded is not None and self._detail is not None:
                title = _("{title} の会議録を書き出す").format(title=self._detail.meeting.title)
                release(self, title, graded, minutes_ways(self._meeting_id))

        self.run_worker(ask())

    # The agenda itself.

    def action_propose(self) -> None:
        """Add items to the agenda, or propose them."""
        meeting = self._meeting_id
        title, start, done = _("議題を加える・提案する"), "## 協議\n- ", _("議題を加えました")
        told = _("加える議題。一行に一つ書き、説明は次の行に書きます。例 - 遠足の日程（2学年・佐藤・10分）。")
        self._write(title, start, lambda o, text: o.meetings.propose(meeting, text), done, told, _HOW)

    def action_rewrite(self) -> None:
        """Change what is written on the item under the cursor."""
        item = self.current
        if item is not None:
            meeting, own = self._meeting_id, item.item_id
            done = _("直しました")
            told = _("議題の説明。読む人に、前もって知らせることを書きます。例 案は二つあります。F4 で直します。")
            self._write(item.title, item.body, lambda o, text: o.meetings.rewrite(meeting, own, text), done, told)

    async def action_accept(self) -> None:
        """Take the proposal under the cursor into the agenda."""
        item = self.current
        if item is None or not item.proposed:
            self.notify(_("＋の付いた提案を選んでください"))
        elif await self.ask(lambda office: office.meetings.accept(self._meeting_id, item.item_id)):
            self._wanted = item.item_id
            await self.refresh_data()

    async def action_move_up(self) -> None:
        """Move the item under the cursor up."""
        await self._move(up=True)

    async def action_move_down(self) -> None:
        """Move the item under the cursor down."""
        await self._move(up=False)

    async def _move(self, *, up: bool) -> None:
        item = self.current
        if item is None:
            return
        if await self.ask(lambda office: office.meetings.move(self._meeting_id, item.item_id, up=up)):
            self._wanted = item.item_id
            await self.refresh_data()

    def action_confirm_minutes(self) -> None:
        """校長確認, after a question."""

        async def confirm(yes: bool | None) -> None:
            if yes and await self.ask(lambda office: office.minutes.confirm(self._meeting_id)) is not None:
                self.notify(_("会議録を確認しました"))
                await self.refresh_data()

        question = _("この会議録を確認しますか。このあとは追記だけができます。")
        self.app.push_screen(YesNoScreen(question, _("確認する")), confirm)

    def _write(self, title: str, text: str, keep: Keep, done: str, told: str, how: str = "") -> None:
        """Let a text be written; it stays on the screen until it was kept."""

        async def kept(written: str) -> bool:
            if await self.ask(lambda office: keep(office, written)) is None:
                return False
            self.notify(done)
            await self.refresh_data()
            return True

        self.app.push_screen(KeepTextScreen(title, text, kept, how, told=told))
