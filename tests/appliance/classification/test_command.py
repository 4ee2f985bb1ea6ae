"""`kurabako policy`: what the commands say is what the policy decides, and every cell of it is printed."""

import json

import pytest
from click.testing import CliRunner

from appliance.classification.model import Action, Actor, Asset, Circumstances, Line, Place, Role, Verdict
from appliance.classification.rules import PROFILES
from appliance.classification.table import ROWS, SITUATIONS
from appliance.commands.policy import policy
from appliance.exits import Exit
from appliance.policy import shipped
from crypto.importance import Importance

NORMALLY = Circumstances(Line.ONLINE, True, False, Place.SCHOOL)
ENDS = {Verdict.ALLOW: Exit.OK, Verdict.APPROVAL: Exit.INCOMPLETE, Verdict.DENY: Exit.FAILED}
WORDS = {Verdict.ALLOW: "できます", Verdict.APPROVAL: "承認が要ります", Verdict.DENY: "できません"}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("importance", Importance)
def test_explain_says_what_the_policy_decides_and_quotes_the_rule(
    profile: str, role: Role, importance: Importance
) -> None:
    for action in Action:
        asset = Asset("document.text", importance, "")
        decided = shipped(profile).decide(Actor((role,), tuple(Importance)), action, asset, NORMALLY)
        words = ["explain", role, action, f"document.text:{importance.name}", "--profile", profile]
        told = CliRunner().invoke(policy, words, standalone_mode=False)
        first, *more = told.output.splitlines()
        assert (told.exception, told.return_value) == (None, ENDS[decided.verdict])
        assert first.startswith(f"{WORDS[decided.verdict]}: document.text")
        assert any(decided.rule in line for line in more)
        assert (f"わけ: {decided.reason}" in told.output) is (decided.verdict is not Verdict.ALLOW)


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (["teacher@3-1", "view", "attendance.reason:II:3-1", "--profile", "mext-2025"], Verdict.ALLOW),
        (["teacher@3-1", "view", "attendance.reason:II:3-2", "--profile", "mext-2025"], Verdict.DENY),
        (["principal", "view", "document.text:II", "--lapsed"], Verdict.DENY),
        (["principal", "view", "emergency.card:I", "--line", "offline"], Verdict.APPROVAL),
        (["principal", "view", "emergency.card:I", "--line", "offline", "--break-glass"], Verdict.ALLOW),
    ],
)
def test_explain_takes_circumstances_and_classes(words: list[str], verdict: Verdict) -> None:
    told = CliRunner().invoke(policy, ["explain", *words], standalone_mode=False)
    assert told.exception is None and told.return_value == ENDS[verdict]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_table_has_every_role_action_and_importance_in_every_situation(profile: str) -> None:
    told = CliRunner().invoke(policy, ["table", "--json", "--profile", profile], standalone_mode=False)
    shape = json.loads(told.output)
    general = [cell for cell in shape["cells"] if cell["kind"] == shape["cells"][0]["kind"]]
    assert shape["profile"] == profile
    assert len(general) == len(ROWS) * len(Action) * len(Importance)
    assert len({(c["role"], c["action"], c["importance"]) for c in general}) == len(general)
    assert all(set(cell["answers"]) == set(SITUATIONS) for cell in shape["cells"])
    pages = CliRunner().invoke(policy, ["table", "--profile", profile], standalone_mode=False)
    assert pages.exception is None and all(f"`{action}`" in pages.output for action in Action)
