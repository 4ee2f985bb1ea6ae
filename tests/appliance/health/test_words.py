"""Words, codes and pages of checks and alarms: complete, unique, in both languages, and documented."""

import re
import string
from pathlib import Path

import pytest

from appliance.health.doctor import CHECKS
from appliance.health.finding import REASONS, Finding, State
from appliance.health.words import tell, words
from appliance.messages import Language

ROOT = Path(__file__).resolve().parents[3]
PAGES = ["docs/support.md", "docs/ja/support.md"]


def test_every_check_has_words_and_no_other() -> None:
    assert set(words()["check"]) == {check.name for check in CHECKS}
    assert set(words()["reason"]) == set(REASONS)


def test_codes_are_unique_and_of_one_shape() -> None:
    codes = [entry["code"] for kind in ("check", "alarm") for entry in words()[kind].values()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"DOC-[1-4]\d\d|ALM-\d\d", code) for code in codes)


@pytest.mark.parametrize("kind", ["check", "alarm"])
def test_both_languages_say_the_same_with_the_same_figures(kind: str) -> None:
    for name, entry in words()[kind].items():
        assert set(entry["ja"]) == set(entry["en"]), name
        for part, text in entry["ja"].items():
            figures = [
                {field for _, field, _, _ in string.Formatter().parse(one) if field}
                for one in (text, entry["en"][part])
            ]
            assert figures[0] == figures[1], (name, part)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_finding_can_be_told_even_without_its_figures(state: State, lang: Language) -> None:
    for check in CHECKS:
        told = tell(Finding(check.name, state), lang)
        assert told.what and told.says and bool(told.todo) is (state in (State.WARN, State.BAD)), check.name


def test_an_error_among_the_figures_brings_its_own_advice() -> None:
    told = tell(Finding("warnings", State.BAD, {"codes": ("SYNC-041",)}), "ja")
    assert told.says == "SYNC-041" and len(told.todo) > len("コードの説明に従ってください。")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", ["check", "alarm"])
def test_every_code_is_documented_in_order(page: str, kind: str) -> None:
    text = (ROOT / page).read_text("utf-8").partition(f"<!-- {kind}s -->")[2].partition("<!-- end -->")[0]
    shown = re.findall(r"^\| (\S+) \| `(\w+)` \|", text, re.M)
    order = [check.name for check in CHECKS] if kind == "check" else [*words()["alarm"]]
    assert shown == [(words()[kind][name]["code"], name) for name in order]
