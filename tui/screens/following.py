"""Following a meeting: the page that somebody shows to all, on every screen that follows.

Invariant: a page is looked for ten times a second, and twenty times once one is shown; whoever looks elsewhere is
left there until they come back by a key; who shows a page sees the cursor's item shown.
"""

from datetime import datetime
from typing import Final

from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static

from appliance.meetings.views import AgendaItemView, MeetingDetail, PageView
from appliance.office import Office
from appliance.session import JST
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.meetingtext import standing_line
from tui.widgets.told import tell

_LOOK_S: Final = 0.05
_WHOLE: Final = 1000


class FollowingScreen(OfficeScreen):
    """A meeting with a list `#items`, a text in `#reading` and a line `#standing`.

    Sub-classes give `write_list` and `show_item`.
    """

    def __init__(self, meeting_id: str) -> None:
        super().__init__()
        self._meeting_id = meeting_id
        self._detail: MeetingDetail | None = None
        self._page: PageView | None = None
        self._page_token = -1
        self._following = True
        self._second = 0
        self._looks = 0

    @property
    def watching(self) -> bool:
        """Say whether a page is shown to all."""
        return self._page is not None

    def write_list(self, place: int) -> None:
        """Write the list anew, with the cursor at a place."""
        raise NotImplementedError

    def show_item(self, place: int) -> None:
        """Show an item at the right."""
        raise NotImplementedError

    async def on_mount(self) -> None:
        """Fill, and look for pages that are shown to all."""
        if not self._opened_once:
            await super().on_mount()
            self.set_interval(_LOOK_S, self._look_for_page)

    async def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the item under the cursor, to all if this is who shows; whoever turns away follows no more."""
        if event.option_list.highlighted != event.option_index:
            return  # the cursor has gone on since
        self.show_item(event.option_index)
        page, item = self._page, event.option_id or ""
        if page is None or page.item_id == item:
            return
        if page.own:
            await self._lead(item)
        elif self._following:
            self._following = False
            self.tell()

    def tell(self) -> None:
        """Write the line that says what is shown to all."""
        if self._detail is not None:
            line = standing_line(self._detail, self._page, self._clock(), following=self._following)
            tell(self.query_one("#standing", Static), line)

    def action_follow(self) -> None:
        """Follow the page that is shown, or stop."""
        self._following = not self._following
        if self._page is None:
            self.notify(_("示されたら追います") if self._following else _("示されても追いません"))
        elif self._following and not self._page.own:
            self._go(self._page)
        self.tell()

    def action_show_all(self) -> None:
        """Show the item under the cursor to all, or end it; who takes it over from somebody else is asked."""
        item, page = self.current, self._page
        if page is not None and page.own:
            self.run_worker(self._lead(""))
        elif item is not None and page is None:
            self.run_worker(self._lead(item.item_id))
        elif item is not None and page is not None:

            def take_over(yes: bool | None) -> None:
                if yes:
                    self.run_worker(self._lead(item.item_id))

            question = _("{who} が示しています。代わりますか。").format(who=page.who)
            self.app.push_screen(YesNoScreen(question, _("代わる")), take_over)

    @property
    def current(self) -> AgendaItemView | None:
        """Return the item under the cursor."""
        place = self.query_one("#items", OptionList).highlighted
        return None if place is None else self.item_at(place)

    def item_at(self, place: int) -> AgendaItemView | None:
        """Return the item at a place of the list."""
        items = self._detail.items if self._detail else ()
        return items[place] if 0 <= place < len(items) else None

    def place_of(self, item_id: str) -> int:
        """Return an item's place in the list, -1 when it is not there."""
        items = self._detail.items if self._detail else ()
        return next((n for n, item in enumerate(items) if item.item_id == item_id), -1)

    async def _look_for_page(self) -> None:
        """Look whether another page is shown: cheap while nobody keeps anything."""
        self._looks += 1
        if self.app.screen is not self or self._detail is None or (self._page is None and self._looks % 2):
            return
        self._count()
        if self._page is not None and self._page.own:
            await self._scroll_others(self._page)
        seen = await self.ask(self._news, quiet=True)
        if seen is None or not self.is_attached:
            return
        self._page_token, changed, page = seen
        if changed and page != self._page:
            self._page = page
            self.write_list(self.query_one(OptionList).highlighted or 0)
            self.tell()
            if page is not None and self._following and not page.own:
                self._go(page)

    def _news(self, office: Office) -> tuple[int, bool, PageView | None]:
        token, changed = office.changed_since(self._page_token)
        return token, changed, office.floor.page(self._meeting_id) if changed else None

    def _go(self, page: PageView) -> None:
        """Go where the page that is shown to all is."""
        place = self.place_of(page.item_id)
        if place < 0:
            return
        self.query_one(OptionList).highlighted = place
        self.show_item(place)
        reading = self.query_one("#reading", VerticalScroll)

        def scroll() -> None:
            reading.scroll_to(y=round(reading.max_scroll_y * page.above / _WHOLE), animate=False)

        self.call_after_refresh(scroll)

    async def _scroll_others(self, page: PageView) -> None:
        """Let the others scroll along."""
        reading, item = self.query_one("#reading", VerticalScroll), self.current
        above = round(_WHOLE * reading.scroll_y / reading.max_scroll_y) if reading.max_scroll_y else 0
        if item is not None and item.item_id == page.item_id and above != page.above:
            await self._lead(page.item_id, above)

    async def _lead(self, item_id: str, above: int = 0) -> None:
        def lead(office: Office) -> PageView | None:
            office.floor.lead(self._meeting_id, item_id, above)
            return office.floor.page(self._meeting_id)

        self._page = await self.ask(lead)
        self.write_list(self.query_one(OptionList).highlighted or 0)
        self.tell()

    def _count(self) -> None:
        """Let the item's clock go on."""
        now = int(datetime.now(JST).timestamp())
        if self._page is not None and self._second != now:
            self._second = now
            self.tell()

    def _clock(self) -> str:
        """Return how long the item that is shown has been talked about, and how long it was to take."""
        item = self.item_at(self.place_of(self._page.item_id)) if self._page else None
        if self._page is None or item is None:
            return ""
        spent = max(0, int((datetime.now(JST) - self._page.since).total_seconds()))
        over = "⚠" if spent > item.minutes * 60 else ""
        return f"{over}{spent // 60}:{spent % 60:02}/{item.minutes}分"
