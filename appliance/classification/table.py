"""The whole policy as a table that people review: roles × actions × importance, in every situation.

Invariant: every combination of circumstances belongs to one situation, and every kind that a rule names is looked
at, so the table leaves nothing out. A cell is read as in the page's legend: "○監（断線：△非二監、失効：×）". Kinds
are listed only where they differ from a document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from appliance.classification.decision import ACTION_WORDS, Policy
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
from crypto.importance import Importance

KIND: Final = "document"  # the kind whose every action is open to rules
GROUP: Final = "3-1"
VERDICT_MARKS: Final = {Verdict.ALLOW: "○", Verdict.APPROVAL: "△", Verdict.DENY: "×"}
DUTY_MARKS: Final = {
    Duty.PERMIT: "許",
    Duty.SECOND_PERSON: "二",
    Duty.BREAK_GLASS: "非",
    Duty.ENCRYPT: "暗",
    Duty.AUDIT: "監",
    Duty.WATERMARK: "透",
}
ROWS: Final[dict[str, tuple[str, ...]]] = {
    "校長": (Role.PRINCIPAL,),
    "教頭": (Role.VICE_PRINCIPAL,),
    "教諭（担任の学級）": (Role.TEACHER, HOMEROOM + GROUP),
    "教諭（ほかの学級）": (Role.TEACHER,),
    "養護教諭": (Role.NURSE,),
    "事務職員": (Role.CLERK,),
    "支援員": (Role.ASSISTANT,),
    "ICT支援員": (Role.ICT_SUPPORT,),
    "教育委員会": (Role.BOARD,),
    "学習者": (Role.LEARNER,),
    "打刻端末": (Role.TIMECLOCK,),
    "装置": (Role.SITE,),
}
NORMAL: Final = "校内"
SITUATIONS: Final[dict[str, Circumstances]] = {
    NORMAL: Circumstances(),
    "断線": Circumstances(Line.OFFLINE),
    "非常時": Circumstances(Line.OFFLINE, break_glass=True),
    "失効": Circumstances(lease=False),
    "校外": Circumstances(place=Place.AWAY),
    "校外失効": Circumstances(lease=False, place=Place.AWAY),
    "教委": Circumstances(place=Place.BOARD),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one role may do with one importance, in every situation."""

    role: str
    action: Action
    importance: Importance
    answers: Mapping[str, str]
    kind: str = KIND

    def __str__(self) -> str:
        """Return the cell as the table shows it."""
        usual = self.answers[NORMAL]
        others: dict[str, list[str]] = {}
        for situation, mark in self.answers.items():
            if mark != usual:
                others.setdefault(mark, []).append(situation)
        if not others:
            return usual
        return usual + "（" + "、".join(f"{'・'.join(names)}：{mark}" for mark, names in others.items()) + "）"


def situation_of(now: Circumstances) -> str:
    """Return the situation that circumstances belong to."""
    if now.place is Place.BOARD:
        return "教委"
    if now.place is Place.AWAY:
        return "校外" if now.lease else "校外失効"
    if not now.lease:
        return "失効"
    if now.line is not Line.OFFLINE:
        return NORMAL
    return "非常時" if now.break_glass else "断線"


def every_circumstance() -> Iterator[Circumstances]:
    """Yield every combination."""
    for line, lease, glass, place in product(Line, (True, False), (True, False), Place):
        yield Circumstances(line, lease, glass, place)


def actor_of(row: str) -> Actor:
    """Return the actor of a row of the table; everybody is taken to hold every key."""
    return Actor(ROWS[row], tuple(Importance))


def mark_of(decision: Decision) -> str:
    """Return a decision as the table writes it."""
    duties = "".join(mark for duty, mark in DUTY_MARKS.items() if duty in decision.duties)
    return VERDICT_MARKS[decision.verdict] + duties


def cells(policy: Policy, kind: str = KIND) -> Iterator[Cell]:
    """Yield the whole table of a kind."""
    for action, row, importance in product(Action, ROWS, Importance):
        asset = Asset(kind, importance, GROUP)
        answers = {
            name: mark_of(policy.decide(actor_of(row), action, asset, now)) for name, now in SITUATIONS.items()
        }
        yield Cell(row, action, importance, answers, kind)


def kinds(policy: Policy) -> tuple[str, ...]:
    """Return every kind that rules name, whole or by its area, but documents; others are as their area is."""
    named = {kind for rule in policy.text.rules for kind in rule.kinds}
    return tuple(sorted({*named, *policy.text.kinds} - {KIND}))


def differing(policy: Policy) -> Iterator[tuple[Action, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    """Yield where kinds differ from a document: action, kinds and roles alike in it, text per importance."""
    usual = {(cell.action, cell.role, cell.importance): cell.answers for cell in cells(policy)}
    own = {(c.kind, c.action, c.role, c.importance): c for kind in kinds(policy) for c in cells(policy, kind)}
    for action in Action:
        alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}  # of one kind, the roles of one answer
        for kind, row in product(kinds(policy), ROWS):
            line = [own[kind, action, row, importance] for importance in Importance]
            if any(cell.answers != usual[action, row, cell.importance] for cell in line):
                alike.setdefault((kind, tuple(map(str, line))), []).append(row)
        joined: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
        for (kind, texts), rows in alike.items():
            joined.setdefault((tuple(rows), texts), []).append(kind)
        for (roles, texts), alike_kinds in joined.items():
            yield action, tuple(alike_kinds), roles, texts


def as_data(policy: Policy) -> dict[str, object]:
    """Return the table as plain data: profile, version, every cell with its answer in every situation."""
    return {
        "profile": policy.text.profile,
        "version": policy.text.version,
        "title": policy.text.title,
        "cells": [
            {
                "kind": cell.kind,
                "role": cell.role,
                "action": str(cell.action),
                "importance": cell.importance.name,
                "answers": dict(cell.answers),
            }
            for kind in (KIND, *kinds(policy))
            for cell in cells(policy, kind)
        ],
    }


def markdown(policy: Policy) -> str:
    """Return the table as the page in docs/ has it: one table for each action."""
    legend = "　".join(f"{mark} {word}" for mark, word in _LEGEND.items())
    others = "・".join([*SITUATIONS][1:])
    lines = [f"凡例：{legend}", "", f"括弧の中は、ふだんの校内と答えが違う場合です（{others}）。"]
    rows = {(cell.action, cell.role, cell.importance): str(cell) for cell in cells(policy)}
    for action in Action:
        lines += ["", f"### {ACTION_WORDS[action]} `{action}`", ""]
        lines += ["| だれが | Ⅰ | Ⅱ | Ⅲ | Ⅳ |", "|---|---|---|---|---|"]
        for row in ROWS:
            found = " | ".join(rows[action, row, importance] for importance in Importance)
            lines.append(f"| {row} | {found} |")
    return "\n".join([*lines, *_of_kinds(policy)]) + "\n"


def _of_kinds(policy: Policy) -> Iterator[str]:
    """Yield the lines of the second part: the kinds that differ from a document."""
    yield from ("", "## 文書と違う種類", "")
    yield "ここにない種類と役割は、文書と同じです。`hours` のような名前は、その分野の、ここに名前のない種類です。"
    last: Action | None = None
    for action, alike, roles, texts in differing(policy):
        if action is not last:
            yield from ("", f"### {ACTION_WORDS[action]} `{action}`", "")
            yield from ("| 種類 | だれが | Ⅰ | Ⅱ | Ⅲ | Ⅳ |", "|---|---|---|---|---|---|")
            last = action
        named = "、".join(f"`{kind}`" for kind in alike)
        yield f"| {named} | {'・'.join(roles)} | {' | '.join(texts)} |"


_LEGEND: Final = {
    "○": "できる",
    "△": "承認がいる",
    "×": "できない",
    "許": "校長の許可番号",
    "二": "もう一人の立ち会い",
    "非": "非常時開示",
    "暗": "暗号化",
    "監": "先に監査記録",
    "透": "表示と透かし",
}
