"""Permits and what left, as the screens are given them.

Invariant: plain values; a title is there only for who may see the document, and only in a list that was asked for.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from appliance.classification.model import Action
from crypto.importance import Importance


class PermitState(StrEnum):
    """How a request stands."""

    WAITING = "許可待ち"
    GRANTED = "許可"
    REFUSED = "不許可"
    OVER = "期限切れ"


@dataclass(frozen=True, slots=True)
class PermitView:
    """A request with its answer; times in Japan. `title` of its subject is empty for who may not see it."""

    request_id: str
    who: str
    mine: bool
    at: datetime
    action: Action
    asset: str
    importance: Importance
    group: str
    subject: str
    what: str
    purpose: str
    destination: str
    due: date
    state: PermitState
    number: str
    until: date | None
    reason: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class TakeOutView:
    """Something that left; `back` is empty while it is out, `title` as above."""

    takeout_id: str
    who: str
    at: datetime
    number: str
    subject: str
    what: str
    importance: Importance
    form: str
    due: date | None
    back: str
    overdue: bool
    title: str = ""
