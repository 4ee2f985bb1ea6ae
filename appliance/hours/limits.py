"""How a person's overtime stands against the limits: a traffic light for each month, with its reasons as data.

Invariant: pure; a light is the gravest of its reasons. A mean over several months is formed only where each of
them is known, so an empty month never makes a mean look better. Sources: see `hours.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from appliance.hours.settings import Limits
from appliance.schooldays import school_year_of

_MEANS: Final = range(2, 7)


class Signal(StrEnum):
    """The light."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Reason(StrEnum):
    """What a limit is about."""

    GOAL = "goal"  # over the goal for a month's mean; says nothing about a limit
    MONTH = "month"  # over 45 hours
    YEAR = "year"  # over 360 hours
    LAST_MONTH = "last_month"  # as many months over 45 hours as a year may have
    MONTH_HIGH = "month_high"  # over 80 hours
    MONTH_MOST = "month_most"  # 100 hours or more
    MEAN = "mean"  # a mean of 2–6 months over 80 hours
    MONTHS_OVER = "months_over"  # more months over 45 hours than a year may have
    YEAR_MOST = "year_most"  # over 720 hours


_SIGNALS: Final = {
    Reason.GOAL: Signal.GREEN,
    Reason.MONTH: Signal.YELLOW,
    Reason.YEAR: Signal.YELLOW,
    Reason.LAST_MONTH: Signal.YELLOW,
    Reason.MONTH_HIGH: Signal.RED,
    Reason.MONTH_MOST: Signal.RED,
    Reason.MEAN: Signal.RED,
    Reason.MONTHS_OVER: Signal.RED,
    Reason.YEAR_MOST: Signal.RED,
}
_GRAVITY: Final = tuple(Signal)


@dataclass(frozen=True, slots=True)
class Against:
    """One reason: `found` stands against `limit`, both in minutes, or in months for the two that count months.

    `months` is the number of months that a mean is of, else 1 for a month and 0 for the year so far.
    """

    reason: Reason
    found: int
    limit: int
    months: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's month: overtime, the year so far, the gravest mean (minutes, rounded down), the light."""

    month: date
    overtime: int
    year: int
    months_over: int
    worst_mean: int | None
    signal: Signal
    reasons: tuple[Against, ...]


def standing(overtime: Mapping[date, int], month: date, limits: Limits) -> Standing:
    """Judge a month; `overtime` holds minutes by the first day of each known month, of earlier 年度 too."""
    found = overtime.get(month, 0)
    so_far = [made for at, made in overtime.items() if at <= month and _same_year(at, month)]
    year, over = sum(so_far), sum(made > limits.month * 60 for made in so_far)
    means = _means(overtime, month)
    reasons = (
        *_of_month(found, limits),
        *_of_year(year, over, limits, now_over=found > limits.month * 60),
        *(
            Against(Reason.MEAN, made // months, limits.mean * 60, months)
            for months, made in means.items()
            if made > limits.mean * 60 * months
        ),
    )
    signal = max((_SIGNALS[told.reason] for told in reasons), key=_GRAVITY.index, default=Signal.GREEN)
    worst = max((made // months for months, made in means.items()), default=None)
    return Standing(month, found, year, over, worst, signal, reasons)


def month_before(month: date, back: int = 1) -> date:
    """Return the first day of the month so many before."""
    place = month.year * 12 + month.month - 1 - back
    return date(place // 12, place % 12 + 1, 1)


def _of_month(found: int, limits: Limits) -> list[Against]:
    over = {Reason.GOAL: limits.goal, Reason.MONTH: limits.month, Reason.MONTH_HIGH: limits.month_high}
    reasons = [Against(reason, found, limit * 60) for reason, limit in over.items() if found > limit * 60]
    if found >= limits.month_most * 60:  # the law says 未満
        reasons.append(Against(Reason.MONTH_MOST, found, limits.month_most * 60))
    return reasons


def _of_year(year: int, over: int, limits: Limits, *, now_over: bool) -> list[Against]:
    hours = {Reason.YEAR: limits.year, Reason.YEAR_MOST: limits.year_most}
    reasons = [Against(reason, year, limit * 60, 0) for reason, limit in hours.items() if year > limit * 60]
    if over > limits.months_over:
        reasons.append(Against(Reason.MONTHS_OVER, over, limits.months_over, 0))
    elif now_over and over == limits.months_over:
        reasons.append(Against(Reason.LAST_MONTH, over, limits.months_over, 0))
    return reasons


def _means(overtime: Mapping[date, int], month: date) -> dict[int, int]:
    """Return the sum of the last 2–6 months up to this one, where all of them are known."""
    sums: dict[int, int] = {}
    for months in _MEANS:
        wanted = [month_before(month, back) for back in range(months)]
        if not all(at in overtime for at in wanted):
            break
        sums[months] = sum(overtime[at] for at in wanted)
    return sums


def _same_year(one: date, other: date) -> bool:
    return school_year_of(one) == school_year_of(other)
