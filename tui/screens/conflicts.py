"""競合: records that two people changed without knowing of each other, side by side, to be settled.

Invariant: nothing is kept that was not shown in words and agreed to before; a record that changed meanwhile is
shown anew instead.
"""

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.conflictdesk import Choice
from appliance.views import ConflictSide, ConflictView, Entry, HistoryLine, MarkValue, TextValue
from tui.actions import CONFLICT
from tui.i18n import _
from tui.screens.ask import TextScreen, YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.history import HistoryScreen
from tui.screens.markvalue import MarkScreen
from tui.typed import half_width
from tui.wrap import cut, fold

_HELP = _("""線が切れている間などに、二人が同じ記録を別々に書くと競合になります。どちらも消えていません。
上で記録を選び、← → か 1 2 3 で残す記入を選び、Enter で決めます。書く内容を見てから決まります。
どれでもないときは e で別の値を書きます。決めたあとも、前の記入は h の履歴に残ります。
「表示中」は、決まるまで出席簿などに出ている記入です。""")
_SIDE_CELLS = 26  # narrower than this a value cannot be read
_MOST_LINES = 8
_MOST = 500


class ConflictsScreen(OfficeScreen):
    """The list above, the values of the chosen record below."""

    actions = CONFLICT
    help_text = _HELP
    field_help = {
        "conflicts": _(
            "競合している記録の一覧。選ぶと、それぞれの記入が下に並びます。"
            "例 2 を押して右を選び、Enter で決めます。"
        ),
        "side": _("並んでいる記入の一つ。だれがいつ書いたかを読みます。残すなら、その番号を押して選びます。"),
    }

    def __init__(self) -> None:
        super().__init__()
        self._conflicts: tuple[ConflictView, ...] = ()
        self._chosen = 0

    def body(self) -> ComposeResult:
        """Yield title, list, the record's name and its values."""
        yield Static(_("競合"), id="title", markup=False)
        yield OptionList(id="conflicts", markup=False)
        yield Static("", id="whose", markup=False)
        yield Static("", id="choose", markup=False)
        yield Horizontal(id="sides")

    async def on_mount(self) -> None:
        """Fill, and begin at the list."""
        await super().on_mount()
        self.query_one(OptionList).focus()

    async def refresh_data(self) -> None:
        """Read the conflicts and keep the place."""
        found = await self.ask(lambda office: office.conflicts.all())
        if found is None:
            return
        before, chosen = self._current, self._chosen
        self._conflicts = found[:_MOST]
        self.query_one("#title", Static).update(_("競合  {count}件").format(count=len(found)))
        options = self.query_one(OptionList)
        old = options.highlighted or 0
        places = [n for n, c in enumerate(self._conflicts) if before and _same(c, before)]
        options.clear_options()
        width = self.app.size.width - 6
        options.add_options([Option(cut(_line(conflict), width)) for conflict in self._conflicts])
        if self._conflicts:
            options.highlighted = places[0] if places else min(old, len(self._conflicts) - 1)
        unchanged = before is not None and self._current is not None and before.heads == self._current.heads
        await self._show(chosen if unchanged else None)

    @property
    def _current(self) -> ConflictView | None:
        place = self.query_one(OptionList).highlighted
        return self._conflicts[place] if place is not None and place < len(self._conflicts) else None

    async def on_option_list_option_highlighted(self) -> None:
        """Show the values of the record under the cursor."""
        if self._current is not None and self._current is not self._shown:
            await self._show()

    _shown: ConflictView | None = None

    async def _show(self, chosen: int | None = None) -> None:
        """Show the current record; without a choice the value that is in force is chosen."""
        conflict = self._shown = self._current
        sides = self.query_one("#sides", Horizontal)
        sides.set_class(conflict is None, "empty")
        whose, hint = self.query_one("#whose", Static), self.query_one("#choose", Static)
        if conflict is None:
            whose.update(_("競合はありません"))
            hint.update("")
            await sides.remove_children()
            return
        shown = next(place for place, side in enumerate(conflict.sides) if side.shown)
        self._chosen = shown if chosen is None else chosen
        width = self.app.size.width - 2
        whose.update(cut(f"{conflict.what}  {conflict.whose}", width))
        hint.update(cut(conflict.closed or _hint(conflict), width))
        await self._show_sides(conflict)

    async def _show_sides(self, conflict: ConflictView) -> None:
        """Show as many values side by side as can be read, the chosen one among them; the cursor stays."""
        sides = self.query_one("#sides", Horizontal)
        held = next((place for place, panel in enumerate(sides.children) if panel.has_focus), None)
        room = max(1, min(len(conflict.sides), self.app.size.width // _SIDE_CELLS))
        first = max(0, min(self._chosen - room // 2, len(conflict.sides) - room))
        width = self.app.size.width // room - 5
        panels = []
        for place in range(first, first + room):
            side, chosen = conflict.sides[place], place == self._chosen
            text = Static(_side_text(side, width), markup=False)
            panel = VerticalScroll(text, classes="side chosen" if chosen else "side", can_focus=True)
            title = ("▶ " if chosen else "") + str(place + 1) + (_("（表示中）") if side.shown else "")
            panel.border_title = Content(title)
            panels.append(panel)
        async with self.batch():
            await sides.remove_children()
            await sides.mount_all(panels)
        if held is not None:
            panels[min(held, room - 1)].focus()

    async def on_resize(self) -> None:
        """Fold the texts anew."""
        await self.refresh_data()

    async def on_key(self, event: events.Key) -> None:
        """Choose a value by its number, also a full-width one."""
        digit = half_width(event.character or "")
        if self._current is not None and digit.isascii() and digit.isdigit():
            event.stop()
            await self._choose(int(digit) - 1)

    async def action_choose_left(self) -> None:
        """Choose the value at the left."""
        await self._choose(self._chosen - 1)

    async def action_choose_right(self) -> None:
        """Choose the value at the right."""
        await self._choose(self._chosen + 1)

    async def _choose(self, place: int) -> None:
        conflict = self._current
        if conflict is not None and 0 <= place < len(conflict.sides):
            self._chosen = place
            await self._show_sides(conflict)

    async def action_settle(self) -> None:
        """Let the chosen value stand, after showing what will be recorded."""
        if self._current is not None:
            await self._propose(self._current, self._chosen)

    async def action_write(self) -> None:
        """Write a value that is none of those that stand there."""
        conflict = self._current
        if conflict is None:
            return
        if conflict.closed or conflict.entry is Entry.NONE:
            self.notify(
                conflict.closed or _("この記録は、並んでいる値から選んでください"),
                severity="warning",
                markup=False,
            )
            return
        title = f"{conflict.what}  {conflict.whose}"

        def propose(value: MarkValue | TextValue | None) -> None:
            if value is not None:
                self.run_worker(self._propose(conflict, value))

        if conflict.entry is Entry.MARK:
            codes = await self.ask(lambda office: office.attendance.codes()) or ()
            self.app.push_screen(MarkScreen(title, codes), propose)
            return
        text = conflict.sides[self._chosen].text or ""
        told = _(
            "正しい文。選んでいる値が入っています。例 二つの記入を、一つの文にまとめる。"
            "F4 のあとに、確かめる画面が出ます。"
        )
        self.app.push_screen(
            TextScreen(cut(title, 66), text, told=told),
            lambda written: propose(None if written is None else TextValue(written)),
        )

    async def action_story(self) -> None:
        """Show every change of the record."""
        conflict = self._current
        if conflict is None:
            return
        told = await self.ask(lambda office: office.conflicts.history(conflict))
        if told is not None:
            lines = [
                HistoryLine(one.at, f"{_named(one.who, one.role)}  {one.where}", _one_line(one.value, one.stands))
                for one in told
            ]
            title = f"{conflict.what}  {conflict.whose}" + _("（▶ 今の値）")
            self.app.push_screen(HistoryScreen(title, lines))

    async def _propose(self, conflict: ConflictView, choice: Choice) -> None:
        """Show what would be recorded, and record it when somebody agrees."""
        if conflict.closed:
            self.notify(conflict.closed, severity="warning", markup=False)
            return
        value = await self.ask(lambda office: office.conflicts.preview(conflict, choice))
        if value is None:
            await self.refresh_data()
            return
        shown = fold(value, 48).split("\n")
        text = "\n".join(shown[:_MOST_LINES]) + ("\n…" if len(shown) > _MOST_LINES else "")
        question = _("{whose} の{what}を、次のとおり記録します。\n\n{value}\n\nほかの記入も履歴に残ります。")
        question = question.format(whose=conflict.whose, what=conflict.what, value=text)

        def settle(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._settle(conflict, choice))

        self.app.push_screen(YesNoScreen(question, _("記録する")), settle)

    async def _settle(self, conflict: ConflictView, choice: Choice) -> None:
        if await self.ask(lambda office: office.conflicts.settle(conflict, choice)):
            self.notify(_("決めて、保存しました"))
        await self.refresh_data()


def _same(one: ConflictView, other: ConflictView) -> bool:
    return (one.kind, one.record) == (other.kind, other.record)


def _line(conflict: ConflictView) -> str:
    values = " / ".join(side.value.split("\n")[0] for side in conflict.sides)
    return f"{conflict.what}  {conflict.whose}  {values}"


def _hint(conflict: ConflictView) -> str:
    if len(conflict.sides) > 2:
        return _("{count}つの記入があります。← → か数字で選び、Enter で決めます。").format(
            count=len(conflict.sides)
        )
    return _("残す記入を ← → か 1 2 で選び、Enter で決めます。")


def _named(who: str, role: str) -> str:
    return who + (_("（{text}）").format(text=role) if role else "")


def _side_text(side: ConflictSide, width: int) -> str:
    """Return who, when, where and the value."""
    head = [_named(side.who, side.role), f"{side.at:%m/%d %H:%M:%S}", side.where]
    return fold("\n".join([*head, "", side.value]), width)


def _one_line(value: str, stands: bool) -> str:
    return ("▶ " if stands else "") + value.replace("\n", " ")
