"""What the screens show of staff meetings: plain values, opened.

Invariant: holds no key, no store and no sealed byte; times are of Japan.
"""

from dataclasses import dataclass
from datetime import date, datetime

from crypto.importance import Importance


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A staff meeting in the list. `decided` counts items; `confirmed` is the time of 校長確認."""

    meeting_id: str
    title: str
    starts: datetime
    place: str
    items: int
    decided: int
    unread: int = 0
    confirmed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A question or an addendum, and its answer."""

    question_id: str
    text: str
    who: str
    at: datetime
    addendum: bool
    answer: str = ""
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class TaskView:
    """Who does what by when, from which meeting."""

    meeting_id: str
    item_id: str
    meeting: str
    item: str
    text: str
    owner: str
    due: date | None
    done: bool


@dataclass(frozen=True, slots=True)
class AgendaItemView:
    """One item of an agenda with all that hangs on it. `readers` and `unread` are names."""

    item_id: str
    number: int
    section: str  # 報告 / 協議 / 連絡
    department: str  # 分掌
    title: str
    proposer: str
    minutes: int
    body: str
    decision: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    importance: Importance = Importance.III
    proposed: bool = False
    documents: tuple[str, ...] = ()
    said: tuple[Said, ...] = ()
    record: str = ""  # 質疑要旨
    task: TaskView | None = None
    note: str = ""  # this person's own
    read: bool = False
    readers: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """校長確認. `changed` says that something came in afterwards, None where this person may not see all of it."""

    who: str
    at: datetime
    changed: bool | None


@dataclass(frozen=True, slots=True)
class MeetingDetail:
    """A meeting with its agenda in order. `hidden`: there are items that this person may not open."""

    meeting: MeetingView
    chair: str
    recorder: str
    items: tuple[AgendaItemView, ...]
    confirmed: Confirmed | None = None
    hidden: bool = False
    proposals_until: datetime | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageView:
    """What is shown to all: an item, how much of it lies above (thousandths), by whom, since when."""

    item_id: str
    above: int
    who: str
    own: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a searched text stands."""

    meeting_id: str
    item_id: str
    meeting: str
    starts: datetime
    where: str
    excerpt: str
