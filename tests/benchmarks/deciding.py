"""How long the policy takes to answer, asked as a session asks: everything new each time, and again.

Over every cell of the table, in every circumstance, of every kind that rules name, by both shipped policies.
"""

import random
import time
from itertools import product
from typing import NamedTuple

from appliance.classification.decision import Policy
from appliance.classification.model import Action, Asset, Circumstances
from appliance.classification.rules import PROFILES, shipped_policy
from appliance.classification.table import GROUP, KIND, ROWS, actor_of, every_circumstance, kinds
from crypto.importance import Importance

QUESTIONS = 20_000


class Decided(NamedTuple):
    """Seconds of each answer: to a question that was not asked before, and to the same once more."""

    first: list[float]
    again: list[float]


def measure() -> Decided:
    """Ask each policy."""
    seen = Decided([], [])
    for profile in PROFILES:
        policy = Policy(shipped_policy(profile))
        every = list(product(ROWS, Action, (KIND, *kinds(policy)), Importance, every_circumstance()))
        for chosen in random.Random(20261123).sample(every, QUESTIONS):
            seen.first.append(_seconds(policy, *chosen))
            seen.again.append(_seconds(policy, *chosen))
    return seen


def _seconds(
    policy: Policy, row: str, action: Action, kind: str, importance: Importance, now: Circumstances
) -> float:
    actor, asset = actor_of(row), Asset(kind, importance, GROUP)
    began = time.perf_counter()
    policy.decide(actor, action, asset, now)
    return time.perf_counter() - began
