"""The earliest day on which a pupil may come back after an illness with 出席停止.

Invariant: the day of onset and the day on which the fever went (or the symptoms eased) are each day 0; the pupil
stays at home through both counts. Source: 学校保健安全法施行規則19条; it is a doctor's or the principal's decision
that counts, this only says what the rule gives.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from appliance.errors import ApplianceError


class RecoveryBeforeOnsetError(ApplianceError):
    """The fever is said to have gone before the illness began."""

    code = "APP-207"


@dataclass(frozen=True, slots=True)
class ReturnRule:
    """Whole days at home after the day of onset, and after the day of recovery."""

    name: str
    after_onset: int
    after_recovery: int


INFLUENZA: Final = ReturnRule("インフルエンザ", after_onset=5, after_recovery=2)
INFLUENZA_INFANT: Final = ReturnRule("インフルエンザ（幼児）", after_onset=5, after_recovery=3)
COVID: Final = ReturnRule("新型コロナウイルス感染症", after_onset=5, after_recovery=1)


def earliest_return(onset: date, recovered: date | None, rule: ReturnRule = INFLUENZA) -> date:
    """Return the first day on which the pupil may come, school day or not.

    With `recovered` None the fever is still there: the answer is then only the earliest that the onset allows.
    """
    last_at_home = onset + timedelta(days=rule.after_onset)
    if recovered is not None:
        if recovered < onset:
            raise RecoveryBeforeOnsetError(operation="work out day of return")
        last_at_home = max(last_at_home, recovered + timedelta(days=rule.after_recovery))
    return last_at_home + timedelta(days=1)
