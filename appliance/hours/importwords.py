"""A plan of an import in the clerk's words and as JSON.

Invariant: counts come first, then every row that stays out, with its line; no name and no time of anybody.
"""

from dataclasses import asdict
from typing import Final

from appliance.hours.importing import ClockPlan
from appliance.hours.timeclock import Refusal
from appliance.messages import Language

_SHOWN: Final = 50
_WHY: Final[dict[Refusal, tuple[str, str]]] = {
    Refusal.COLUMNS: ("列の数が合わない", "the number of columns does not fit"),
    Refusal.CARD: ("カード番号がない", "no card number"),
    Refusal.DATE: ("日付ではない", "no date"),
    Refusal.TIME: ("時刻ではない", "no time of day"),
    Refusal.CODE: ("意味を決めていない打刻コード", "a code whose meaning is not set"),
    Refusal.PAIR: ("時刻と打刻コードがそろっていない", "a time without its code, or a code without its time"),
    Refusal.EMPTY: ("時刻が一つもない", "no time at all"),
    Refusal.ORDER: ("時刻の順が逆", "an earlier time after a later one"),
    Refusal.DURATION: ("機械の計算した時間と合わない", "the recorder's own duration says otherwise"),
    Refusal.DOUBLE: ("同じ行が前にある（失うものはない）", "the same row stood before: nothing is lost"),
    Refusal.CLASH: (
        "同じ人の同じ日が、ちがう時刻で前にある",
        "the same card and day stood before with other times",
    ),
    Refusal.TEXT: ("文字が壊れている", "broken text"),
    Refusal.UNKNOWN_CARD: ("持ち主のわからないカード", "nobody has this card"),
    Refusal.FUTURE: ("まだ来ていない日", "a day that has not come"),
}


def why_words(why: Refusal, lang: Language) -> str:
    """Return why a row stays out, in words."""
    return _WHY[why][lang == "en"]


def plan_lines(plan: ClockPlan, lang: Language) -> list[str]:
    """Return the plan as lines."""
    en = lang == "en"
    lines = []
    if plan.declared is None:
        lines.append("no count in the first line" if en else "1行目に行数がありません")
    elif not plan.count_fits:
        lines.append(
            f"WARNING: the first line says {plan.declared} rows, there are {plan.rows}: the file may be cut"
            if en
            else f"注意: 1行目は {plan.declared}行、実際は {plan.rows}行です。途中で切れているかもしれません"
        )
    span = f"{plan.span[0]} – {plan.span[1]}" if plan.span else "—"
    new, known, out = len(plan.new), plan.known, len(plan.refused)
    lines.append(
        f"new {new} rows of {plan.people} people ({span}), known already {known}, refused {out}"
        if en
        else f"新しい行 {new}行・{plan.people}人（{span}）、取込済 {known}行、取り込まない行 {out}行"
    )
    for card, count in plan.cards:
        lines.append(
            f"  card {card}: {count} rows, nobody has it" if en else f"  カード {card}: {count}行、持ち主不明"
        )
    for row in plan.refused[:_SHOWN]:
        lines.append(f"  line {row.line}: " if en else f"  {row.line}行目: ")
        lines[-1] += f"{why_words(row.why, lang)} [{row.why}]"
    if out > _SHOWN:
        lines.append(f"  and {out - _SHOWN} more (--json)" if en else f"  ほか {out - _SHOWN}行（--json で全部）")
    return lines


def plan_json(plan: ClockPlan) -> dict[str, object]:
    """Return the plan as JSON-ready values: counts, cards and refused rows."""
    return {
        "rows": plan.rows,
        "declared": plan.declared,
        "count_fits": plan.count_fits,
        "new": len(plan.new),
        "people": plan.people,
        "known": plan.known,
        "first": plan.span[0].isoformat() if plan.span else None,
        "last": plan.span[1].isoformat() if plan.span else None,
        "cards": dict(plan.cards),
        "refused": [asdict(row) for row in plan.refused],
    }
