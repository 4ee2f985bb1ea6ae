"""A staff meeting: its agenda, made to be read."""

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.views import AgendaItemView, MeetingDetail
from tui.actions import MEETING
from tui.i18n import _
from tui.screens.ask import TextScreen
from tui.screens.base import OfficeScreen
from tui.wrap import cut, fold

_HELP = _("""左で議題を選ぶと、右に中身が出ます。長いときは Tab で右に移り、矢印で送ります。
F4 で、選んだ議題の決定（校長の決定）を書きます。空にして保存すると取り消しです。""")


class MeetingScreen(OfficeScreen):
    """Items at the left, the chosen one at the right."""

    actions = MEETING
    help_text = _HELP

    def __init__(self, meeting_id: str) -> None:
        super().__init__()
        self._meeting_id = meeting_id
        self._detail: MeetingDetail | None = None

    def body(self) -> ComposeResult:
        """Yield title, list and text."""
        yield Static("", id="title", markup=False)
        yield Static("", id="state", markup=False)
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
        self.query_one("#title", Static).update(f"{m.title}  {m.starts:%m/%d %H:%M}  {m.place}")
        chair, recorder = detail.chair, detail.recorder
        minutes = sum(item.minutes for item in detail.items)
        text = _("司会 {chair}  記録 {recorder}  議題 {count}（{minutes}分）  決定 {decided}")
        self.query_one("#state", Static).update(
            text.format(chair=chair, recorder=recorder, count=m.items, minutes=minutes, decided=m.decided)
        )
        options = self.query_one("#items", OptionList)
        place = options.highlighted or 0
        options.clear_options()
        width = options.size.width - 4
        options.add_options([Option(cut(item_line(item), width), id=item.item_id) for item in detail.items])
        options.highlighted = min(place, max(0, len(detail.items) - 1)) if detail.items else None
        self._show(place)

    async def on_resize(self) -> None:
        """Fold the text anew."""
        await self.refresh_data()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the item under the cursor."""
        self._show(event.option_index)

    def _show(self, place: int) -> None:
        if self._detail is None or not 0 <= place < len(self._detail.items):
            return
        reading = self.query_one("#reading", VerticalScroll)
        text = fold(item_text(self._detail.items[place]), reading.size.width - 5)
        self.query_one("#item", Static).update(text)
        reading.scroll_home(animate=False)

    def action_decide(self) -> None:
        """Write the decision on the item under the cursor."""
        place = self.query_one("#items", OptionList).highlighted
        if self._detail is None or place is None:
            return
        item = self._detail.items[place]
        title = _("{number}. {title} の決定").format(number=item.number, title=item.title)

        def keep(text: str | None) -> None:
            if text is not None and text.strip() != item.decision:
                self.run_worker(self._decide(item.item_id, text))

        self.app.push_screen(TextScreen(title, item.decision), keep)

    async def _decide(self, item_id: str, text: str) -> None:
        if await self.ask(lambda office: office.meetings.decide(self._meeting_id, item_id, text)):
            self.notify(_("決定を保存しました"))
            await self.refresh_data()


def item_line(item: AgendaItemView) -> str:
    """Return one line of the list; ✓ marks a decided item."""
    return f"{'✓' if item.decision else ' '}{item.number}. {item.title}"


def item_text(item: AgendaItemView) -> str:
    """Return an item to be read."""
    head = f"{item.number}. {item.title}"
    facts = _("【{section}】 {department}  提案 {proposer}  {minutes}分").format(
        section=item.section, department=item.department, proposer=item.proposer, minutes=item.minutes
    )
    parts = [head, facts, "", item.body]
    if item.decision:
        when = f"{item.decided_at:%m/%d %H:%M}" if item.decided_at else ""
        parts += ["", _("▼ 決定"), item.decision, _("（記入 {who} {at}）").format(who=item.decided_by, at=when)]
    return "\n".join(parts)
