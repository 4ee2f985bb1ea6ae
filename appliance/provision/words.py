"""The words of a plan: what each step does and why, in staff Japanese and in English.

Invariant: every step and every need that a plan may name has words in both languages (a test walks them).
"""

from typing import Final

from appliance.messages import Language
from appliance.provision.needs import Need
from appliance.provision.plan import Step

Words = dict[Language, str]

STEPS: Final[dict[str, Words]] = {
    "users": {
        "ja": "利用者とグループを作る（係ごとに別の利用者）",
        "en": "make users and groups, one for each duty",
    },
    "folders": {"ja": "フォルダーと権限を決める", "en": "lay down folders and rights"},
    "bundle": {
        "ja": "プログラム一式を送る（箱にインターネットは要らない）",
        "en": "send the programs (no internet needed)",
    },
    "release": {"ja": "プログラムを入れる", "en": "install the programs"},
    "units": {"ja": "常駐の係を登録する（systemd）", "en": "register the services (systemd)"},
    "limits": {"ja": "ログの上限・見張り・カーネルの設定", "en": "limit logs, set watchdog and kernel"},
    "usb": {"ja": "USB記憶装置を受け付けないようにする", "en": "refuse USB storage"},
    "time": {"ja": "時刻合わせ先を決める", "en": "name the time servers"},
    "office": {
        "ja": "事務室・玄関の端末の入口を決める（SSH）",
        "en": "set the office's and the entrance's login (SSH)",
    },
    "firewall": {
        "ja": "通信を閉じる（保管先への送信と、決めた所からのSSHだけ）",
        "en": "shut the network: only the store outwards, only named networks in by SSH",
    },
    "request": {
        "ja": "箱の鍵を箱の中で作り、教育委員会への申請を作る",
        "en": "make the box's keys on the box, and its request",
    },
    "grant": {"ja": "教育委員会の許可を受け取る", "en": "take the board's grant"},
    "secrets": {
        "ja": "メール・通知先・SFTP の秘密を、箱の中で暗号にして置く",
        "en": "put the secrets of mail, webhook and SFTP there, encrypted to the machine",
    },
    "settings": {"ja": "箱の設定を合わせる（通報など）", "en": "set the box's own settings (alarms)"},
    "rights": {"ja": "学校データの権限をそろえる", "en": "put the rights of the school's data right"},
    "start": {"ja": "動かす", "en": "start"},
    "confirm": {
        "ja": "最初の確認済と、復元の検証を待つ",
        "en": "wait for the first confirmation and a verified restore",
    },
}
NEEDS: Final[dict[str, Words]] = {
    "debian": {
        "ja": "Debian 12 か 13 ではありません（{0}）",
        "en": "this is not Debian 12 or 13 ({0})",
    },
    "systemd": {
        "ja": "systemd 252 以上で起動していません（{0}）",
        "en": "not booted by systemd 252 or newer ({0})",
    },
    "packages": {
        "ja": "足りない物があります: {0}（Debian の媒体から apt install {0}）",
        "en": "missing: {0} (from the Debian medium: apt install {0})",
    },
    "python": {"ja": "Python に足りない物があります: {0}", "en": "Python lacks: {0}"},
    "time": {
        "ja": "時刻合わせの係がありません（apt install systemd-timesyncd）",
        "en": "nothing keeps the time (apt install systemd-timesyncd)",
    },
    "room": {
        "ja": "空きが足りません（{0} MB、要るのは {1} MB）",
        "en": "too little room ({0} MB of {1} MB)",
    },
    "memory": {
        "ja": "メモリーが足りません（{0} MB、要るのは {1} MB）",
        "en": "too little memory ({0} MB of {1} MB)",
    },
    "school": {"ja": "ほかの学校の箱です（{0}）", "en": "this is another school's box ({0})"},
    "older": {
        "ja": "箱では新しい版（{0}）が動いています。配布物（{1}）では古くなります",
        "en": "a newer release runs there ({0}); this bundle ({1}) would make it older",
    },
    "way_back": {
        "ja": "この端末の住所 {0} が ssh_from にありません。閉じると入れなくなります",
        "en": "our own address {0} is not in ssh_from: the firewall would shut us out",
    },
    "secrets": {
        "ja": "秘密がありません: {0}（--secrets のファイルに書く）",
        "en": "secrets are missing: {0} (write them into the file of --secrets)",
    },
    "clock": {"ja": "時計が {0} 時間ずれています", "en": "the clock is off by {0} hours"},
}
_DESTRUCTIVE: Final[Words] = {"ja": "【注意】", "en": "[!] "}
_AGAIN: Final[Words] = {"ja": "前に途中で止まった", "en": "was cut off before"}
_MOST: Final = 3


def step_line(number: int, step: Step, lang: Language) -> str:
    """Return a step as a line of a plan: number, what, why."""
    mark = _DESTRUCTIVE[lang] if step.destructive else ""
    why = [_AGAIN[lang] if word == "-" else word.rpartition("/etc/")[2] for word in step.why]
    more = f" … +{len(why) - _MOST}" if len(why) > _MOST else ""
    told = f"  — {', '.join(why[:_MOST])}{more}" if why else ""
    return f"{number:3d}. {mark}{STEPS[step.name][lang]}{told}"


def need_line(need: Need, lang: Language) -> str:
    """Return what is missing as a line."""
    return NEEDS[need.name][lang].format(*need.values)
