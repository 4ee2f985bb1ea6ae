"""A questionnaire as a text that people write.

Invariant: what is read is a whole questionnaire or a fault that names the line; nothing is guessed away.

    # 題
    記名: 無記名
    締切: 12/4
    説明の文（なくてもよい）

    1. 問い（一つ）
    - 選択肢
    2. 問い（いくつでも）
    - 選択肢
    3. 問い（文）
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from appliance.errors import ApplianceError
from appliance.messages import language
from appliance.surveys.records import MOST_CHOICES, MOST_QUESTIONS, SurveyForm, SurveyQuestion
from appliance.text import printable

_HEAD: Final = re.compile(r"^(記名|締切)\s*[:：]\s*(.*)$")
_QUESTION: Final = re.compile(r"^(?:\d{1,2}\s*[.．、)）]|問\s*\d{0,2}\s*[.．:：]?)\s*(\S.*)$")
_CHOICE: Final = re.compile(r"^[-・*●○]\s*(\S.*)$")
_WAY: Final = re.compile(r"^(.*?)\s*[(（]\s*(一つ|ひとつ|いくつでも|複数|文|自由記述)\s*[)）]$")
_WAYS: Final[dict[str, Literal["one", "many", "text"]]] = {
    "一つ": "one",
    "ひとつ": "one",
    "いくつでも": "many",
    "複数": "many",
    "文": "text",
    "自由記述": "text",
}
_NAMED: Final = {"無記名": False, "記名": True}
_MOST: Final = 80
_MOST_NOTE: Final = 500
_DAY: Final = re.compile(r"^(?:(\d{4})[-/.年])?\s*(\d{1,2})[-/.月](\d{1,2})日?$")


class SurveyTextError(ApplianceError):
    """The text of a questionnaire cannot be read; parameters `line` (1 is the first) and `fault`."""

    code = "APP-650"


_FAULTS: Final = {
    "title": ("題がありません", "there is no title"),
    "named": ("記名は「記名」か「無記名」です", "記名 is 記名 or 無記名"),
    "until": ("締切の日がないか、読めないか、過ぎています", "the last day is missing, unreadable or over"),
    "questions": ("問いがありません", "there is no question"),
    "way": (
        "問いの終わりに（一つ）（いくつでも）（文）のどれかを書いてください",
        "end with （一つ）, （いくつでも） or （文）",
    ),
    "choices": ("選択肢は二つから十二までです", "there are two to twelve choices"),
    "no choice": ("（文）の問いに選択肢があります", "a question in words has no choices"),
    "twice": ("同じ選択肢が二つあります", "a choice stands twice"),
    "long": ("長すぎます", "too long"),
    "many": ("問いが多すぎます", "too many questions"),
    "stray": ("問いの前に選択肢があります", "a choice before the first question"),
}


_TEMPLATE: Final = """\
# テレワークについて
記名: 無記名
締切: {until:%Y-%m-%d}
これからの働き方を考えるためのアンケートです。

1. テレワークで仕事は、はかどりましたか（一つ）
- とてもはかどった
- はかどった
- かわらない
- はかどらなかった

2. どこでしましたか（いくつでも）
- 自宅
- 図書館など
- していない

3. 気づいたこと（文）
"""


@dataclass
class _Asked:
    line: int
    text: str
    way: Literal["one", "many", "text"]
    choices: list[str] = field(default_factory=list)


def survey_template(until: date) -> str:
    """Return a questionnaire to be changed."""
    return _TEMPLATE.format(until=until)


def read_survey(text: str, today: date) -> SurveyForm:
    """Read a whole questionnaire; a day without a year is the next one from `today` on. Raises SurveyTextError."""
    title, note, heads, asked = "", list[str](), dict[str, tuple[int, str]](), list[_Asked]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = printable(unicodedata.normalize("NFC", raw)).strip().replace("　", " ")
        head, question, choice = _HEAD.match(line), _QUESTION.match(line), _CHOICE.match(line)
        if not line:
            continue
        if not title:
            title = line.lstrip("#").strip()
        elif head and not asked:
            heads[head[1]] = (number, head[2].strip())
        elif question:
            asked.append(_question(number, question[1]))
        elif choice:
            _add(asked, number, choice[1])
        elif asked:
            raise _fault(number, "way")
        else:
            note.append(line)
    _short(1, title, _MOST)
    _short(2, "\n".join(note), _MOST_NOTE)
    if not title:
        raise _fault(1, "title")
    return SurveyForm(
        title=title,
        note="\n".join(note),
        named=_named(*heads.get("記名", (1, ""))),
        until=_day(*heads.get("締切", (1, "")), today),
        questions=_questions(asked),
    )


def _question(number: int, told: str) -> _Asked:
    way = _WAY.match(told)
    if way is None or not way[1]:
        raise _fault(number, "way")
    _short(number, way[1], _MOST)
    return _Asked(number, way[1], _WAYS[way[2]])


def _add(asked: list[_Asked], number: int, choice: str) -> None:
    if not asked:
        raise _fault(number, "stray")
    if asked[-1].way == "text":
        raise _fault(number, "no choice")
    if choice in asked[-1].choices:
        raise _fault(number, "twice")
    _short(number, choice, _MOST // 2)
    asked[-1].choices.append(choice)


def _questions(asked: list[_Asked]) -> tuple[SurveyQuestion, ...]:
    if not asked:
        raise _fault(1, "questions")
    if len(asked) > MOST_QUESTIONS:
        raise _fault(asked[MOST_QUESTIONS].line, "many")
    for one in asked:
        if one.way != "text" and not 2 <= len(one.choices) <= MOST_CHOICES:
            raise _fault(one.line, "choices")
    return tuple(SurveyQuestion(one.text, one.way, tuple(one.choices)) for one in asked)


def _named(line: int, told: str) -> bool:
    if told not in _NAMED:
        raise _fault(line, "named")
    return _NAMED[told]


def _day(line: int, told: str, today: date) -> date:
    found = _DAY.match(unicodedata.normalize("NFKC", told))
    try:
        if found is None:
            raise ValueError
        day = date(int(found[1] or today.year), int(found[2]), int(found[3]))
        day = day if found[1] or day >= today else day.replace(year=today.year + 1)
    except ValueError:
        raise _fault(line, "until") from None
    if day < today:
        raise _fault(line, "until")
    return day


def _short(line: int, text: str, most: int) -> None:
    if len(text) > most:
        raise _fault(line, "long")


def _fault(line: int, fault: str) -> SurveyTextError:
    ja, en = _FAULTS[fault]
    return SurveyTextError(
        operation="read questionnaire", subject=fault, line=line, fault=ja if language() == "ja" else en
    )
