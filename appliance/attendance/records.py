"""What is sealed about attendance.

Invariant: a mark is importance III and its reason a row of its own with importance II; both are named after
(pupil, date), so two sites that enter the same thing meet as a conflict and never as two entries.
"""

from datetime import date, time
from typing import ClassVar

import msgspec

from crypto.importance import Importance


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One pupil on one day. `code` empty means that the entry was taken back.

    `why` says why a day was corrected that had been confirmed: what 訂正印 stands for on paper.
    """

    kind: ClassVar[str] = "attendance.mark"
    importance: ClassVar[Importance] = Importance.III
    pupil: str
    on: date
    code: str
    at_time: time | None = None
    has_reason: bool = False
    why: str = ""


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why; free text. Importance II: it may speak of health or family."""

    kind: ClassVar[str] = "attendance.reason"
    importance: ClassVar[Importance] = Importance.II
    pupil: str
    on: date
    text: str


class ClassDay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A class on a day: `rest_present` puts everyone without a mark as present, `confirmed` closes the entry."""

    kind: ClassVar[str] = "attendance.confirmed"
    importance: ClassVar[Importance] = Importance.III
    class_id: str
    on: date
    rest_present: bool = False
    confirmed: bool = False


class MonthClosed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """締め: a class's month stands; `month` is its first day."""

    kind: ClassVar[str] = "attendance.closed"
    importance: ClassVar[Importance] = Importance.III
    class_id: str
    month: date


class MonthReopened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The principal opened a closed month again; a kind of its own, so that the rules can say who may."""

    kind: ClassVar[str] = "attendance.reopened"
    importance: ClassVar[Importance] = Importance.III
    class_id: str
    month: date
    reason: str


def natural(pupil_or_class: str, on: date) -> tuple[str, str]:
    """Return the natural key of any of these."""
    return pupil_or_class, on.isoformat()
