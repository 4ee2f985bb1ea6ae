"""Staff meetings over the sealed store: what stands, and keeping more.

Invariant: what a person may not open is left out and told of, never an error; a confirmation counts only from a
principal, a mark of reading and a note only from whose they are. Who may look was asked before.
"""

import os
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from appliance.errors import ApplianceError
from appliance.meetings.records import (
    AgendaItem,
    Answer,
    Confirmation,
    DecisionRecord,
    Meeting,
    MeetingRecord,
    MinutesPart,
    Note,
    Page,
    Question,
    ReadMark,
    Task,
)
from crypto.importance import Importance
from sync import reading
from sync.reader import Row
from sync.sealed import Draft, Put, SealedStore

_PRINCIPAL: Final = "principal"
_SESSION_BYTES: Final = 8
_R = TypeVar("_R", bound=MeetingRecord)


class UnknownMeetingError(ApplianceError):
    """There is no such meeting or agenda item."""

    code = "APP-221"


class MeetingBook:
    """Reads and keeps over one session. `may` says whether the policy lets this person see an importance."""

    def __init__(self, store: SealedStore, may: Callable[[Importance], bool]) -> None:
        self._store = store
        self._may = may
        self._session = os.urandom(_SESSION_BYTES).hex()
        self._opened: dict[str, dict[bytes, MeetingRecord | None]] = {}  # by kind: only what still stands

    def meetings(self) -> list[Meeting]:
        """Return all meetings, newest first."""
        found = [meeting for meeting, _ in self._standing(Meeting)]
        return sorted(found, key=lambda m: (m.starts, m.id), reverse=True)

    def meeting(self, meeting_id: str) -> Meeting:
        """Return a meeting; raises UnknownMeetingError."""
        found = self._one(Meeting, meeting_id)
        if found is None:
            raise UnknownMeetingError(operation="open meeting", subject=meeting_id)
        return found

    def items(self) -> dict[str, list[AgendaItem]]:
        """Return meeting id → the agenda items that this person may open, in order, proposed ones last."""
        found: dict[str, list[AgendaItem]] = {}
        for item, _ in self._standing(AgendaItem):
            found.setdefault(item.meeting_id, []).append(item)
        for items in found.values():
            items.sort(key=lambda item: (item.proposed, item.number, item.id))
        return found

    def item(self, item_id: str, meeting_id: str = "") -> AgendaItem:
        """Return an item, of this meeting if one is named; raises UnknownMeetingError."""
        found = self._one(AgendaItem, item_id)
        if found is None or meeting_id not in ("", found.meeting_id):
            raise UnknownMeetingError(operation="open agenda item", subject=item_id)
        return found

    def importance_of(self, item_id: str) -> Importance:
        """Return in which importance an item is sealed, and so everything that hangs on it; opens nothing."""
        rows = self._store.reader.heads(AgendaItem.kind, [self._name(AgendaItem.kind, item_id)])
        return Importance(min((row.importance for row in rows), default=AgendaItem.importance))

    def hidden(self) -> bool:
        """Say whether there are agenda items that this person may not open: of which meeting nobody can tell."""
        graded = {Importance(row.importance) for row, _ in self._store.head_rows(AgendaItem.kind)}
        return not all(map(self._opens, graded))

    def decisions(self) -> dict[str, tuple[DecisionRecord, Row]]:
        """Return item id → decision with the change that recorded it."""
        return {
            decision.item_id: (decision, row) for decision, row in self._standing(DecisionRecord) if decision.text
        }

    def tasks(self) -> dict[str, Task]:
        """Return item id → task."""
        return {task.item_id: task for task, _ in self._standing(Task) if task.text}

    def questions(self) -> dict[str, list[tuple[Question, Row]]]:
        """Return item id → questions and addenda, oldest first."""
        found: dict[str, list[tuple[Question, Row]]] = {}
        for question, row in sorted(self._standing(Question), key=lambda told: told[1].change_id):
            found.setdefault(question.item_id, []).append((question, row))
        return found

    def answers(self) -> dict[str, tuple[Answer, Row]]:
        """Return question id → answer."""
        return {answer.question_id: (answer, row) for answer, row in self._standing(Answer) if answer.text}

    def readers(self) -> dict[str, set[str]]:
        """Return item id → who has read it (hex)."""
        found: dict[str, set[str]] = {}
        for mark, row in self._standing(ReadMark):
            if row.author.hex() == mark.person:
                found.setdefault(mark.item_id, set()).add(mark.person)
        return found

    def minutes(self) -> dict[str, list[bytes]]:
        """Return item id → the states of its 質疑要旨."""
        found: dict[str, list[bytes]] = {}
        for part, _ in self._standing(MinutesPart):
            found.setdefault(part.item_id, []).append(part.state)
        return found

    def notes(self) -> dict[str, list[bytes]]:
        """Return item id → the sealed states of this person's own note."""
        found: dict[str, list[bytes]] = {}
        for note, row in self._standing(Note):
            if row.author == self._store.person:
                found.setdefault(note.item_id, []).append(note.body)
        return found

    def page(self, meeting_id: str) -> tuple[Page, Row] | None:
        """Return what is shown to all in a meeting, None while nobody shows anything."""
        told = [(page, row) for page, row in self._standing(Page) if page.meeting_id == meeting_id]
        newest = max(told, key=lambda one: one[1].change_id, default=None)
        return newest if newest and newest[0].item_id else None

    def confirmations(self) -> dict[str, tuple[Confirmation, Row]]:
        """Return meeting id → its newest 校長確認."""
        people = self._store.keyring.people
        told = sorted(self._standing(Confirmation), key=lambda one: one[1].change_id)
        return {
            one[0].meeting_id: one
            for one in told
            if (person := people.person(one[1].author)) and _PRINCIPAL in person.roles
        }

    def keep(self, *things: tuple[MeetingRecord, Importance]) -> Put:
        """Keep records, each in its importance, as one batch."""
        return self._store.put([self._draft(thing, importance) for thing, importance in things])

    def _draft(self, thing: MeetingRecord, importance: Importance) -> Draft:
        record = self._name(thing.kind, *self._natural(thing))
        base = self._store.base_of(thing.kind, [record]).get(record, ())
        return Draft(thing.kind, record, importance, msgspec.msgpack.encode(thing), base)

    def _natural(self, thing: MeetingRecord) -> tuple[str, ...]:
        """Return what a record is named after: what every session adds of its own can never be in conflict."""
        match thing:
            case Meeting(id=own) | AgendaItem(id=own) | Question(id=own):
                return (own,)
            case DecisionRecord(item_id=item) | Task(item_id=item):
                return (item,)
            case Answer(question_id=question):
                return (question,)
            case ReadMark(item_id=item) | Note(item_id=item) | MinutesPart(item_id=item):
                return (item, self._session)
            case Page(meeting_id=meeting) | Confirmation(meeting_id=meeting):
                return (meeting, self._session)

    def _name(self, kind: str, *natural: str) -> bytes:
        """Return a record's id: under the naming secret of importance III, which all staff have."""
        return self._store.record_id(kind, Importance.III, *natural)

    def author(self, kind: str, own: str) -> bytes | None:
        """Return who made the newest change of a record, None where there is none; opens nothing."""
        rows = self._store.head_rows(kind, [self._name(kind, own)])
        return rows[0][0].author if rows else None

    def _one(self, struct: type[_R], thing: str) -> _R | None:
        return next((found for found, _ in self._standing(struct, self._name(struct.kind, thing))), None)

    def _standing(self, struct: type[_R], *records: bytes) -> list[tuple[_R, Row]]:
        known, found, opened = self._opened.get(struct.kind, {}), [], {}
        may = {importance for importance in Importance if self._opens(importance)}
        for row, _ in self._store.head_rows(struct.kind, records or None):
            if row.importance not in may:
                continue
            thing = known[row.change_id] if row.change_id in known else self._read(row, struct)
            opened[row.change_id] = thing
            if isinstance(thing, struct):
                found.append((thing, row))
        self._opened[struct.kind] = {**known, **opened} if records else opened
        return found

    def _opens(self, importance: Importance) -> bool:
        return self._store.keyring.cleared(importance) and self._may(importance)

    def _read(self, row: Row, struct: type[_R]) -> _R | None:
        return reading.read(self._store, reading.decoder(struct), row)
