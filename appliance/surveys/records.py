"""What is kept of a questionnaire アンケート.

Invariant: an answer by name is a change of whoever gave it, as everything in the log is. An answer without a
name is no change of theirs: it stands in a `SurveyBatch`, which the site itself writes, with at least `LEAST` of
different people in an order that says nothing (`box`, `counting`).
"""

from datetime import date
from typing import ClassVar, Final, Literal

import msgspec

from crypto.importance import Importance

LEAST: Final = 5  # answers without a name are mixed, and their result shown, from so many on
MOST_QUESTIONS: Final = 20
MOST_CHOICES: Final = 12
MOST_TEXT: Final = 300

Given = tuple[int, ...] | str
"""The answer to one question: the places of what was chosen (0 is the first), or a text."""


class SurveyQuestion(msgspec.Struct, frozen=True):
    """A question. `way`: "one" of the choices, "many" of them, or "text" in one's own words."""

    text: str
    way: Literal["one", "many", "text"]
    choices: tuple[str, ...] = ()


class SurveyForm(msgspec.Struct, frozen=True, kw_only=True):
    """A questionnaire, answered until the end of the day `until` or until it is `closed`. Its record is random."""

    kind: ClassVar[str] = "survey.form"
    importance: ClassVar[Importance] = Importance.III
    title: str
    note: str
    named: bool
    until: date
    questions: tuple[SurveyQuestion, ...]
    closed: bool = False


class SurveyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's answer by name; who it is from is the author of the change."""

    kind: ClassVar[str] = "survey.answer"
    importance: ClassVar[Importance] = Importance.II
    survey: str
    given: tuple[Given, ...]


class SurveyBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Answers without names, each sealed; and `voters` (hexadecimal), who answered so far, in no relation to them.

    `last` says that no more come from this site; `dropped` counts answers that were too few to be mixed.
    """

    kind: ClassVar[str] = "survey.batch"
    importance: ClassVar[Importance] = Importance.III
    survey: str
    ballots: tuple[bytes, ...]
    voters: tuple[str, ...]
    last: bool = False
    dropped: int = 0
