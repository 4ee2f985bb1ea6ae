"""Every action of the screens, once: it feeds key bindings, footer, help and palette.

Invariant: an id names one key and one meaning on every screen; keys are those that work over SSH, in tmux and on a
Linux console (F1–F10, Enter, Esc, arrows, PgUp, PgDn, single letters outside inputs).
"""

from dataclasses import dataclass, replace

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

CONFLICTS = Action("conflicts", "f6", _("競合"), _("二人が別々に書いた記録の一覧を開く"), footer=False)
QUARANTINE = Action("quarantine", "f7", _("隔離"), _("取り込まずに取ってある記入の一覧を開く"), footer=False)

CARDS = Action("cards", "f2", _("緊急連絡"), _("緊急連絡先・アレルギーなどを開く（重要性分類Ⅰ）"), footer=False)
DISCLOSE = Action("disclose", "f4", _("非常開示"), _("校長と教頭の二人で開く、または閉じる（非常時開示）"))

NOTICE = Action("notice", "a", _("要注意"), _("長い欠席と、確定していない学級の一覧を開く"), footer=False)
CLOSURES = Action("closures", "k", _("休業閉鎖"), _("臨時休業・学年閉鎖・学級閉鎖を入れる、解く"), footer=False)
CLOSE_DOWN = Action("close_down", "n", _("閉鎖する"), _("学級・学年・全校を休業・閉鎖にする"))
LIFT = Action("lift", "x", _("解く"), _("選んだ休業・閉鎖を取り消す"))
LOOK = Action("look", "z", _("見え方"), _("見え方を変える: 標準・高コントラスト・明るい"), footer=False)
ASKED = Action("surveys", "q", _("調査"), _("アンケートに答える、つくる、結果を見る"), footer=False)
SURVEY_MAKE = Action("survey_make", "n", _("つくる"), _("アンケートをつくって、受け付けを始める"))
SURVEY_CLOSE = Action("survey_close", "x", _("締め切る"), _("選んだアンケートを、締切の日より前に締め切る"))
SURVEY_RESULT = Action("survey_result", "f4", _("結果"), _("締め切ったアンケートの結果を棒で見る"))
NOTICES_FOR_ALL = Action(
    "noticeboard", "o", _("掲示板"), _("児童生徒のタブレットに見せる掲示を書く"), footer=False
)
SCHOOL_SYSTEM = Action(
    "exchange", "e", _("校務連携"), _("校務支援システムのファイルを取り込む、書き出す、受領書を見る"), footer=False
)
TAKE_IN = Action("take_in", "f4", _("取り込む"), _("調べたファイルを取り込み、受領書を作る"))
TURN_AWAY = Action("turn_away", "x", _("断る"), _("調べたファイルを取り込まずに断り、受領書を作る"))
RECEIPT = Action("receipt", "f2", _("受領書"), _("選んだファイルの受領書を書き出す"))
POST = Action("post", "n", _("書く"), _("掲示を書いて、ページに載せる"))
TAKE_DOWN = Action("take_down", "x", _("取り下げ"), _("選んだ掲示を、終わりの日より前に取り下げる"))
POST_ALL = Action("post_all", "f4", _("載せる"), _("まだページに出ていない掲示を、すべて載せる"))
WORK = Action("work", "w", _("勤務"), _("出勤・退勤を記録する、自分の勤務時間を見る"), footer=False)
COME = Action("come", "i", _("出勤"), _("いま出勤したと記録する"))
GO = Action("go", "o", _("退勤"), _("いま退勤したと記録する"))
EVERYBODY = Action("everybody", "f2", _("全員"), _("全員の勤務時間を開く（校長・教頭）"))
TURN_DOWN = Action("turn_down", "f4", _("不承認"), _("承認を待つ直しを、理由を書いて断る"), footer=False)
TREND = Action("trend", "g", _("推移"), _("一年の時間外を、月45時間・80時間の線と並べて見る"), footer=False)
REPORT = Action("report", "r", _("報告"), _("時間外の月平均を前の年度と比べた表を見る"), footer=False)
SHIFTS = Action("shifts", "s", _("勤務表"), _("だれがいつからどの勤務時間かを見る、直す"), footer=False)
CLOCK_FILE = Action("clock_file", "m", _("打刻取込"), _("打刻機のファイルを取り込む"), footer=False)
TAKE_FILE = Action("take_file", "n", _("ファイル"), _("この装置にある打刻機のファイルを調べる"))
TAKE_DOCUMENT = Action("take_document", "d", _("文書"), _("受け箱から封じた打刻機のファイルを選んで調べる"))
KEEP_ROWS = Action("keep_rows", "f4", _("取り込む"), _("調べた行を取り込む"))
EARLIER = Action("earlier", "left", _("前の月"), _("前の月を開く"), footer=False, priority=True)
LATER = Action("later", "right", _("次の月"), _("次の月を開く"), footer=False, priority=True)
CALLS = Action("phone", "t", _("電話連絡"), _("欠席などの電話を受けながら記入する"))
CHECK_NOTICES = Action("notices", "f4", _("照合"), _("保護者アプリの欠席連絡を貼り付けて、記入と照らし合わせる"))
TAKE_ALL = Action("take_all", "f4", _("全部記入"), _("未記入の連絡を、すべて出席簿に記入する"))
TAKE_BACK = Action("take_back", "f2", _("取り消す"), _("この画面で直前に記入した一件を取り消す"))
AUDIT_RECORD = Action("audit", "f4", _("監査記録"), _("だれが何を開いたか、断られたかの記録を見る"), footer=False)
ASSETS = Action(
    "ledger", "d", _("台帳"), _("情報資産台帳: 分類・保管場所・持ち出し・保管期間を見る"), footer=False
)
EDIT_LINE = Action("edit_line", "e", _("直す"), _("選んだ行を、この学校の定めに直す（校長・教頭）"))
ADD_LINE = Action("add_line", "n", _("足す"), _("この学校の情報資産を台帳に足す（校長・教頭）"))
LINE_HISTORY = Action("line_history", "h", _("履歴"), _("選んだ行を、だれがいつ変えたかを見る"))
FILES = Action("files", "b", _("文書"), _("封じて保管している文書を探す、開く、加える"), footer=False)
ADD = Action("add", "n", _("加える"), _("この装置にあるファイルを封じて加える"))
VERSIONS = Action("versions", "v", _("版"), _("前の版を選んで開く"))
CLASSIFY = Action("classify", "c", _("分類"), _("選んだ文書の重要性分類を変える"))
DESTROY = Action("destroy", "x", _("廃棄"), _("選んだ文書を廃棄する（Ⅰ・Ⅱは二人で）"), footer=False)
PAGE_BACK = Action("page_back", "left", _("前の頁"), _("前のページを見る"), priority=True)
PAGE_ON = Action("page_on", "right", _("次の頁"), _("次のページを見る"), priority=True)
AS_TEXT = Action("as_text", "t", _("文字/絵"), _("絵と文字を切り替える（PDFなど）"))
PERMIT_LIST = Action(
    "permits", "p", _("持ち出し"), _("持ち出しの許可を申請する、許可する、戻したと記録する"), footer=False
)
DROPPED = Action("dropped", "i", _("受け箱"), _("受け箱に残っているファイルを見る"), footer=False)
ADD_PERMIT = Action("add_permit", "n", _("申請"), _("校長に持ち出しの許可を申請する"))
RETURNED = Action("returned", "r", _("戻した"), _("持ち帰り・廃棄・紛失を記録する"))
REFUSED = Action("refused", "f4", _("拒否のみ"), _("断られたものだけを見る、またはすべてを見る"))

EXAMINE = Action("examine", "enter", _("点検"), _("選んだ箱の点検（doctor）を見る"), priority=True)
AGAIN = Action("again", "r", _("聞き直す"), _("すべての箱に、いま聞き直す"))

REST_PRESENT = Action("rest_present", "f2", _("全員出席"), _("記入のない人を全員出席にする（記入は変えない）"))
CONFIRM = Action("confirm", "f4", _("確定"), _("この学級のこの日を確定する、または確定を解く"))
DETAIL = Action("detail", "r", _("理由時刻"), _("選んだ人の理由と時刻を書く"), footer=False)
RING = Action("ring", "d", _("電話"), _("選んだ人の保護者の電話番号を見る（重要性分類Ⅱ）"), footer=False)
CLEAR = Action("clear", "x", _("消す"), _("選んだ人の記入を取り消す"), footer=False)
UNDO = Action("undo", "u", _("元に戻す"), _("直前の自分の入力を元に戻す"))
HISTORY = Action("history", "h", _("履歴"), _("だれがいつ何を記入したか"), footer=False)
PREVIOUS_DAY = Action("previous_day", "left", _("前の日"), _("前の日を開く"), footer=False)
NEXT_DAY = Action("next_day", "right", _("次の日"), _("次の日を開く"), footer=False)
PREVIOUS_CLASS = Action("previous_class", "f6", _("前の学級"), _("前の学級を開く"), footer=False)
NEXT_CLASS = Action("next_class", "f7", _("次の学級"), _("次の学級を開く"), footer=False)
BY_MONTH = Action("by_month", "f5", _("月別"), _("この学級のこの月を、全員の毎日の表で開く"), footer=False)
TURN = Action("turn", "f4", _("縦/横"), _("進む向きを、次の人と次の日の間で変える"))
CLOSE_MONTH = Action(
    "close_month", "f2", _("締め"), _("この学級のこの月を締める。締めた月は校長が開ける"), footer=False
)
MONTH_TOTALS = Action("month_totals", "f5", _("集計"), _("この学級のこの月の集計を見る"), footer=False)
RELEASE = Action(  # a text that is written would take the key to select all of it
    "release",
    "f7",
    _("書き出す"),
    _("印刷用や表計算用のファイルに書き出す（持ち出しの規則で）"),
    priority=True,
)
PREVIOUS_MONTH = Action("previous_month", "pageup", _("前の月"), _("前の月を開く"), priority=True)
NEXT_MONTH = Action("next_month", "pagedown", _("次の月"), _("次の月を開く"), priority=True)

DECIDE = Action("decide", "f4", _("決定記入"), _("選んだ議題の決定を書く"))
MINUTES = Action("minutes", "f2", _("会議録"), _("選んだ議題の質疑要旨を書く（何人でも同時に書ける）"))
QUESTION = Action("question", "q", _("質問"), _("選んだ議題に質問する"))
REPLY = Action("reply", "w", _("答える"), _("選んだ議題の質問に答える"), footer=False)
READ = Action("mark_read", "r", _("既読"), _("選んだ議題を読んだと記す"))
FOLLOW = Action("follow", "f", _("追う"), _("示されている頁を追う、または追うのをやめる"), footer=False)
SHOW_ALL = Action("show_all", "l", _("示す"), _("選んだ議題を全員に示す、または示すのを終える"), footer=False)
ASSIGN = Action("assign", "t", _("担当"), _("選んだ議題の担当と期限を書く"), footer=False)
OWN_NOTE = Action("own_note", "m", _("メモ"), _("選んだ議題に自分だけのメモを書く"), footer=False)
PROPOSE = Action("propose", "n", _("議題"), _("議題を加える、または提案する"), footer=False)
ACCEPT = Action("accept", "y", _("採る"), _("選んだ提案を議題に加える"), footer=False)
REWRITE = Action("rewrite", "e", _("直す"), _("選んだ議題の資料の文を直す"), footer=False)
MOVE_UP = Action("move_up", "k", _("上へ"), _("選んだ議題を一つ上へ移す"), footer=False)
MOVE_DOWN = Action("move_down", "j", _("下へ"), _("選んだ議題を一つ下へ移す"), footer=False)
ADDENDUM = Action("addendum", "a", _("追記"), _("校長確認のあとの会議録に書き足す"), footer=False)
CONFIRM_MINUTES = Action("confirm_minutes", "c", _("校長確認"), _("会議録を確認する（校長）"), footer=False)
PAPERS = Action("papers", "d", _("資料"), _("選んだ議題に付いている資料の一覧を開く"), footer=False)
ATTACH = Action("attach", "n", _("付ける"), _("封じて保管している文書から選んで、資料に付ける"))
DETACH = Action("detach", "x", _("外す"), _("選んだ資料を議題から外す（文書は残る）"))
NEW_MEETING = Action("new_meeting", "n", _("作る"), _("ひな形から会議を作る、くり返す会議も作れる"))
TASKS = Action("tasks", "t", _("担当"), _("決まったことの担当と期限の一覧を開く"))
SEARCH_ALL = Action("search_all", "s", _("探す"), _("これまでの会議の文から探す"))
TICK = Action("tick", "d", _("済"), _("選んだことを済にする、または戻す"))
KEEP_TEXT = Action("keep_text", "f4", _("保存"), _("いま書いたところまでを保存する"))

SETTLE = Action("settle", "enter", _("決める"), _("選んだ記入に決める（先に、書く内容を見せる）"), priority=True)
CHOOSE_LEFT = Action("choose_left", "left", _("左"), _("左の記入を選ぶ"), footer=False, priority=True)
CHOOSE_RIGHT = Action("choose_right", "right", _("選ぶ"), _("右の記入を選ぶ（1 2 3 でも選べる）"), priority=True)
WRITE = Action("write", "e", _("別の値"), _("どれでもない値を書く"))
STORY = Action("story", "h", _("履歴"), _("だれがいつどこで何を書いたか"))


def _quiet(action: Action) -> Action:
    """Return an action that stands in help and palette alone, where six others stand below."""
    return replace(action, footer=False)


EVERYWHERE = (HELP, FIND, LOCK, PALETTE, QUIT)
LOGIN = (HELP, QUIT)
HOME = (
    OPEN,
    CALLS,
    MEETINGS,
    CONFLICTS,
    QUARANTINE,
    CARDS,
    AUDIT_RECORD,
    ASSETS,
    FILES,
    PERMIT_LIST,
    DROPPED,
    NOTICE,
    CLOSURES,
    NOTICES_FOR_ALL,
    ASKED,
    SCHOOL_SYSTEM,
    WORK,
    LOOK,
    *EVERYWHERE,
)
ATTENDANCE = (
    REST_PRESENT,
    CONFIRM,
    UNDO,
    DETAIL,
    CLEAR,
    RING,
    HISTORY,
    PREVIOUS_DAY,
    NEXT_DAY,
    PREVIOUS_CLASS,
    NEXT_CLASS,
    BY_MONTH,
    BACK,
    HELP,
    FIND,
    LOCK,
    PALETTE,
)
MEETING_LIST = (OPEN, NEW_MEETING, TASKS, SEARCH_ALL, _quiet(RELEASE), BACK, HELP, LOCK, PALETTE)
MEETING = (
    MINUTES,
    DECIDE,
    QUESTION,
    READ,
    REPLY,
    FOLLOW,
    SHOW_ALL,
    ASSIGN,
    OWN_NOTE,
    PROPOSE,
    ACCEPT,
    REWRITE,
    MOVE_UP,
    MOVE_DOWN,
    ADDENDUM,
    PAPERS,
    _quiet(RELEASE),
    CONFIRM_MINUTES,
    BACK,
    HELP,
    LOCK,
    PALETTE,
)
PAPER_LIST = (OPEN, ATTACH, DETACH, BACK, HELP, LOCK, PALETTE)
MINUTES_TEXT = (KEEP_TEXT, RELEASE, BACK, HELP, LOCK, PALETTE)
TASK_LIST = (OPEN, TICK, BACK, HELP, LOCK, PALETTE)
MEETING_SEARCH = (BACK, HELP, LOCK, PALETTE)
CONFLICT = (SETTLE, CHOOSE_LEFT, CHOOSE_RIGHT, WRITE, STORY, BACK, HELP, LOCK, PALETTE)
AUDIT = (REFUSED, RELEASE, BACK, HELP, LOCK, PALETTE, QUIT)
CONTACTS = (BACK, *EVERYWHERE)
EMERGENCY = (DISCLOSE, BACK, *EVERYWHERE)
DOCUMENTS = (OPEN, ADD, VERSIONS, CLASSIFY, DESTROY, _quiet(RELEASE), BACK, HELP, LOCK, PALETTE)
DOCUMENT = (PAGE_BACK, PAGE_ON, AS_TEXT, BACK, HELP, LOCK, PALETTE)
PERMITS = (OPEN, ADD_PERMIT, RETURNED, BACK, HELP, LOCK, PALETTE)
MONTH = (
    CLOSE_MONTH,
    _quiet(RELEASE),
    TURN,
    MONTH_TOTALS,
    PREVIOUS_MONTH,
    NEXT_MONTH,
    UNDO,
    BACK,
    HELP,
    LOCK,
    PALETTE,
)
CLOSURE_LIST = (CLOSE_DOWN, LIFT, UNDO, BACK, HELP, LOCK, PALETTE)
SURVEYS = (OPEN, SURVEY_MAKE, SURVEY_CLOSE, SURVEY_RESULT, BACK, HELP, LOCK, PALETTE)
NOTICEBOARD = (OPEN, POST, TAKE_DOWN, POST_ALL, BACK, HELP, LOCK, PALETTE)
EXCHANGE = (OPEN, RECEIPT, RELEASE, BACK, HELP, LOCK, PALETTE)
EXCHANGE_FILE = (TAKE_IN, TURN_AWAY, BACK, HELP, LOCK, PALETTE)
ATTENTION = (OPEN, BACK, *EVERYWHERE)
HOURS = (
    OPEN,
    COME,
    GO,
    EVERYBODY,
    TURN_DOWN,
    TREND,
    EARLIER,
    LATER,
    REPORT,
    SHIFTS,
    CLOCK_FILE,
    _quiet(RELEASE),
    BACK,
    HELP,
    LOCK,
    PALETTE,
)
HOURS_ALL = (OPEN, EARLIER, LATER, REPORT, RELEASE, BACK, HELP, LOCK, PALETTE)
HOURS_REPORT = (EARLIER, LATER, RELEASE, BACK, HELP, LOCK, PALETTE)
SHIFT_LIST = (OPEN, BACK, HELP, LOCK, PALETTE)
RECORDER = (TAKE_FILE, TAKE_DOCUMENT, KEEP_ROWS, BACK, HELP, LOCK, PALETTE)
NOTICES = (OPEN, TAKE_ALL, UNDO, BACK, HELP, LOCK, PALETTE)
PHONE = (TAKE_BACK, CHECK_NOTICES, BACK, HELP, LOCK, PALETTE)
LEFT_FILES = (BACK, *EVERYWHERE)
HELD = (BACK, *EVERYWHERE)
LEDGER = (EDIT_LINE, ADD_LINE, LINE_HISTORY, RELEASE, BACK, HELP, LOCK, PALETTE)
FLEET = (EXAMINE, AGAIN, HELP, QUIT)
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
