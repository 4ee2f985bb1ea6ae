"""電話連絡: an absence told by telephone, entered with one hand while the caller is still on the line.

Invariant: what a line at the bottom calls kept was acknowledged by the keeper. Enter takes the pupil that is
highlighted for what stands in the line at that moment, never one of an older search.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.attendance.absences import Absence, AbsenceChoices, AbsenceDay, mourning_until
from appliance.attendance.influenza import ReturnRule, earliest_return
from appliance.views import Asks, AttendanceCode, FoundPupil, Saved
from tui.actions import PHONE
from tui.i18n import _, day_text
from tui.screens.base import OfficeScreen
from tui.screens.notices import NoticesScreen
from tui.typed import half_width, read_day, read_time
from tui.widgets.daychoice import DayChoice
from tui.widgets.hits import MOST, Hits, pupil_line, pupil_lines
from tui.widgets.orderedinput import OrderedInput
from tui.wrap import fold, rows

_HELP = _("""電話を受けながら、片手で記入します。
1. 名前の読みを二文字ほど打ち、↑↓ で選んで Enter。ローマ字（sato）でもかまいません。
2. 記号の文字を押します（病欠は b）。その前に → で終わりの日、↓ で始まりの日を先へ動かせます。
3. 理由を数字で選ぶと、その場で保存されます。0 は理由なし、9 は自由に書きます。
出席停止では発症した日と熱が下がった日から、忌引では続柄から、終わりの日を計算します。
F2 で直前の一件を取り消せます。F4 で、保護者アプリの欠席連絡と照らし合わせます。""")
_SHOWN: Final = 3  # kept absences at the bottom
_NO_REASON, _OWN_REASON = 0, 9


@dataclass(frozen=True, slots=True)
class Kept:
    """One absence that was kept, in words, and how to take it back."""

    words: str
    saved: Saved


class PhoneScreen(OfficeScreen):
    """Name, days and code, reason: three steps on one screen, then the next call."""

    actions = PHONE
    help_text = _HELP
    field_help = {
        "caller": _(
            "休む児童生徒の名前。読みのはじめを打つと、下に候補が出ます。例 さと、sato。"
            "↑↓ で選び、Enter で次へ進みます。"
        ),
        "callers": _("名前の候補。電話の人を選んで Enter を押すと、日と記号に進みます。"),
        "choice": _(
            "休む日と記号。下に並ぶ文字を一つ押します。例 b は病欠。休みが続くときは、その前に日を動かします。"
        ),
        "told-time": _(
            "遅刻・早退の時刻。来る時刻か帰る時刻を書きます。例 9:40。分からなければ、空のまま Enter を押します。"
        ),
        "told-days": _(
            "発症した日と、熱が下がった日。空白で区切ります。例 11/20 11/23。"
            "まだ熱があれば、発症した日だけ書きます。Enter で保存します。"
        ),
        "told-reason": _(
            "休む理由（重要性分類Ⅱ）。聞いたことを短く書きます。例 発熱、通院。"
            "見られるのは権限のある職員だけです。Enter で保存します。"
        ),
        "reasons": _(
            "休む理由の一覧。数字を押すか、選んで Enter を押すと、保存されます。9 では自分のことばで書けます。"
        ),
    }

    def __init__(self, today: date) -> None:
        super().__init__()
        self._today = today
        self._choices: AbsenceChoices | None = None
        self._hits: tuple[FoundPupil, ...] = ()
        self._pupil: FoundPupil | None = None
        self._absence: Absence | None = None
        self._days: tuple[AbsenceDay, ...] = ()
        self._rule: ReturnRule | None = None
        self._kept: list[Kept] = []
        self._step = "caller"

    def body(self) -> ComposeResult:
        """Yield the steps, of which one shows at a time below the line."""
        yield Static(_("電話連絡"), id="title", markup=False)
        yield OrderedInput(placeholder=_("読みのはじめ（かな・ローマ字）か氏名"), id="caller")
        yield Hits("callers")
        yield DayChoice("", id="choice", markup=False)
        yield OrderedInput(id="detail", classes="told-reason", max_length=200)
        yield OptionList(id="reasons", markup=False)
        yield Static("", id="kept", markup=False)

    async def on_mount(self) -> None:
        """Read what may be told, and begin with the name."""
        self._choices = await self.ask(lambda office: office.absences.choices())
        await super().on_mount()
        self._next_call()

    def _show(self, *ids: str) -> None:
        """Show these parts and focus the last."""
        for part in ("caller", "callers", "choice", "detail", "reasons"):
            self.query_one(f"#{part}").display = part in ids
        self._step = ids[-1]
        self.query_one(f"#{self._step}").focus()

    def _next_call(self) -> None:
        self._pupil = self._absence = self._rule = None
        line = self.query_one("#caller", Input)
        line.value = ""
        self._show("callers", "caller")
        text = "\n".join(f"✓ {kept.words}" for kept in self._kept[-_SHOWN:])
        self.query_one("#kept", Static).update(fold(text, self.app.size.width - 4) if text else "")

    def action_notices(self) -> None:
        """Compare with what the parents' app received."""
        self.app.push_screen(NoticesScreen())

    # --- the name

    async def on_input_changed(self, event: Input.Changed) -> None:
        """Search again."""
        if event.input.id == "caller" and self._pupil is None:
            await self._search(event.value)

    async def _find(self, typed: str) -> tuple[FoundPupil, ...] | None:
        on = self._today
        found = await self.ask(lambda office: office.attendance.find_pupils(typed, on), quiet=True)
        return None if found is None else found[:MOST]

    async def _search(self, typed: str) -> None:
        found = await self._find(typed)
        if typed != self.query_one("#caller", Input).value:
            return  # a newer search is on its way
        self._hits = found or ()
        hits = self.query_one("#callers", Hits)
        hits.show(typed, None if found is None else pupil_lines(found))
        hits.highlighted = 0 if found else None

    def on_key(self, event: events.Key) -> None:
        """Let the arrows choose a pupil while the name is typed, and digits a reason."""
        if self._pupil is None and event.key in ("up", "down"):
            hits = self.query_one("#callers", OptionList)
            hits.action_cursor_down() if event.key == "down" else hits.action_cursor_up()
        elif self._step == "reasons" and (event.character or "").isdecimal():
            self.run_worker(self._reason_by(int(event.character or "0")), exclusive=True)
        else:
            return
        event.stop()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next step."""
        event.stop()
        if event.input.id == "detail":
            await self._detail(event.value)
        elif self._pupil is None:
            place = self.query_one("#callers", OptionList).highlighted or 0
            listed, found = self._hits, await self._find(event.value)
            if found:
                await self._choose(found[place if listed == found else 0])
                await self._typed_ahead(event.input.value.removeprefix(event.value))

    async def _typed_ahead(self, letters: str) -> None:
        """Take what was typed into the line after Enter, while the pupil was looked up."""
        for letter in letters:
            if self._step == "choice":
                self.on_day_choice_letter(DayChoice.Letter(half_width(letter).lower()))
            elif self._step == "reasons" and letter.isdecimal():
                await self._reason_by(int(letter))

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the pupil, or the reason, under the cursor."""
        event.stop()
        if event.option_list.id == "callers":
            await self._choose(self._hits[event.option_index])
        else:
            await self._reason_by(int(event.option.id or "0"))

    # --- the days and the code

    async def _choose(self, pupil: FoundPupil) -> None:
        self._pupil = pupil
        self._absence = Absence(pupil.pupil_id, self._today, self._today, "")
        self._show("choice")
        await self._show_days()

    async def _show_days(self) -> None:
        absence, pupil, choices = self._absence, self._pupil, self._choices
        if absence is None or pupil is None or choices is None:
            return
        days = await self.ask(lambda o: o.absences.days(absence.pupil_id, absence.first, absence.last), quiet=True)
        self._days = days or ()
        names = {code.code: code.name for code in choices.codes}
        lines = [pupil_line(pupil), self._period(absence), *self._standing(names), ""]
        lines.append(rows([f"{code.key} {code.name}" for code in choices.codes], self.app.size.width - 6))
        lines += ["", _("→ ← 終わりの日   ↓ ↑ 始まりの日   Esc 名前に戻る")]
        self.query_one("#choice", DayChoice).update("\n".join(lines))

    def _period(self, absence: Absence) -> str:
        count = len(self._days)
        if absence.first == absence.last:
            word = _("今日") + " " if absence.first == self._today else ""
            closed = "" if count else "  " + _("（休業日です）")
            return f"{word}{day_text(absence.first)}{closed}"
        return _("{first} から {last} まで（授業のある日 {count}日）").format(
            first=day_text(absence.first), last=day_text(absence.last), count=count
        )

    def _standing(self, names: dict[str, str]) -> list[str]:
        """Return what stands on the days already: it will be replaced, and stays in the history."""
        told = [day for day in self._days if day.code]
        return [
            _("すでに記入があります: {day} {code}（{by} {at}）。置き換わります。").format(
                day=day_text(day.on), code=names.get(day.code, day.code), by=day.by, at=day.at
            )
            for day in told[:1]
        ]

    async def on_day_choice_moved(self, event: DayChoice.Moved) -> None:
        """Move the days; the last is never before the first."""
        absence = self._absence
        if absence is None:
            return
        first = absence.first + timedelta(days=event.first)
        last = max(absence.last + timedelta(days=event.last), first)
        self._absence = replace(absence, first=first, last=last)
        await self._show_days()

    def on_day_choice_letter(self, event: DayChoice.Letter) -> None:
        """Take a code, then ask what it needs."""
        codes = self._choices.codes if self._choices else ()
        code = next((code for code in codes if code.key == event.letter), None)
        if code is None or self._absence is None:
            return
        self._absence = replace(self._absence, code=code.code)
        if code.wants_time:
            self._ask_line(_("時刻 例 9:40（分からなければ Enter）"), "told-time")
        else:
            self._ask_reason(code)

    # --- time, onset, reason

    def _ask_line(self, words: str, told: str) -> None:
        """Ask for a line; `told` is the class by which its help is found."""
        self._say(words)
        line = self.query_one("#detail", Input)
        line.value = ""
        line.set_classes(told)
        self._show("choice", "detail")

    def _say(self, words: str) -> None:
        pupil, absence, code = self._pupil, self._absence, self._code()
        if pupil is not None and absence is not None:
            text = f"{pupil_line(pupil)}\n{self._period(absence)}  {code.name if code else ''}\n\n{words}"
            self.query_one("#choice", DayChoice).update(text)

    def _ask_reason(self, code: AttendanceCode) -> None:
        self._say(_("理由を数字で選んでください。選ぶと保存されます。"))
        options = [Option(f"{n} {words}", id=str(n)) for n, words in self._reasons(code).items()]
        options += [Option(f"{_NO_REASON} {_('理由なし')}", id=str(_NO_REASON))]
        options += [Option(f"{_OWN_REASON} {_('ほかの理由を書く')}", id=str(_OWN_REASON))]
        reasons = self.query_one("#reasons", OptionList)
        reasons.clear_options()
        reasons.add_options(options)
        reasons.highlighted = 0
        self._show("choice", "reasons")

    def _reasons(self, code: AttendanceCode) -> dict[int, str]:
        """Return digit → words: illnesses or relations first where the code asks for them."""
        choices = self._choices
        if choices is None:
            return {}
        if code.asks is Asks.MOURNING:
            words = [f"{rule.name}（{rule.days}）" for rule in choices.mourning]
        else:
            ill = choices.illnesses if code.asks is Asks.ILLNESS else ()
            words = [*(rule.name for rule in ill), *(reason.name for reason in choices.reasons)]
        return dict(enumerate(words[: _OWN_REASON - 1], 1))

    async def _reason_by(self, digit: int) -> None:
        """Keep with the reason of a digit, or ask for what it still needs."""
        code, absence, choices = self._code(), self._absence, self._choices
        if code is None or absence is None or choices is None or self._step != "reasons":
            return
        if digit == _OWN_REASON:
            self._ask_line(_("理由（重要性分類Ⅱ）"), "told-reason")
        elif digit == _NO_REASON:
            await self._keep(absence)
        elif digit not in self._reasons(code):
            return
        elif code.asks is Asks.MOURNING:
            rule = choices.mourning[digit - 1]
            last = mourning_until(rule, absence.first)
            await self._keep(replace(absence, last=last, reason=rule.relation))
        elif code.asks is Asks.ILLNESS and digit <= len(choices.illnesses):
            self._rule = choices.illnesses[digit - 1]
            self._ask_line(_("発症した日と熱が下がった日 例 11/20 11/23（まだなら発症の日だけ）"), "told-days")
        else:
            ill = len(choices.illnesses) if code.asks is Asks.ILLNESS else 0
            await self._keep(replace(absence, reason=choices.reasons[digit - 1 - ill].text))

    async def _detail(self, typed: str) -> None:
        """Take a time, the days of an illness, or a reason in words."""
        code, absence = self._code(), self._absence
        if code is None or absence is None:
            return
        if self._rule is not None:
            await self._keep_illness(absence, self._rule, typed)
        elif code.wants_time and absence.at_time is None:
            at_time = read_time(typed)
            if typed.strip() and at_time is None:
                self.notify(_("時刻は 9:40 のように書いてください"), severity="warning")
                return
            self._absence = replace(absence, at_time=at_time)
            self._ask_reason(code)
        else:
            await self._keep(replace(absence, reason=typed.strip() or None))

    async def _keep_illness(self, absence: Absence, rule: ReturnRule, typed: str) -> None:
        days = [read_day(word, self._today) for word in typed.split()]
        onset, recovered = (*days, None)[:2] if days else (absence.first, None)
        if onset is None or len(days) > 2 or (len(days) == 2 and recovered is None):
            self.notify(_("日は 11/20 のように書いてください"), severity="warning")
            return
        back = await self.ask(lambda _office: earliest_return(onset, recovered, rule))
        if back is None:
            return
        last = max(absence.first, back - timedelta(days=1))
        self.notify(_("{name}: 登校できるのは {day} からです").format(name=rule.name, day=day_text(back)))
        await self._keep(replace(absence, last=last, reason=rule.name))

    async def _keep(self, absence: Absence) -> None:
        """Keep it, then be ready for the next call; after a failure the step stays as it was."""
        pupil, code = self._pupil, self._code()
        saved = await self.ask(lambda office: office.absences.keep(absence))
        if saved is None or pupil is None or code is None:
            return
        until = f"–{absence.last:%m/%d}" if absence.last != absence.first else ""
        words = f"{pupil_line(pupil)}  {code.name}  {absence.first:%m/%d}{until}  {absence.reason or ''}".rstrip()
        self._kept.append(Kept(words, saved))
        self._next_call()

    def _code(self) -> AttendanceCode | None:
        codes, absence = self._choices.codes if self._choices else (), self._absence
        return next((code for code in codes if absence is not None and code.code == absence.code), None)

    # --- back

    async def action_take_back(self) -> None:
        """Take the newest absence of this screen back."""
        if not self._kept:
            self.notify(_("元に戻す入力がありません"))
            return
        kept = self._kept.pop()
        if await self.ask(lambda office: office.attendance.undo(kept.saved)) is not None:
            self.notify(_("取り消しました: {what}").format(what=kept.words))
        self._next_call()

    def action_back(self) -> None:
        """Go one step back; from the name to the screen below."""
        if self._pupil is None:
            super().action_back()
        elif self._code() is not None and self._absence is not None:
            self._absence, self._rule = replace(self._absence, code="", at_time=None), None
            self._show("choice")
            self.run_worker(self._show_days())
        else:
            self._next_call()
