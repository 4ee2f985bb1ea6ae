"""What is kept of a staff meeting 職員会議.

Invariant: everything that two people may write at once is a record of its own, so that nothing said during an
outage overwrites anything; what hangs on an item is sealed in the item's own importance. The meeting is the
principal's (施行規則48条): decisions are 校長の決定.
"""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from crypto.importance import Importance


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting. `starts` and `proposals_until` are aware times; `absent` are names."""

    kind: ClassVar[str] = "meeting"
    importance: ClassVar[Importance] = Importance.III
    id: str
    title: str
    starts: datetime
    place: str
    chair: str
    recorder: str
    proposals_until: datetime | None = None
    absent: tuple[str, ...] = ()


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item. `section` is 報告, 協議 or 連絡; `department` the 分掌; `minutes` the time asked for.

    `documents` are ids of sealed documents; an item that is only `proposed` waits for who makes the agenda.
    """

    kind: ClassVar[str] = "meeting.item"
    importance: ClassVar[Importance] = Importance.III
    id: str
    meeting_id: str
    number: int
    section: str
    department: str
    title: str
    proposer: str
    minutes: int
    body: str
    documents: tuple[str, ...] = ()
    proposed: bool = False


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided on an item; empty text takes it back."""

    kind: ClassVar[str] = "meeting.decision"
    importance: ClassVar[Importance] = Importance.III
    item_id: str
    text: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Who does by when what was decided on an item; `owner` is a name or a 分掌, empty text takes it back."""

    kind: ClassVar[str] = "meeting.task"
    importance: ClassVar[Importance] = Importance.III
    item_id: str
    text: str
    owner: str
    due: date | None = None
    done: bool = False


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question 事前質問 on an item, or what was said after 校長確認 (`addendum`)."""

    kind: ClassVar[str] = "meeting.question"
    importance: ClassVar[Importance] = Importance.III
    id: str
    item_id: str
    text: str
    addendum: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a question."""

    kind: ClassVar[str] = "meeting.answer"
    importance: ClassVar[Importance] = Importance.III
    question_id: str
    text: str


class ReadMark(msgspec.Struct, frozen=True, kw_only=True):
    """既読: this person (hex) has read this item."""

    kind: ClassVar[str] = "meeting.read"
    importance: ClassVar[Importance] = Importance.III
    item_id: str
    person: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A person's own note on an item; `body` is sealed to that person alone."""

    kind: ClassVar[str] = "meeting.note"
    importance: ClassVar[Importance] = Importance.III
    item_id: str
    person: str
    body: bytes


class MinutesPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one session knows of an item's 質疑要旨: a whole CRDT state; all parts together are the text."""

    kind: ClassVar[str] = "meeting.minutes"
    importance: ClassVar[Importance] = Importance.III
    item_id: str
    state: bytes


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What the chair shows: an item, `above` thousandths of its text further up; empty `item_id` ends it.

    `since_ms` is when the item began.
    """

    kind: ClassVar[str] = "meeting.page"
    importance: ClassVar[Importance] = Importance.III
    meeting_id: str
    item_id: str
    above: int
    since_ms: int


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """校長確認: the principal has seen what `digest` stands for; from then on there are only addenda."""

    kind: ClassVar[str] = "meeting.confirmed"
    importance: ClassVar[Importance] = Importance.III
    meeting_id: str
    digest: bytes


MeetingRecord = (
    Meeting
    | AgendaItem
    | DecisionRecord
    | Task
    | Question
    | Answer
    | ReadMark
    | Note
    | MinutesPart
    | Page
    | Confirmation
)
