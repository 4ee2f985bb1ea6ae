"""One's own day of work: what is declared of it, and the times that are to count instead of the punches."""

from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from appliance.hours.records import Correction, DayRecord
from appliance.hours.views import WorkDay
from tui.i18n import _, day_text
from tui.screens.dialog import Dialog
from tui.typed import read_minutes, read_spans

_MINUTES: Final = {
    "rest": _("休憩（実際に取った）"),
    "self_study": _("自己研鑽・業務外"),
    "off_campus": _("校外での業務"),
    "telework": _("テレワーク"),
    "taken_home": _("持ち帰り（数えない）"),
}


class HoursDayScreen(Dialog["DayRecord | None"]):
    """Returns what was declared, or None."""

    BINDINGS = [Binding("escape", "cancel", _("やめる")), Binding("f4", "keep", _("保存"))]
    help_text = _(
        "一日の勤務を申告します。F4 で保存します。時刻と所定の直しは、校長か教頭の承認のあとに数えます。"
    )
    field_help = {
        "rest": _("休憩。実際に取った時間です。例 45、0:45。Enter で次へ進みます。"),
        "self_study": _("自己研鑽と業務外の時間。勤務に数えません。例 1:30。"),
        "off_campus": _("校外で業務をした時間。例 2:00。"),
        "telework": _("テレワークをした時間。例 1:00。"),
        "taken_home": _("家に持ち帰ってした時間。記録だけで、数えません。例 0:30。"),
        "note": _("メモ。この日のことを短く書けます。例 遠足の引率。"),
        "spans": _("正しい出勤と退勤の時刻。押し忘れを直します。例 7:50-18:20、中抜けは 7:50-12:00 13:00-18:20。"),
        "scheduled": _("この日の所定の時間。振替と4時間の割振りのときだけ書きます。例 7:45。休んだ日は 0:00。"),
        "reason": _("直す理由。時刻か所定を直すときに書きます。例 押し忘れ。校長か教頭が読みます。"),
    }

    def __init__(self, day: WorkDay) -> None:
        super().__init__()
        self._day = day

    def compose(self) -> ComposeResult:
        """Yield a line for each thing."""
        told = self._day.declared
        asked = told.correction if told else None
        spans = " ".join(f"{clock(begin)}-{clock(end)}" for begin, end in (asked.spans or () if asked else ()))
        with Vertical(classes="dialog wide"):
            yield Static(day_text(self._day.on), classes="dialog-title")
            for name, words in _MINUTES.items():
                minutes = getattr(told, name) if told else 0
                yield from self._line(name, words, clock(minutes) if minutes else "")
            yield from self._line("note", _("メモ"), told.note if told else "")
            yield from self._line("spans", _("正しい時刻 例 7:50-18:20"), spans)
            moved = clock(asked.scheduled) if asked is not None and asked.scheduled is not None else ""
            yield from self._line("scheduled", _("この日の所定（振替・4時間）"), moved)
            yield from self._line("reason", _("直す理由"), asked.reason if asked else "")
            yield Static(
                _("""時間は 45 や 0:45。時刻と所定は、校長か教頭の承認のあとに数えます。
振替は出た日 7:45・休んだ日 0:00、4時間の割振りは 4:00 と 3:45。"""),
                classes="hint",
            )
            yield Static(_("Enter で次へ   F4 で保存   Esc でやめる"))

    def _line(self, name: str, words: str, value: str) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Static(words, classes="label")
            yield Input(value, id=name, max_length=100, compact=True)

    def on_mount(self) -> None:
        """Begin with the rest."""
        self.query_one("#rest", Input).focus()

    def on_input_submitted(self) -> None:
        """Go to the next line."""
        self.focus_next()

    def action_keep(self) -> None:
        """Return what was typed, when all of it can be read."""
        typed = {line.id or "": line.value for line in self.query(Input)}
        minutes = {name: read_minutes(typed[name]) for name in (*_MINUTES, "scheduled")}
        spans, reason = read_spans(typed["spans"]), typed["reason"].strip()
        if spans is None or None in minutes.values():
            self.notify(_("時間は 0:45、時刻は 7:50-18:20 のように書いてください"), severity="warning")
            return
        told = minutes.pop("scheduled")
        scheduled = told if typed["scheduled"].strip() else None  # 0:00 is a day off, nothing typed is no change
        if (bool(spans) or scheduled is not None) != bool(reason):
            self.notify(_("正しい時刻か所定と、直す理由は、両方書いてください"), severity="warning")
            return
        correction = Correction(reason=reason, spans=spans or None, scheduled=scheduled) if reason else None
        known = {name: made for name, made in minutes.items() if made is not None}
        self.dismiss(
            DayRecord(person="", on=self._day.on, note=typed["note"].strip(), correction=correction, **known)
        )

    def action_cancel(self) -> None:
        """Declare nothing."""
        self.dismiss(None)


def correction_text(asked: Correction) -> str:
    """Return a correction in words: the times and the 所定 that are to count, and why."""
    spans = " ".join(f"{clock(begin)}-{clock(end)}" for begin, end in asked.spans or ())
    moved = _("所定 {time}").format(time=clock(asked.scheduled)) if asked.scheduled is not None else ""
    return f"{'  '.join(filter(None, (spans, moved)))}（{asked.reason}）"


def clock(minutes: int) -> str:
    """Return minutes as hours and minutes: 95 → 1:35."""
    return f"{minutes // 60}:{minutes % 60:02}"
