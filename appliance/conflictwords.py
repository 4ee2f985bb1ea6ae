"""Words for conflicts and quarantine, in staff Japanese and in English.

Invariant: every kind, site and reason that the store can hold has words; what is not known is named by itself.
"""

from typing import Final

from appliance.messages import Language, language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "kind.attendance.mark": ("出欠", "attendance"),
    "kind.attendance.reason": ("出欠の理由", "reason of absence"),
    "kind.attendance.confirmed": ("学級の確定", "class day"),
    "kind.meeting": ("会議", "meeting"),
    "kind.meeting.item": ("議題", "agenda item"),
    "kind.meeting.decision": ("決定", "decision"),
    "kind.calendar.year": ("年間予定", "school calendar"),
    "kind.roster.school": ("学校", "school"),
    "kind.roster.session": ("学年度", "school year"),
    "kind.roster.class": ("学級", "class"),
    "kind.roster.user": ("名簿の人", "person in the roster"),
    "kind.roster.contact": ("連絡先", "contact"),
    "kind.roster.enrollment": ("在籍", "enrolment"),
    "kind.person.profile": ("職員の名前", "staff name"),
    "kind.people.roster": ("職員の名簿", "roster of staff"),
    "kind.people.grant": ("端末の許可", "grant of a box"),
    "kind.key.class": ("鍵", "key"),
    "kind.key.wrap": ("鍵", "key"),
    "kind.site.checkpoint": ("端末の確認点", "checkpoint"),
    "kind.site.countersign": ("端末の確認", "countersign"),
    "site.box": ("学校の端末", "school box"),
    "site.hub": ("教育委員会", "education board"),
    "site.standby": ("予備の端末", "standby box"),
    "epoch": ("（{epoch}代目）", " (no. {epoch})"),
    "role.board": ("教育委員会", "education board"),
    "role.site": ("端末", "machine"),
    "held.unknown": ("名簿にない人の記入です", "the author is not in the roster"),
    "held.ended": ("任期が終わったあとの記入です", "made after the author's time in office"),
    "held.role": ("この記録を書ける役割ではありません", "the author's role may not write this"),
    "held.signature": ("署名が合いません", "the signature does not fit"),
    "counting.present": ("出席", "Present"),
    "counting.absent": ("欠席", "Absent"),
    "counting.suspended": ("出席停止・忌引等", "Suspended"),
    "counting.attended_elsewhere": ("出席扱い", "Counted as present"),
    "counting.late": ("遅刻", "Late"),
    "counting.left_early": ("早退", "Left early"),
    "counting.late_and_left": ("遅刻・早退", "Late and left early"),
    "counting.online": ("オンライン", "Online"),
    "in brackets": ("（{text}）", " ({text})"),
    "with reason": ("・理由あり", ", with a reason"),
    "taken back": ("（記入なし）", "(nothing entered)"),
    "removed": ("（削除）", "(removed)"),
    "closed": ("（重要性{importance}：開けません）", "(importance {importance}: cannot be opened)"),
    "damaged": ("（読めません）", "(cannot be read)"),
    "confirmed": ("確定", "confirmed"),
    "open": ("未確定", "not confirmed"),
    "rest present": ("ほかは全員出席", "all others present"),
    "no text": ("（空）", "(empty)"),
    "someone": ("（だれの記録かは開けません）", "(whose record it is cannot be opened)"),
    "board settles": (
        "教育委員会が作った記録です。教育委員会が決めます。",
        "The education board made this record; the board settles it.",
    ),
    "field.title": ("名称", "title"),
    "field.name": ("氏名", "name"),
    "field.kana": ("かな", "reading"),
    "field.grades": ("学年", "grades"),
    "field.number": ("出席番号", "number"),
    "field.class": ("学級", "class"),
    "field.begins": ("始まり", "begins"),
    "field.ends": ("終わり", "ends"),
    "field.starts": ("日時", "starts"),
    "field.place": ("場所", "place"),
    "field.chair": ("司会", "chair"),
    "field.recorder": ("記録", "recorder"),
    "field.section": ("区分", "section"),
    "field.department": ("分掌", "department"),
    "field.proposer": ("提案", "proposer"),
    "field.minutes": ("分", "minutes"),
    "field.extra_days": ("授業日", "school day"),
    "field.closures": ("休業", "closure"),
    "field.vacations": ("長期休業", "vacation"),
    "field.days_off": ("休業日", "day off"),
    "field.roles": ("役割", "roles"),
    "field.email": ("メール", "email"),
    "field.phone": ("電話", "phone"),
    "field.sms": ("SMS", "SMS"),
}


def word(key: str, lang: Language | None = None, **fill: str | int) -> str:
    """Return the words for a key; what has none is named by the part after the key's first dot."""
    ja, en = _WORDS.get(key, (key.partition(".")[2] or key,) * 2)
    return (en if (lang or language()) == "en" else ja).format_map(fill)
