"""Staff meetings 職員会議 over the sealed store: meetings, their agenda items, the principal's decisions.

Invariant: an item and the decision on it are records of their own, so a decision recorded during an outage never
overwrites the agenda. The meeting is the principal's (施行規則48条): decisions are 校長の決定.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from appliance.errors import ApplianceError
from crypto.importance import Importance
from sync.sealed import Draft, Plain, Put, SealedStore

_encode: Final = msgspec.msgpack.encode


class UnknownMeetingError(ApplianceError):
    """There is no such meeting or agenda item."""

    code = "APP-221"


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting. `starts` is an aware time."""

    kind: ClassVar[str] = "meeting"
    importance: ClassVar[Importance] = Importance.III
    id: str
    title: str
    starts: datetime
    place: str
    chair: str
    recorder: str


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item. `section` is 報告, 協議 or 連絡; `department` the 分掌; `minutes` the time asked for."""

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


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided on an item; empty text takes it back."""

    kind: ClassVar[str] = "meeting.decision"
    importance: ClassVar[Importance] = Importance.III
    item_id: str
    text: str


class MeetingBook:
    """Reads and keeps over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store

    def meetings(self) -> list[Meeting]:
        """Return all meetings, newest first."""
        found = [msgspec.msgpack.decode(p.payload, type=Meeting) for p in self._store.heads(Meeting.kind)]
        return sorted(found, key=lambda m: (m.starts, m.id), reverse=True)

    def items(self) -> dict[str, list[AgendaItem]]:
        """Return meeting id → agenda items in order."""
        found: dict[str, list[AgendaItem]] = {}
        for plain in self._store.heads(AgendaItem.kind):
            item = msgspec.msgpack.decode(plain.payload, type=AgendaItem)
            found.setdefault(item.meeting_id, []).append(item)
        return {meeting: sorted(items, key=lambda i: (i.number, i.id)) for meeting, items in found.items()}

    def decisions(self) -> dict[str, tuple[DecisionRecord, Plain]]:
        """Return item id → decision with who recorded it when."""
        found = {}
        for plain in self._store.heads(DecisionRecord.kind):
            decision = msgspec.msgpack.decode(plain.payload, type=DecisionRecord)
            if decision.text:
                found[decision.item_id] = (decision, plain)
        return found

    def add(self, meeting: Meeting, items: Sequence[AgendaItem]) -> Put:
        """Keep a meeting with its agenda."""
        drafts = [self._draft(Meeting.kind, meeting.id, _encode(meeting))]
        drafts += [self._draft(AgendaItem.kind, item.id, _encode(item)) for item in items]
        return self._store.put(drafts)

    def decide(self, meeting_id: str, item_id: str, text: str) -> Put:
        """Record a decision; raises UnknownMeetingError."""
        if item_id not in {item.id for item in self.items().get(meeting_id, ())}:
            raise UnknownMeetingError(operation="record decision", subject=meeting_id)
        decision = DecisionRecord(item_id=item_id, text=text.strip())
        return self._store.put([self._draft(DecisionRecord.kind, item_id, _encode(decision))])

    def _draft(self, kind: str, thing: str, payload: bytes) -> Draft:
        record = self._store.record_id(kind, Importance.III, thing)
        base = self._store.base_of(kind, [record]).get(record, ())
        return Draft(kind, record, Importance.III, payload, base)
