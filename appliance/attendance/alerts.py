"""Absences that the law or the statistics want noticed: 7 school days on end, and 30 in a year.

Invariant: an alert is a reminder and changes no record. Source: 学校教育法施行令20条 (休業日を除き引き続き7日間
出席せず, without 正当な事由: the principal tells the board at once); 30 days is the statistics' 長期欠席.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from appliance.attendance.totals import SUSPENDED, PupilDay
from appliance.views import Counting


class AlertKind(StrEnum):
    """What is to be noticed."""

    CONSECUTIVE = "consecutive"  # 施行令20条
    LONG_TERM = "long_term"  # 長期欠席


@dataclass(frozen=True, slots=True)
class AlertRules:
    """When to alert. `unexcused` are codes of absences without 正当な事由.

    `long_term_counts_suspended` puts 停・忌 into the 30 days too, as some years' surveys ask.
    """

    unexcused: frozenset[str]
    consecutive_days: int = 7
    long_term_days: int = 30
    long_term_counts_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """A pupil's absences from `first` to `last`; `days` of them count. `open` until the pupil comes back."""

    kind: AlertKind
    pupil_id: str
    days: int
    first: date
    last: date
    open: bool = True


def alerts(
    pupil_id: str, days: Sequence[PupilDay], rules: AlertRules, unconfirmed: Collection[date] = ()
) -> tuple[Alert, ...]:
    """Return a pupil's alerts over the days that `pupil_days` returned, in order.

    On a day of `unconfirmed` a missing mark does not mean 出席, so it neither counts nor ends anything.
    """
    known = [day for day in days if day.code or day.on not in unconfirmed]
    return (*_consecutive(pupil_id, known, rules), *_long_term(pupil_id, known, rules))


def _consecutive(pupil_id: str, days: Sequence[PupilDay], rules: AlertRules) -> list[Alert]:
    """Find runs of unexcused absence; attendance ends one, an excused day in between only does not count."""
    runs: list[Alert] = []
    run: list[date] = []
    for day in days:
        if day.counting is Counting.ABSENT and day.code in rules.unexcused:
            run.append(day.on)
        elif day.counting is not Counting.ABSENT and day.counting not in SUSPENDED:
            runs += _run(pupil_id, run, rules, still=False)
            run = []
    return runs + _run(pupil_id, run, rules, still=True)


def _run(pupil_id: str, run: Sequence[date], rules: AlertRules, *, still: bool) -> list[Alert]:
    if not run or len(run) < rules.consecutive_days:
        return []
    return [Alert(AlertKind.CONSECUTIVE, pupil_id, len(run), run[0], run[-1], still)]


def _long_term(pupil_id: str, days: Sequence[PupilDay], rules: AlertRules) -> list[Alert]:
    counted = SUSPENDED | {Counting.ABSENT} if rules.long_term_counts_suspended else {Counting.ABSENT}
    found = [day.on for day in days if day.counting in counted]
    if not found or len(found) < rules.long_term_days:
        return []
    return [Alert(AlertKind.LONG_TERM, pupil_id, len(found), found[0], found[-1])]
