"""Every cell of the matrix, in every circumstance, against the table in docs/ that was reviewed."""

import re
from itertools import product
from pathlib import Path

import pytest

from appliance.classification.model import Action, Asset, Circumstances
from appliance.classification.rules import PROFILES
from appliance.classification.table import (
    GROUP,
    KIND,
    NORMAL,
    ROWS,
    SITUATIONS,
    actor_of,
    every_circumstance,
    mark_of,
    situation_of,
)
from appliance.policy import shipped
from crypto.importance import Importance

PAGES = Path(__file__).parents[3] / "docs" / "policy"
CELL = re.compile(r"^([○△×]\S*?)(?:（(.*)）)?$")
Reviewed = dict[tuple[Action, str, Importance], dict[str, str]]


def reviewed(profile: str) -> Reviewed:
    """Read the reviewed page: what each role may do, in each situation."""
    found: Reviewed = {}
    action: Action | None = None
    for line in (PAGES / f"{profile}.md").read_text("utf-8").splitlines():
        if line.startswith("### "):
            action = Action(line.split("`")[1])
        elif action and line.startswith("| ") and not line.startswith("| だれが"):
            row, *marks = (part.strip() for part in line.strip("|").split("|"))
            for importance, mark in zip(Importance, marks, strict=True):
                found[action, row, importance] = answers(mark)
    return found


def answers(mark: str) -> dict[str, str]:
    """Read a cell such as "○監（断線：△二非監、失効・校外：×）"."""
    match = CELL.match(mark)
    assert match, mark
    told = dict.fromkeys(SITUATIONS, match[1])
    for part in (match[2] or "").split("、"):
        names, _, other = part.partition("：")
        for name in names.split("・") if names else ():
            assert name in SITUATIONS and name != NORMAL, mark
            told[name] = other
    return told


@pytest.mark.parametrize("profile", PROFILES)
def test_every_cell_is_as_it_was_reviewed(profile: str) -> None:
    policy, table = shipped(profile), reviewed(profile)
    assert len(table) == len(Action) * len(ROWS) * len(Importance)
    asked = 0
    for action, row, importance, now in product(Action, ROWS, Importance, every_circumstance()):
        told = mark_of(policy.decide(actor_of(row), action, Asset(KIND, importance, GROUP), now))
        assert told == table[action, row, importance][situation_of(now)], (action, row, importance, now)
        asked += 1
    assert asked == len(Action) * len(ROWS) * len(Importance) * 36


def test_every_circumstance_is_in_one_situation() -> None:
    every = list(every_circumstance())
    assert len(set(every)) == 36
    assert {situation_of(now) for now in every} == set(SITUATIONS)
    assert all(situation_of(now) == name for name, now in SITUATIONS.items())
    assert situation_of(Circumstances()) == NORMAL
