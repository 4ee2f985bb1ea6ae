"""質疑要旨: a text that several people write at once while the meeting goes on.

Invariant: what was typed is kept after two seconds of rest, after five in any case, and on leaving; what others
write comes in between without a letter lost and without moving the cursor from its word.
"""

import time
from typing import Final

from textual.app import ComposeResult
from textual.widgets import Static, TextArea
from textual.widgets.text_area import Selection

from appliance.meetings.sharedtext import SharedText, changed_stretch
from tui.actions import MINUTES_TEXT
from tui.i18n import _
from tui.releasing import release
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.meetingways import minutes_ways
from tui.widgets.told import tell

_REST_S: Final = 2.0
_LONGEST_S: Final = 5.0
_TICK_S: Final = 0.5
_HELP = _("""話し合いの要点を書きます。何人で同時に書いても、書いたものはどれも消えません。
少し手を止めると保存されます。F4 ですぐに保存し、Esc で保存して戻ります。
F7 で、この会議の会議録を印刷用（PDF）などに書き出します。""")


class MinutesScreen(OfficeScreen):
    """One item's 質疑要旨."""

    actions = MINUTES_TEXT
    help_text = _HELP
    field_help = {
        "minutes": _(
            "質疑の要旨。話し合いの要点を書きます。例 雨天のときは体育館で行う。少し手を止めると保存されます。"
        ),
    }

    def __init__(self, meeting_id: str, item_id: str, title: str) -> None:
        super().__init__()
        self._meeting_id = meeting_id
        self._item_id = item_id
        self._title = title
        self._shared: SharedText | None = None
        self._dirty: tuple[float, float] | None = None  # since when, and when last typed
        self._refused = False

    def body(self) -> ComposeResult:
        """Yield title, state and text."""
        yield Static(self._title, id="title", markup=False)
        yield Static("", id="state", markup=False)
        yield TextArea("", id="minutes", soft_wrap=True, show_line_numbers=False)

    async def on_mount(self) -> None:
        """Fill, and begin to write at the end."""
        await super().on_mount()
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()
        self.set_interval(_TICK_S, self._keep_in_time)

    async def refresh_data(self) -> None:
        """Take in what others wrote."""
        told = await self.ask(lambda office: office.minutes.text(self._item_id))
        if told is None:
            return
        area = self.query_one(TextArea)
        if self._shared is None:
            self._shared = told
        else:
            self._shared.edit(area.text)
            self._shared.merge(told.state())
        self._show(str(self._shared))
        self._tell()

    def _show(self, text: str) -> None:
        """Change the text on the screen by the stretch that differs, with the cursor where it was."""
        area = self.query_one(TextArea)
        old = area.text
        if old == text:
            return
        first, kept = changed_stretch(old, text)
        begin, end = _location(old, first), _location(old, len(old) - kept)
        places = [_moved(_index(old, at), first, len(old) - kept, len(text) - len(old)) for at in area.selection]
        with self.prevent(TextArea.Changed):
            area.replace(text[first : len(text) - kept], begin, end)
        area.selection = Selection(*(_location(text, place) for place in places))
        area.history.clear()  # else Ctrl+Z would take back what somebody else wrote

    def on_text_area_changed(self) -> None:
        """Know that there is something to keep."""
        now = time.monotonic()
        if self._shared is None or self.query_one(TextArea).text == str(self._shared):
            return
        self._dirty = (self._dirty[0] if self._dirty else now, now)
        self._tell()

    async def _keep_in_time(self) -> None:
        now = time.monotonic()
        if self._dirty and (now - self._dirty[1] >= _REST_S or now - self._dirty[0] >= _LONGEST_S):
            await self._keep(quiet=True)

    async def _keep(self, *, quiet: bool = False) -> bool:
        """Keep what was written; return whether nothing is left to keep."""
        shared, dirty = self._shared, self._dirty
        if shared is None or dirty is None:
            return True
        shared.edit(self.query_one(TextArea).text)
        kept = await self.ask(
            lambda office: office.minutes.write(self._meeting_id, self._item_id, shared), quiet=quiet
        )
        self._refused = kept is None
        if kept is None:
            self._dirty = (time.monotonic(), time.monotonic())  # again in a moment
            self._tell()
            return False
        if self._dirty == dirty:
            self._dirty = None
            self._show(str(shared))
        self._tell()
        return self._dirty is None

    def _tell(self) -> None:
        kept = _("保存済  ほかの人が書いたものも入ります")
        told = _("書いています…") if self._dirty else kept
        refused = _("⚠ まだ保存できていません。F4 で、わけを見られます。")
        tell(self.query_one("#state", Static), refused if self._refused else told)

    async def action_keep_text(self) -> None:
        """Keep it now."""
        if await self._keep():
            self.notify(_("保存しました"))

    async def action_release(self) -> None:
        """Keep what was written, and let the meeting's minutes out."""
        if not await self._keep():
            return
        graded = await self.ask(lambda office: office.meetings.importance(self._meeting_id))
        if graded is not None:
            release(self, _("会議録を書き出す"), graded, minutes_ways(self._meeting_id))

    def action_back(self) -> None:
        """Keep, and go back; what cannot be kept is thrown away only after a question."""
        self.run_worker(self._leave(), exclusive=True, group="leave")

    async def _leave(self) -> None:
        refused = self._refused
        if await self._keep(quiet=refused):
            if self.app.screen is self:
                self.app.pop_screen()
        elif refused:
            question = _("保存できませんでした。いま書いたところを捨てて戻りますか。")
            self.app.push_screen(YesNoScreen(question, _("捨てて戻る")), self._gone)

    def _gone(self, yes: bool | None) -> None:
        if yes:
            self.app.pop_screen()


def _moved(place: int, first: int, end: int, grown: int) -> int:
    """Return where a place is after the stretch from `first` to `end` has grown: before it, what stood before."""
    return place if place <= first else max(first, place + grown) if place >= end else first


def _index(text: str, location: tuple[int, int]) -> int:
    """Return how many letters stand before a row and column."""
    row, column = location
    return sum(len(line) + 1 for line in text.split("\n")[:row]) + column


def _location(text: str, index: int) -> tuple[int, int]:
    """Return row and column of a letter."""
    before = text[:index]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
