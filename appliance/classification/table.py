"""The whole policy as a table that people review: roles × actions × importance, in every situation.

Invariant: every combination of circumstances belongs to one situation, so the table leaves nothing out. A cell is
read as in the page's legend: "○監（断線：△非二監、失効：×）".
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

KIND: Final = "document"  # the kind whose every action is open to rules; kinds with their own rules: see the pages
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


def cells(policy: Policy) -> Iterator[Cell]:
    """Yield the whole table."""
    for action, row, importance in product(Action, ROWS, Importance):
        asset = Asset(KIND, importance, GROUP)
        answers = {
            name: mark_of(policy.decide(actor_of(row), action, asset, now)) for name, now in SITUATIONS.items()
        }
        yield Cell(row, action, importance, answers)


def as_data(policy: Policy) -> dict[str, object]:
    """Return the table as plain data: profile, version, rules, every cell with its answer in every situation."""
    return {
        "profile": policy.text.profile,
        "version": policy.text.version,
        "title": policy.text.title,
        "cells": [
            {
                "role": cell.role,
                "action": str(cell.action),
                "importance": cell.importance.name,
                "answers": dict(cell.answers),
            }
            for cell in cells(policy)
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
    return "\n".join(lines) + "\n"


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
