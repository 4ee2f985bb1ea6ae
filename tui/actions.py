"""Every action of the screens, once: it feeds key bindings, footer, help and palette.

Invariant: an id names one key and one meaning on every screen; keys are those that work over SSH, in tmux and on a
Linux console (F1–F10, Enter, Esc, arrows, single letters outside inputs).
"""

from dataclasses import dataclass

from textual.binding import Binding

from tui.i18n import _


@dataclass(frozen=True, slots=True)
class Action:
    """What a key does. `label` at most 8 cells for the footer, `explain` for help and palette."""

    id: str
    key: str
    label: str
    explain: str
    footer: bool = True
    priority: bool = False  # a list has an Enter and arrows of its own, which would hide these from the footer


HELP = Action("help", "f1", _("説明"), _("この画面の使い方を見る"))
FIND = Action("find", "f3", _("検索"), _("名前の読みで児童生徒を探す"))
BACK = Action("back", "escape", _("戻る"), _("前の画面に戻る"))
PALETTE = Action("command_palette", "f9", _("操作一覧"), _("できることの一覧から選ぶ"), footer=False)
LOCK = Action("lock", "f8", _("施錠"), _("席を離れる: 画面を閉じて鍵を捨てる"), footer=False)
QUIT = Action("leave", "f10", _("終了"), _("退室して終わる"))

OPEN = Action("open", "enter", _("開く"), _("選んだものを開く"), priority=True)
MEETINGS = Action("meetings", "f5", _("会議"), _("職員会議の一覧を開く"))

CONFLICTS = Action("conflicts", "f6", _("競合"), _("二人が別々に書いた記録の一覧を開く"))
QUARANTINE = Action("quarantine", "f7", _("隔離"), _("取り込まずに取ってある記入の一覧を開く"), footer=False)

REST_PRESENT = Action("rest_present", "f2", _("全員出席"), _("記入のない人を全員出席にする（記入は変えない）"))
CONFIRM = Action("confirm", "f4", _("確定"), _("この学級のこの日を確定する、または確定を解く"))
DETAIL = Action("detail", "r", _("理由時刻"), _("選んだ人の理由と時刻を書く"), footer=False)
CLEAR = Action("clear", "x", _("消す"), _("選んだ人の記入を取り消す"), footer=False)
UNDO = Action("undo", "u", _("元に戻す"), _("直前の自分の入力を元に戻す"))
HISTORY = Action("history", "h", _("履歴"), _("だれがいつ何を記入したか"), footer=False)
PREVIOUS_DAY = Action("previous_day", "left", _("前の日"), _("前の日を開く"), footer=False)
NEXT_DAY = Action("next_day", "right", _("次の日"), _("次の日を開く"), footer=False)
PREVIOUS_CLASS = Action("previous_class", "f6", _("前の学級"), _("前の学級を開く"), footer=False)
NEXT_CLASS = Action("next_class", "f7", _("次の学級"), _("次の学級を開く"), footer=False)
TOTALS = Action("totals", "f5", _("月の集計"), _("この学級のこの月の集計を見る"), footer=False)

DECIDE = Action("decide", "f4", _("決定記入"), _("選んだ議題の決定を書く"))

SETTLE = Action("settle", "enter", _("決める"), _("選んだ記入に決める（先に、書く内容を見せる）"), priority=True)
CHOOSE_LEFT = Action("choose_left", "left", _("左"), _("左の記入を選ぶ"), footer=False, priority=True)
CHOOSE_RIGHT = Action("choose_right", "right", _("選ぶ"), _("右の記入を選ぶ（1 2 3 でも選べる）"), priority=True)
WRITE = Action("write", "e", _("別の値"), _("どれでもない値を書く"))
STORY = Action("story", "h", _("履歴"), _("だれがいつどこで何を書いたか"))

EVERYWHERE = (HELP, FIND, LOCK, PALETTE, QUIT)
LOGIN = (HELP, QUIT)
HOME = (OPEN, MEETINGS, CONFLICTS, QUARANTINE, *EVERYWHERE)
ATTENDANCE = (
    REST_PRESENT,
    CONFIRM,
    UNDO,
    DETAIL,
    CLEAR,
    HISTORY,
    PREVIOUS_DAY,
    NEXT_DAY,
    PREVIOUS_CLASS,
    NEXT_CLASS,
    TOTALS,
    BACK,
    HELP,
    FIND,
    LOCK,
    PALETTE,
)
MEETING_LIST = (OPEN, BACK, *EVERYWHERE)
MEETING = (DECIDE, BACK, HELP, FIND, LOCK, PALETTE)
CONFLICT = (SETTLE, CHOOSE_LEFT, CHOOSE_RIGHT, WRITE, STORY, BACK, HELP, LOCK, PALETTE)
HELD = (BACK, *EVERYWHERE)
RESERVED_LETTERS = frozenset(action.key for action in ATTENDANCE if len(action.key) == 1)


def bindings(actions: tuple[Action, ...]) -> list[Binding]:
    """Return Textual's bindings for some actions."""
    return [
        Binding(
            action.key,
            action.id,
            action.label,
            show=action.footer,
            tooltip=action.explain,
            id=action.id,
            priority=action.priority,
        )
        for action in actions
    ]
