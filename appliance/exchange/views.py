"""What is shown of the exchange: plain values, opened and permitted."""

from dataclasses import dataclass
from datetime import date, datetime

from appliance.exchange.records import Answer, Receipt
from crypto.importance import Importance


@dataclass(frozen=True, slots=True)
class ArrivalView:
    """A file that waits. `form` is "zip", "text" or "other"; `name` is empty for whoever may not see it."""

    document_id: str
    name: str
    at: datetime
    sha256: str
    size: int
    form: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What became of a file; `by` settled it `at`.

    `document_id` is empty for one that did not come by 取込, `name` also for whoever may not see it.
    """

    receipt_id: str
    document_id: str
    name: str
    by: str
    at: datetime
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SentView:
    """What went out; `answer` is what the school system said of it, None while it said nothing."""

    what: str
    first: date
    last: date
    by: str
    at: datetime
    name: str
    sha256: str
    size: int
    rows: int
    importance: Importance
    answer: Answer | None
