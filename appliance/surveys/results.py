"""What came out: how many chose what, question by question, and the same as bars of text.

Invariant: totals only. Of answers without names there is none below `LEAST`, and texts stand in the order of their
letters, so that no row of answers is anybody's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len

from appliance.release.cells import Cell
from appliance.release.chart import Chart, ChartBar, ChartGroup
from appliance.release.sheet import Align, Column, Sheet
from appliance.surveys.records import Given, SurveyForm

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_LEAST_BAR: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One choice: how many chose it, of how many who answered the question."""

    label: str
    count: int
    of: int

    @property
    def percent(self) -> int:
        """Return the share in hundredths, rounded half up."""
        return (200 * self.count + self.of) // (2 * self.of) if self.of else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one question: bars, or texts."""

    question: str
    answered: int
    bars: tuple[Bar, ...] = ()
    texts: tuple[str, ...] = ()
    several: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """What came out of a questionnaire: `answers` of `asked` people."""

    title: str
    named: bool
    answers: int
    asked: int
    outcomes: tuple[Outcome, ...]

    @property
    def share(self) -> str:
        """Return how many answered, in words."""
        return f"回答 {self.answers}人（{self.asked}人中）{'記名' if self.named else '無記名'}"


def results_of(form: SurveyForm, every: Sequence[tuple[Given, ...]], asked: int) -> Results:
    """Count answers."""
    outcomes = []
    for place, question in enumerate(form.questions):
        given = [answers[place] for answers in every if answers[place]]
        if question.way == "text":
            texts = tuple(sorted(one for one in given if isinstance(one, str)))
            outcomes.append(Outcome(question.text, len(given), texts=texts))
            continue
        counts = [
            sum(number in one for one in given if not isinstance(one, str)) for number in _places(question.choices)
        ]
        bars = tuple(Bar(label, n, len(given)) for label, n in zip(question.choices, counts, strict=True))
        outcomes.append(Outcome(question.text, len(given), bars, several=question.way == "many"))
    return Results(form.title, form.named, len(every), asked, tuple(outcomes))


def bar_lines(results: Results, width: int) -> Iterator[str]:
    """Yield the results as text, `width` cells wide: a bar for each choice, to an eighth of a cell."""
    yield results.share
    for number, outcome in enumerate(results.outcomes, 1):
        yield ""
        told = "、いくつでも" if outcome.several else ""
        yield f"{number}. {outcome.question}（{outcome.answered}人{told}）"
        labels = max((cell_len(bar.label) for bar in outcome.bars), default=0)
        room = max(_LEAST_BAR, width - labels - 15)
        most = max((bar.of for bar in outcome.bars), default=0)
        for bar in outcome.bars:
            pad = " " * (labels - cell_len(bar.label))
            yield f"  {bar.label}{pad} {_bar(bar.count, most, room)} {bar.count:>3} {bar.percent:>3}%"
        yield from (f"  ・{text}" for text in outcome.texts)


def _bar(count: int, most: int, room: int) -> str:
    eighths = count * room * 8 // most if most else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(room)


def _places(choices: Sequence[str]) -> range:
    return range(len(choices))


def chart_of(results: Results) -> Chart:
    """Return the results as they are printed."""
    groups = []
    for number, outcome in enumerate(results.outcomes, 1):
        told = "、いくつでも" if outcome.several else ""
        heading = f"{number}. {outcome.question}（{outcome.answered}人{told}）"
        bars = tuple(ChartBar(bar.label, bar.count, bar.percent, bar.of) for bar in outcome.bars)
        groups.append(ChartGroup(heading, bars, outcome.texts))
    return Chart(results.title, results.share, tuple(groups))


def result_sheet(results: Results) -> Sheet:
    """Return the results as a table: a row for each choice and each text."""
    columns = (Column("問い"), Column("回答"), Column("人", 0, Align.RIGHT), Column("割合（%）", 0, Align.RIGHT))
    rows: list[tuple[Cell, ...]] = []
    for outcome in results.outcomes:
        rows += [(outcome.question, bar.label, bar.count, bar.percent) for bar in outcome.bars]
        rows += [(outcome.question, text, "", "") for text in outcome.texts]
    return Sheet(results.title, columns, tuple(rows), (results.share,))
