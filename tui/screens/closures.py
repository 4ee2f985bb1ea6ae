"""休業・閉鎖: what the school closed in this school year, and what it does to the totals."""

from collections.abc import Callable, Sequence
from datetime import date

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import DataTable, Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.attendance.closures import ClosureTarget, ClosureView, Effect
from appliance.office import Office
from tui.actions import CLOSURE_LIST
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.dialog import Dialog
from tui.typed import read_days
from tui.wrap import fold, plain

_HELP = _("""臨時休業・学年閉鎖・学級閉鎖です。入れると、その日の出席簿・月別の表・集計がすべて変わります。
学級閉鎖の日は、その学級の全員が停・忌（出席停止・忌引等）になります。授業日数は変わりません。
学年に一つの学級、または学年のすべての学級を閉じた日は、学年閉鎖と同じで、授業日数に数えません。
特別支援学級は、学年閉鎖の間も授業があります（閉じるときは、その学級を選びます）。
締めた月は変えられません。「計画」は年間予定の分で、教育委員会が変えます。""")
_EFFECTS = {
    Effect.NO_SCHOOL_DAY: _("授業日数に数えません"),
    Effect.SUSPENDED: _("全員が停・忌になります"),
    Effect.MIXED: _("全員が停・忌になり、学年のすべてを閉じた日は授業日数に数えません"),
}
_SCOPES = {"school": _("臨時休業"), "grade": _("学年閉鎖"), "class": _("学級閉鎖")}


class ClosureForm(Dialog["tuple[ClosureTarget, date, date, str] | None"]):
    """What, on which days, why."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "keep", _("次へ"))]
    help_text = _("臨時休業・学年閉鎖・学級閉鎖を入れます。保存する前に、どうなるかを確かめる画面が出ます。")
    field_help = {
        "targets": _("閉じる所。全校・学年・学級から選びます。Enter で日に進みます。"),
        "days": _("閉じる日。一日か、はじめとおわりを書きます。例 11/24、11/24-11/26。Enter で理由に進みます。"),
        "reason": _(
            "閉じる理由。出席簿の備考に出ます。例 インフルエンザ、大雪。Enter で、確かめる画面に進みます。"
        ),
    }

    def __init__(self, targets: Sequence[ClosureTarget], wanted: str, today: date) -> None:
        super().__init__()
        self._targets, self._wanted, self._today = targets, wanted, today

    def compose(self) -> ComposeResult:
        """Yield the list and the two lines."""
        options = [Option(f"{one.name}  {_SCOPES[one.scope]}") for one in self._targets]
        with Vertical(classes="dialog"):
            yield Static(_("休業・閉鎖を入れる"), classes="dialog-title")
            yield OptionList(*options, id="targets", markup=False)
            yield Static(_("日 例 11/24 や 11/24-11/26"))
            yield Input(f"{self._today:%m/%d}", id="days", max_length=13, select_on_focus=True, compact=True)
            yield Static(_("理由 例 インフルエンザ、大雪（備考に出ます）"))
            yield Input(id="reason", max_length=40, compact=True)
            yield Static(_("Enter で次へ   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin at the class that was under the cursor."""
        options = self.query_one(OptionList)
        places = [place for place, one in enumerate(self._targets) if one.target == self._wanted]
        options.highlighted = places[0] if places else 0
        options.focus()

    def on_option_list_option_selected(self) -> None:
        """Go on to the days."""
        self.query_one("#days", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the reason, then return."""
        event.stop()
        self.query_one("#reason", Input).focus() if event.input.id == "days" else self.action_keep()

    def action_keep(self) -> None:
        """Return what was chosen, once the days can be read."""
        days = read_days(self.query_one("#days", Input).value, self._today)
        place = self.query_one(OptionList).highlighted
        if days is None or place is None:
            self.notify(_("日は 11/24 や 11/24-11/26 のように書いてください"), severity="warning")
            self.query_one("#days", Input).focus()
            return
        self.dismiss((self._targets[place], *days, self.query_one("#reason", Input).value.strip()))

    def action_cancel(self) -> None:
        """Close nothing."""
        self.dismiss(None)


class ClosuresScreen(OfficeScreen):
    """The list, and what the one under the cursor does below."""

    actions = CLOSURE_LIST
    help_text = _HELP
    field_help = {
        "closures": _("休業と閉鎖の一覧。選ぶと、その意味が下に出ます。n で入れ、x で解きます。"),
    }

    def __init__(self, wanted: str = "") -> None:
        super().__init__()
        self._wanted = wanted
        self._closures: tuple[ClosureView, ...] = ()
        self._done: list[Callable[[Office], object]] = []
        self._today = date.min

    def body(self) -> ComposeResult:
        """Yield title, list and detail."""
        yield Static(_("休業・閉鎖"), id="title", markup=False)
        yield DataTable(id="closures", cursor_type="row", zebra_stripes=True)
        yield Static("", id="detail", markup=False)

    async def on_mount(self) -> None:
        """Set the columns, then fill them."""
        table = self.query_one(DataTable)
        columns = ((_("日"), 11), (_("学級・学年"), 20), ("", 8), (_("授業日"), 6), (_("理由"), 16), ("", 4))
        for label, width in columns:
            table.add_column(label, width=width)
        await super().on_mount()
        table.focus()

    async def refresh_data(self) -> None:
        """Read the school year's closures."""
        seen = await self.ask(lambda office: (office.closures.listed(office.today()), office.today()))
        if seen is None:
            return
        self._closures, self._today = seen
        table = self.query_one(DataTable)
        place = table.cursor_row
        table.clear()
        for view in self._closures:
            planned = "" if view.id else _("計画")
            words = (view.what.name, _SCOPES[view.what.scope], f"{view.days:>4}", view.reason, planned)
            table.add_row(days_text(view.first, view.last), *map(plain, words))
        table.move_cursor(row=max(0, min(place, table.row_count - 1)))
        self._show_detail()

    def on_data_table_row_highlighted(self) -> None:
        """Show what the closure under the cursor does."""
        self._show_detail()

    def _show_detail(self) -> None:
        view = self._current
        text = _sentence(view) if view else _("今年度の休業・閉鎖はありません。n で入れます。")
        self.query_one("#detail", Static).update(fold(text, self.app.size.width - 4))

    @property
    def _current(self) -> ClosureView | None:
        place = self.query_one(DataTable).cursor_row
        return self._closures[place] if 0 <= place < len(self._closures) else None

    async def action_close_down(self) -> None:
        """Ask what, when and why, say what it means, then close."""
        targets = await self.ask(lambda office: office.closures.targets())
        if targets is None:
            return

        def chosen(form: "tuple[ClosureTarget, date, date, str] | None") -> None:
            if form is not None:
                self.run_worker(self._foresee(form))

        self.app.push_screen(ClosureForm(targets, self._wanted, self._today), chosen)

    async def _foresee(self, form: tuple[ClosureTarget, date, date, str]) -> None:
        view = await self.ask(lambda office: office.closures.foresee(*form))
        if view is None:
            return

        async def answered(yes: bool | None) -> None:
            made = await self.ask(lambda office: office.closures.close(*form)) if yes else None
            if made is not None:
                own = made[0]
                self._done.append(lambda office: office.closures.lift(own))
                self.notify(_("保存しました"))
                await self.refresh_data()

        self.app.push_screen(YesNoScreen(_sentence(view), _SCOPES[view.what.scope]), answered)

    def action_lift(self) -> None:
        """Ask, then take the closure under the cursor back."""
        view = self._current
        if view is None or not view.id:
            self.notify(_("年間予定の休業は、教育委員会が変えます") if view else _("選んでください"))
            return
        own = view.id

        async def answered(yes: bool | None) -> None:
            if yes and await self.ask(lambda office: office.closures.lift(own)) is not None:
                self._done.append(lambda office: office.closures.lift(own, lifted=False))
                await self.refresh_data()

        what = f"{view.what.name} {days_text(view.first, view.last)}"
        self.app.push_screen(YesNoScreen(_("{what} の閉鎖を解きますか。").format(what=what), _("解く")), answered)

    async def action_undo(self) -> None:
        """Take the newest own change of this screen back."""
        if not self._done:
            self.notify(_("元に戻す入力がありません"))
        elif await self.ask(self._done.pop()) is not None:
            self.notify(_("元に戻しました"))
            await self.refresh_data()

    async def on_resize(self) -> None:
        """Fold the text anew."""
        self._show_detail()


def days_text(first: date, last: date) -> str:
    """Return one day, or the first and the last."""
    return f"{first:%m/%d}" if first == last else f"{first:%m/%d}–{last:%m/%d}"


def _sentence(view: ClosureView) -> str:
    """Return what a closure means, in one sentence."""
    sentence = _("{what} {days} {scope}（授業のある日 {count}日）。{effect}。")
    told = {"what": view.what.name, "days": days_text(view.first, view.last), "scope": _SCOPES[view.what.scope]}
    return sentence.format(**told, count=view.days, effect=_EFFECTS[view.effect])
