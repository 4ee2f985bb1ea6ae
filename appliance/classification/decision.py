"""The one function that answers: may this actor do this with this asset as things stand.

Invariant: pure, and closed by default: what no rule allows is denied. Of several roles the kindest answer counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from appliance.classification.model import (
    Action,
    Actor,
    Asset,
    Circumstances,
    Decision,
    Line,
    Place,
    Role,
    Verdict,
)
from appliance.classification.rules import PolicyText, Rule
from crypto.importance import Importance

ACTION_WORDS: Final[dict[Action, str]] = {
    Action.VIEW: "閲覧",
    Action.EDIT: "入力・訂正",
    Action.EXPORT: "持ち出し（書き出し）",
    Action.PRINT: "印刷",
    Action.COPY_REMOVABLE: "記憶媒体への書き出し",
    Action.SEND_OUTSIDE: "外部への送信",
    Action.SHARE_LEARNERS: "学習者との共有",
    Action.KEEP_LOCALLY: "この装置での保管",
    Action.DESTROY: "廃棄",
}
_SEALED: Final = frozenset((Action.EDIT, Action.KEEP_LOCALLY, Action.DESTROY))  # done without the class key
_KINDNESS: Final = {Verdict.ALLOW: 0, Verdict.APPROVAL: 1, Verdict.DENY: 2}
_ROLES: Final = frozenset(str(role) for role in Role)
_EASIEST: Final = (
    Circumstances(),
    Circumstances(Line.OFFLINE, break_glass=True),
    Circumstances(place=Place.BOARD),
)
NORMAL: Final = Circumstances()
_NO_RULE: Final = {
    Action.VIEW: "これを見る役割ではありません。",
    Action.EDIT: "この記録を書き換える役割ではありません。",
}
_NO_RULE_ELSE: Final = "この{action}を許す規則がありません。定めのない取り扱いは、できません。"
_NO_KEY: Final = "重要性分類{importance}を開く鍵を持っていません。"


@dataclass
class Policy:
    """A policy that answers. `text` is what it was read from."""

    text: PolicyText
    _cells: dict[tuple[str, Action, Importance, str], tuple[Rule, ...]] = field(default_factory=dict)
    _answers: dict[tuple[Actor, Action, Asset, Circumstances], Decision] = field(default_factory=dict)

    def decide(
        self, actor: Actor, action: Action, asset: Asset, circumstances: Circumstances = NORMAL
    ) -> Decision:
        """Answer with a verdict, its reason and its duties."""
        question = (actor, action, asset, circumstances)
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= 10_000:
                self._answers.clear()
            answer = self._answers[question] = self._answer(*question)
        return answer

    def writers(self, more: Iterable[str] = ()) -> dict[str, set[str]]:
        """Return, for each area, each kind that rules name by itself and some `more`, who can ever write it."""
        named = {kind for rule in self.text.rules for kind in rule.kinds}
        return {
            kind: {role for role in _ROLES if self._writes(role, kind)}
            for kind in {*self.text.kinds, *named, *more}
        }

    def _writes(self, role: str, kind: str) -> bool:
        actor = Actor((role,), tuple(Importance))
        return any(
            self._answer(actor, Action.EDIT, Asset(kind, importance), now).verdict is not Verdict.DENY
            for importance in Importance
            for now in _EASIEST
        )

    def _answer(self, actor: Actor, action: Action, asset: Asset, circumstances: Circumstances) -> Decision:
        answers = [self._of(role, actor, action, asset, circumstances) for role in actor.roles if role in _ROLES]
        if not answers:
            return _no_rule(action)
        kindest = min(answers, key=lambda answer: _KINDNESS[answer.verdict])
        if kindest.verdict is Verdict.DENY or action in _SEALED or asset.importance in actor.cleared:
            return kindest
        if asset.importance is Importance.IV:
            return kindest  # it is public
        return Decision(Verdict.DENY, _NO_KEY.format(importance=asset.importance.label), rule="key")

    def _of(self, role: str, actor: Actor, action: Action, asset: Asset, circumstances: Circumstances) -> Decision:
        own = actor.owns(asset.group)
        for rule in self._cell(role, action, asset.importance, asset.kind):
            if _fits(rule, circumstances, own):
                return _told(rule, asset)
        return _no_rule(action)

    def _cell(self, role: str, action: Action, importance: Importance, kind: str) -> tuple[Rule, ...]:
        key = (role, action, importance, kind)
        found = self._cells.get(key)
        if found is None:
            names = (kind, kind.partition(".")[0])
            found = self._cells[key] = tuple(
                rule
                for rule in self.text.rules
                if _among(role, rule.roles)
                and _among(action, rule.actions)
                and _among(importance.name, rule.importance)
                and (not rule.kinds or any(name in rule.kinds for name in names))
            )
        return found


def _among(word: str, words: Iterable[str]) -> bool:
    return not words or word in words


def _fits(rule: Rule, now: Circumstances, own: bool) -> bool:
    when = rule.when
    return (
        (not when.line or now.line in when.line)
        and (not when.place or now.place in when.place)
        and (when.lease is None or (when.lease == "live") is now.lease)
        and when.break_glass in (None, now.break_glass)
        and when.own in (None, own)
    )


def _told(rule: Rule, asset: Asset) -> Decision:
    reason = ""
    if rule.reason:
        said = rule.reason.format(importance=asset.importance.label)
        reason = f"{said}（規則{rule.id}：{rule.quote}）"
    return Decision(rule.verdict, reason, frozenset(rule.duties), rule.id)


def _no_rule(action: Action) -> Decision:
    return Decision(Verdict.DENY, _NO_RULE.get(action, _NO_RULE_ELSE.format(action=ACTION_WORDS[action])))
