"""A question to the policy typed in words, and its answer in words.

Invariant: a word that is not known is an error that names the words there are, never another question.
"""

from enum import StrEnum
from typing import Final, TypeVar

from appliance.classification.decision import ACTION_WORDS
from appliance.classification.model import (
    HOMEROOM,
    Action,
    Actor,
    Asset,
    Circumstances,
    Decision,
    Duty,
    Line,
    Place,
    Role,
    Verdict,
)
from appliance.errors import ApplianceError
from crypto.importance import Importance

Question = tuple[Actor, Action, Asset, Circumstances]
DUTY_WORDS: Final[dict[Duty, str]] = {
    Duty.AUDIT: "先に監査記録を残す",
    Duty.PERMIT: "校長の許可番号",
    Duty.WATERMARK: "分類の表示と透かし（氏名・時刻・許可番号）",
    Duty.SECOND_PERSON: "もう一人の立ち会い",
    Duty.ENCRYPT: "暗号化",
    Duty.BREAK_GLASS: "非常時開示",
}
_VERDICTS: Final = {Verdict.ALLOW: "できます", Verdict.APPROVAL: "承認が要ります", Verdict.DENY: "できません"}
_E = TypeVar("_E", bound=StrEnum)


class UnknownWordError(ApplianceError):
    """A role, action, importance or circumstance is not one of those there are."""

    code = "APP-242"


def question(
    actor: str, action: str, asset: str, line: str, place: str, lease: bool, break_glass: bool
) -> Question:
    """Read a question; raises UnknownWordError. Whoever is named is taken to hold every key."""
    role, _, group = actor.partition("@")
    roles: tuple[str, ...] = (_word(Role, role),)
    kind, _, rest = asset.partition(":")
    graded, _, of = rest.partition(":")
    if graded not in Importance.__members__ or not kind:
        raise UnknownWordError(operation="ask policy", subject=asset, word=asset, known="kind:I|II|III|IV[:class]")
    return (
        Actor((*roles, HOMEROOM + group) if group else roles, tuple(Importance)),
        _word(Action, action),
        Asset(kind, Importance[graded], of),
        Circumstances(_word(Line, line), lease, break_glass, _word(Place, place)),
    )


def explanation(asked: Question, decision: Decision) -> list[str]:
    """Return the answer in lines: the verdict, the rule, the duties."""
    _, action, asset, _ = asked
    what = f"{asset.kind}（重要性分類{asset.importance.label}）の{ACTION_WORDS[action]}"
    lines = [f"{_VERDICTS[decision.verdict]}: {what}"]
    if decision.reason:
        lines.append(f"わけ: {decision.reason}")
    elif decision.rule:
        lines.append(f"規則: {decision.rule}")
    lines += [f"すること: {DUTY_WORDS[duty]}" for duty in Duty if duty in decision.duties]
    return lines


def _word(words: type[_E], typed: str) -> _E:
    try:
        return words(typed)
    except ValueError as exc:
        known = ", ".join(words)
        raise UnknownWordError(operation="ask policy", subject=typed, word=typed, known=known) from exc
