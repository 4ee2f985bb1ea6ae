"""A questionnaire as people write it."""

from datetime import date

import pytest

from appliance.surveys.records import SurveyQuestion
from appliance.surveys.surveytext import SurveyTextError, read_survey, survey_template

TODAY = date(2026, 11, 24)
HEAD = "# 題\n記名: 無記名\n締切: 12/1\n"
ONE = "1. はい、いいえ（一つ）\n- はい\n- いいえ\n"


def test_the_template_is_a_questionnaire() -> None:
    form = read_survey(survey_template(date(2026, 12, 1)), TODAY)
    assert (form.title, form.named, form.until) == ("テレワークについて", False, date(2026, 12, 1))
    assert [question.way for question in form.questions] == ["one", "many", "text"]
    assert form.questions[1] == SurveyQuestion("どこでしましたか", "many", ("自宅", "図書館など", "していない"))
    assert form.note.startswith("これからの働き方")


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ONE,
        "題\n記名：無記名\n締切：１２月１日\n\n問1. はい、いいえ（ひとつ）\n・はい\n・いいえ",
        HEAD + "１）はい、いいえ(一つ)\n● はい\n● いいえ",
    ],
)
def test_what_a_word_processor_leaves_is_read_alike(text: str) -> None:
    form = read_survey(text, TODAY)
    assert form.questions == (SurveyQuestion("はい、いいえ", "one", ("はい", "いいえ")),)
    assert form.until == date(2026, 12, 1) and not form.named


def test_a_day_without_a_year_is_the_next_one() -> None:
    assert read_survey(HEAD.replace("12/1", "1/15") + ONE, TODAY).until == date(2027, 1, 15)


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("", 1, "題"),
        ("# 題\n締切: 12/1\n" + ONE, 1, "記名"),
        ("# 題\n記名: たぶん\n締切: 12/1\n" + ONE, 2, "記名"),
        ("# 題\n記名: 記名\n" + ONE, 1, "締切"),
        ("# 題\n記名: 記名\n締切: 2026-11-23\n" + ONE, 3, "締切"),
        ("# 題\n記名: 記名\n締切: 13/1\n" + ONE, 3, "締切"),
        (HEAD, 1, "問いがありません"),
        (HEAD + "1. 問い\n- はい\n- いいえ", 4, "（一つ）"),
        (HEAD + "1. 問い（一つ）\n- はい", 4, "二つから十二"),
        (HEAD + "1. 問い（文）\n- はい", 5, "選択肢があります"),
        (HEAD + "1. 問い（一つ）\n- はい\n- はい", 6, "同じ選択肢"),
        (HEAD + "- はい\n" + ONE, 4, "問いの前"),
        (HEAD + ONE + "そのほか", 7, "（一つ）"),
        (HEAD + ONE * 21, 64, "多すぎます"),
        ("# " + "長" * 81 + "\n" + HEAD[4:] + ONE, 1, "長すぎます"),
        (HEAD + "1. 問い（いくつでも）\n- " + "長" * 41 + "\n- い", 5, "長すぎます"),
    ],
)
def test_a_fault_names_its_line(text: str, line: int, fault: str) -> None:
    with pytest.raises(SurveyTextError) as refused:
        read_survey(text, TODAY)
    assert refused.value.params["line"] == line and fault in str(refused.value.params["fault"])
