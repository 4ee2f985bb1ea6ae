"""Every cell of the matrix, in every circumstance, of every kind, against the table in docs/ that was reviewed."""

import re
from functools import cache
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
    kinds,
    mark_of,
    markdown,
    situation_of,
)
from appliance.ledger.ledger import standard
from appliance.policy import shipped
from crypto.importance import Importance

PAGES = Path(__file__).parents[3] / "docs" / "policy"
CELL = re.compile(r"^([○△×]\S*?)(?:（(.*)）)?$")
Reviewed = dict[tuple[str, Action, str, Importance], dict[str, str]]


def reviewed(profile: str) -> Reviewed:
    """Read the reviewed page: what each role may do, in each situation; kinds only where it differs."""
    found: Reviewed = {}
    action: Action | None = None
    for line in (PAGES / f"{profile}.md").read_text("utf-8").splitlines():
        if line.startswith("### "):
            action = Action(line.split("`")[1])
        elif action and line.startswith("| ") and not line.startswith(("| だれが", "| 種類")):
            *named, rows, one, two, three, four = (part.strip() for part in line.strip("|").split("|"))
            wanted = named[0].replace("`", "").split("、") if named else [KIND]
            for kind, row, (importance, mark) in product(
                wanted, rows.split("・"), zip(Importance, (one, two, three, four), strict=True)
            ):
                assert (kind, action, row, importance) not in found, "a cell stands once"
                found[kind, action, row, importance] = answers(mark)
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
    every, circumstances = (KIND, *kinds(policy)), list(every_circumstance())
    marks = cache(mark_of)
    asked = 0
    for kind, action, row, importance in product(every, Action, ROWS, Importance):
        usual = table[KIND, action, row, importance]
        told = table.get((kind, action, row, importance), usual)
        actor, asset = actor_of(row), Asset(kind, importance, GROUP)
        for now in circumstances:
            answer = marks(
                policy._answer(actor, action, asset, now)
            )  # without its memory, which is only slower here
            assert answer == told[situation_of(now)], (kind, action, row, importance, now)
            asked += 1
    assert asked == len(every) * len(Action) * len(ROWS) * len(Importance) * 36
    assert {kind for kind, *_ in table} <= set(every), "the page tells of no kind that is none"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_page_is_what_the_command_prints(profile: str) -> None:
    assert (PAGES / f"{profile}.md").read_text("utf-8").endswith(markdown(shipped(profile)))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_record_kind_is_of_a_kind_in_the_table(profile: str) -> None:
    known = {KIND, *kinds(shipped(profile))}
    for entry in standard():
        assert not entry.kind or known & {entry.kind, entry.kind.partition(".")[0]}, entry.kind


def test_every_circumstance_is_in_one_situation() -> None:
    every = list(every_circumstance())
    assert len(set(every)) == 36
    assert {situation_of(now) for now in every} == set(SITUATIONS)
    assert all(situation_of(now) == name for name, now in SITUATIONS.items())
    assert situation_of(Circumstances()) == NORMAL
