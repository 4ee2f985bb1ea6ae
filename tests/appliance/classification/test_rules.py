"""A policy is wholly usable or refused by the name of what is wrong in it."""

import pytest

from appliance.classification.rules import (
    PROFILES,
    PolicyFileError,
    UnknownProfileError,
    read_policy,
    shipped_policy,
)

GOOD = """
profile = "tests"
version = 1
title = "試験"
kinds = ["document"]
[groups]
staff = ["teacher", "clerk"]
[[rule]]
id = "A"
quote = "q"
verdict = "deny"
roles = ["@staff"]
reason = "重要性分類{importance}はできません。"
"""


def test_groups_are_written_out() -> None:
    assert read_policy(GOOD).rules[0].roles == ("teacher", "clerk")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_shipped_ones_are_good_and_quote_a_text_for_every_rule(profile: str) -> None:
    policy = shipped_policy(profile)
    assert policy.profile == profile and policy.rules
    assert all(rule.quote and rule.id for rule in policy.rules)


def test_another_name_is_refused() -> None:
    with pytest.raises(UnknownProfileError):
        shipped_policy("mext-2024")


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('profile = "tests"', "profile = ", "value"),
        ('title = "試験"', 'titel = "試験"', "titel"),
        ('roles = ["@staff"]', 'roles = ["@stuff"]', "@stuff"),
        ('roles = ["@staff"]', 'roles = ["teecher"]', "teecher"),
        ('roles = ["@staff"]', 'role = ["teacher"]', "role"),
        ('roles = ["@staff"]', 'actions = ["look"]', "look"),
        ('roles = ["@staff"]', 'importance = ["V"]', "V"),
        ('roles = ["@staff"]', 'kinds = ["documents"]', "documents"),
        ('roles = ["@staff"]', 'when = { lease = "gone" }', "gone"),
        ('roles = ["@staff"]', 'when = { lines = ["online"] }', "lines"),
        ('verdict = "deny"', 'verdict = "approval"', "approval"),
        ('verdict = "deny"', 'verdict = "maybe"', "maybe"),
        ('reason = "重要性分類{importance}はできません。"', "", "reason"),
        ("{importance}", "{who}", "braces"),
        ("{importance}", "{", "braces"),
        ('[[rule]]\nid = "A"', "[[rules]]\nid = 1", "rule"),
    ],
)
def test_a_word_that_no_policy_knows_is_refused_by_name(was: str, becomes: str, named: str) -> None:
    assert was in GOOD
    with pytest.raises(PolicyFileError) as caught:
        read_policy(GOOD.replace(was, becomes))
    assert named in str(caught.value.params["fault"])


def test_two_rules_of_one_id_are_refused() -> None:
    rule = GOOD[GOOD.index("[[rule]]") :]
    with pytest.raises(PolicyFileError):
        read_policy(GOOD + rule)
    with pytest.raises(PolicyFileError):
        read_policy(GOOD.replace(rule, "rule = []"))
