"""A line of the asset ledger as the school writes it: what it is, how grave, where, who, how it may leave.

Invariant: nothing can be chosen that a line of its importance may not say; the dialog goes only when it was kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from appliance.ledger.ledger import HANDLERS, PLACES, TAKEOUTS, Entry, period, read_period, too_wide
from crypto.importance import Importance
from tui.i18n import _
from tui.screens.dialog import Dialog

_KEPT: Final = {True: _("する"), False: _("しない")}


class LedgerForm(Dialog["Entry | None"]):
    """Returns the line once `keep` kept it. What a record of this software is called and how grave stands fast."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "keep", _("保存"))]
    help_text = _("情報資産台帳の一行を、学校の定めに直すか、足します。F4 で保存します。")
    field_help = {
        "name": _("情報資産の名前。例 学年だより。台帳にある行では変えられません。"),
        "importance": _(
            "重要性分類。重いほうから Ⅰ・Ⅱ・Ⅲ・Ⅳ です。重い分類では、下で選べるものが少なくなります。"
        ),
        "where": _("保管場所。いつも置いておく所を選びます。"),
        "takeout": _("持ち出しの決まり。学校の外へ出してよいか、許可が要るかを選びます。"),
        "stays": _("端末での保管。職員の端末に残してよいかを選びます。"),
        "retention": _("保管期間。例 5年、6か月、有効な間。"),
        "source": _("根拠。そう定めた決まりを書きます。例 本校の定め。"),
        "handlers": _("取扱者。扱ってよい人で Enter を押すと ✓ が付き、もう一度押すと消えます。"),
    }

    def __init__(self, entry: Entry, keep: Callable[[Entry], Awaitable[bool]]) -> None:
        super().__init__()
        self._entry, self._keep, self._keeping = entry, keep, False
        self._offered: dict[str, str] = {}
        self._handlers = {*entry.handlers}

    def compose(self) -> ComposeResult:
        """Yield a line for each thing, and who handles it."""
        entry, classes = self._entry, {importance: importance.label for importance in Importance}
        self._offered = _narrow(TAKEOUTS, entry.importance)
        with Vertical(classes="dialog wide ledger"):
            yield _line(_("情報資産"), Input(entry.name, id="name", disabled=bool(entry.name), max_length=100))
            grave = _select("importance", classes, entry.importance)
            grave.disabled = bool(entry.kind)
            yield _line(_("重要性分類"), grave)
            yield _line(_("保管場所"), _select("where", PLACES, entry.place))
            yield _line(_("持ち出し"), _select("takeout", self._offered, entry.takeout))
            yield _line(_("端末での保管"), _select("stays", _KEPT, entry.kept_locally))
            yield _line(_("保管期間 例 5年、6か月"), Input(period(entry.retention), id="retention"))
            yield _line(_("根拠"), Input(entry.source, id="source", max_length=200))
            with Horizontal(classes="handlers"):
                yield Static(_("取扱者"), classes="label")
                yield OptionList(id="handlers", compact=True, markup=False)
            yield Static(_("Tab で次へ   Enter で選ぶ   F4 で保存   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the first line that can be changed."""
        self._list_handlers(self._entry.importance)
        first = "#name" if not self._entry.name else "#where" if self._entry.kind else "#importance"
        self.query_one(first).focus()

    def on_input_submitted(self) -> None:
        """Go to the next line."""
        self.focus_next()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Offer what a line of the chosen importance may say; what may no longer be said becomes the nearest."""
        if event.select.id != "importance" or not isinstance(event.value, Importance):
            return
        offered = _narrow(TAKEOUTS, event.value)
        if offered != self._offered:
            self._offered = offered
            select = self.query_one("#takeout", Select)
            chosen = select.value
            select.set_options([(words, name) for name, words in offered.items()])
            select.value = chosen if chosen in offered else [*offered][-1]
            self._list_handlers(event.value)

    def _list_handlers(self, importance: Importance) -> None:
        offered = _narrow(HANDLERS, importance)
        self._handlers &= {*offered}
        listed = self.query_one("#handlers", OptionList)
        listed.clear_options()
        listed.add_options([Option(self._handler(who), id=who) for who in offered])

    def _handler(self, who: str) -> str:
        return f"{'✓' if who in self._handlers else '・'} {HANDLERS[who]}"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Let somebody in or out of those who handle it."""
        who = event.option.id or ""
        if event.option_list.id == "handlers":
            self._handlers ^= {who}
            event.option_list.replace_option_prompt(who, self._handler(who))

    def action_keep(self) -> None:
        """Keep what was typed, once however often the key is pressed, when all of it can be read."""
        line = self._typed()
        fault = _fault(line)
        if fault:
            self.notify(fault, severity="warning")
        elif not self._keeping:
            self._keeping = True
            self.run_worker(self._try(line))

    async def _try(self, line: Entry) -> None:
        try:
            if await self._keep(line):
                self.dismiss(line)
        finally:
            self._keeping = False

    def _typed(self) -> Entry:
        chosen: dict[str | None, Any] = {select.id: select.value for select in self.query(Select)}
        typed = {line.id: line.value.strip() for line in self.query(Input)}
        return msgspec.structs.replace(
            self._entry,
            name=self._entry.name or typed["name"],
            importance=chosen["importance"],
            place=chosen["where"],
            takeout=chosen["takeout"],
            kept_locally=chosen["stays"],
            retention=read_period(typed["retention"]),
            source=typed["source"],
            handlers=tuple(who for who in HANDLERS if who in self._handlers),
        )

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)


def _line(words: str, widget: Widget) -> Horizontal:
    if isinstance(widget, Input):
        widget.compact = True
    return Horizontal(Static(words, classes="label"), widget, classes="line")


def _select(name: str, options: Mapping[Any, str], chosen: object) -> Select[Any]:
    offered = [(words, option) for option, words in options.items()]
    return Select(offered, value=chosen, allow_blank=False, id=name, compact=True)


def _narrow(words: Mapping[str, str], importance: Importance) -> dict[str, str]:
    """Leave out what a line of this importance may not say."""
    return {name: told for name, told in words.items() if name not in too_wide(importance)}


def _fault(line: Entry) -> str:
    """Return what is missing, in words for whoever types; empty when nothing is."""
    if not line.name:
        return _("情報資産の名前を書いてください")
    if not line.retention:
        return _("保管期間は 5年、6か月、有効な間 のように書いてください")
    if not line.handlers:
        return _("取扱者を選んでください")
    return "" if line.source else _("根拠を書いてください（本校の定め など）")
