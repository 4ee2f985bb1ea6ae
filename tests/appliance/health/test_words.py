"""Words, codes and pages of checks and alarms: complete, unique, in both languages, and documented."""

import re
import string
from collections.abc import Iterable
from pathlib import Path

import pytest

from appliance.health.doctor import CHECKS
from appliance.health.finding import REASONS, Figure, Finding, State
from appliance.health.sitechecks import CAUSES
from appliance.health.words import filled, state_word, tell, words
from appliance.messages import Language, explain_code
from appliance.updates.stages import Stage
from sync.leaseguard import LeaseState
from sync.status import LinkState

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
    assert told.says.endswith(" [SYNC-041]") and len(told.todo) > len("次のとおりにしてください。")
    both = tell(Finding("warnings", State.BAD, {"codes": ("SYNC-041", "SYNC-022")}), "ja")
    assert both.todo.startswith(told.todo) and explain_code("SYNC-022", "ja").hint in both.todo


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_what_is_one_of_a_closed_list_is_said_in_words(lang: Language) -> None:
    lists: dict[str, Iterable[str]] = {
        "link": LinkState,
        "lease": (str(state) for state in LeaseState if state is not LeaseState.UNLEASED),
        "cause": CAUSES,
        "direction": ("ahead", "behind"),
        "writable": ("yes", "no"),
        "stage": Stage,
    }
    for name, values in lists.items():
        assert set(words()["value"][name]) == {str(value) for value in values}, name
        for value in words()["value"][name]:
            assert filled("{" + name + "}", {name: value}, lang) == words()["value"][name][value][lang]


@pytest.mark.parametrize(
    ("name", "count", "ja", "en"),
    [
        ("minutes", 0, "0分", "0 min"),
        ("minutes", 119, "119分", "119 min"),
        ("minutes", 120, "2時間", "2 h"),
        ("minutes", 16_454, "11日", "11 days"),
        ("hours", 47, "47時間", "47 h"),
        ("hours", 49, "2日", "2 days"),
        ("days", 400, "400日", "400 days"),
    ],
)
def test_a_span_of_time_is_counted_as_people_do(name: str, count: int, ja: str, en: str) -> None:
    assert [filled("{" + name + "}", {name: count}, lang) for lang in ("ja", "en")] == [ja, en]


def test_what_could_not_be_looked_at_is_not_known_rather_than_not_there() -> None:
    seen = {reason: state_word(Finding("usb", State.NONE, {}, reason), "ja") for reason in REASONS}
    assert {reason for reason, word in seen.items() if word == "？ 不明"} == {"denied", "late", "failed", "silent"}
    assert set(seen.values()) == {"？ 不明", "－ 対象外"}


def test_no_english_word_of_the_machine_stands_in_a_japanese_sentence() -> None:
    """But for what is typed as it stands: commands, units, files, names of programs."""
    figures: dict[str, Figure] = {"link": "offline", "lease": "lapsed", "direction": "ahead", "writable": "no"}
    figures |= {"cause": "unclean stop", "stage": "returned"}
    for check in CHECKS:
        says = tell(Finding(check.name, State.BAD, figures), "ja").says
        assert not re.search("offline|lapsed|ahead|unclean|returned|: no", says), (check.name, says)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", ["check", "alarm"])
def test_every_code_is_documented_in_order(page: str, kind: str) -> None:
    text = (ROOT / page).read_text("utf-8").partition(f"<!-- {kind}s -->")[2].partition("<!-- end -->")[0]
    shown = re.findall(r"^\| (\S+) \| `(\w+)` \|", text, re.M)
    order = [check.name for check in CHECKS] if kind == "check" else [*words()["alarm"]]
    assert shown == [(words()[kind][name]["code"], name) for name in order]
