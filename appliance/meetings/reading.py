"""Putting a meeting together from its records, for whoever may see them.

Invariant: reads only; whoever calls has asked the policy. What `digest` stands for is what a principal confirms:
the agenda, what was asked and answered, the 質疑要旨 and the decisions, not who read it or what is done by now.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from appliance.meetings.book import MeetingBook
from appliance.meetings.records import AgendaItem, Answer, DecisionRecord, Meeting, Question, Task
from appliance.meetings.sharedtext import SharedText
from appliance.meetings.views import AgendaItemView, Confirmed, MeetingDetail, MeetingView, Said, TaskView
from appliance.session import JST, Session, local_time
from crypto.importance import Importance
from crypto.people import Person
from sync.reader import Row

NOTE: Final = b"kurabako/meeting-note/v1"
_STAFF: Final = frozenset(("principal", "vice_principal", "clerk", "nurse", "teacher", "assistant"))


@dataclass(frozen=True, slots=True)
class _Records:
    """What hangs on the items, by item."""

    decisions: Mapping[str, tuple[DecisionRecord, Row]]
    tasks: Mapping[str, Task]
    questions: Mapping[str, list[tuple[Question, Row]]]
    answers: Mapping[str, tuple[Answer, Row]]
    readers: Mapping[str, set[str]]
    minutes: Mapping[str, list[bytes]]
    notes: Mapping[str, list[bytes]]


class MeetingReader:
    """Makes views over one session."""

    def __init__(self, session: Session, book: MeetingBook) -> None:
        self._session = session
        self._book = book

    def lines(self) -> tuple[MeetingView, ...]:
        """Return all meetings, newest first."""
        items, decisions, readers = self._book.items(), self._book.decisions(), self._book.readers()
        me, confirmed = self._session.person.id.hex(), self._book.confirmations()
        found = []
        for meeting in self._book.meetings():
            agenda = [item for item in items.get(meeting.id, []) if not item.proposed]
            decided = sum(item.id in decisions for item in agenda)
            unread = sum(me not in readers.get(item.id, ()) for item in agenda)
            at = local_time(confirmed[meeting.id][1].at_ms) if meeting.id in confirmed else None
            found.append(_line(meeting, len(agenda), decided, unread, at))
        return tuple(found)

    def detail(self, meeting_id: str) -> MeetingDetail:
        """Return a meeting with all that this person may see of it; raises UnknownMeetingError."""
        agenda = self._book.items().get(meeting_id, [])
        return self._detail(self._book.meeting(meeting_id), agenda, self._records())

    def details(self) -> tuple[MeetingDetail, ...]:
        """Return all meetings, newest first."""
        items, kept = self._book.items(), self._records()
        return tuple(self._detail(m, items.get(m.id, []), kept) for m in self._book.meetings())

    def _detail(self, meeting: Meeting, all_items: list[AgendaItem], kept: _Records) -> MeetingDetail:
        items = tuple(self._item(meeting, item, kept) for item in all_items)
        agenda = [item for item in items if not item.proposed]
        confirmed = self._confirmed(meeting.id)
        line = _line(
            meeting,
            len(agenda),
            sum(bool(item.decision) for item in agenda),
            sum(not item.read for item in agenda),
            confirmed.at if confirmed else None,
        )
        until = meeting.proposals_until.astimezone(JST) if meeting.proposals_until else None
        return MeetingDetail(
            line, meeting.chair, meeting.recorder, items, confirmed, self._book.hidden(), until, meeting.absent
        )

    def note(self, sealed: Iterable[bytes]) -> SharedText:
        """Return a note from its sealed states, which only its author can open."""
        return SharedText(self._session.store.open_own(body, NOTE) for body in sealed)

    def tasks(self) -> tuple[TaskView, ...]:
        """Return every task, the open ones first, by their day."""
        meetings = {meeting.id: meeting for meeting in self._book.meetings()}
        tasks = self._book.tasks()
        found = [
            _task(meetings[item.meeting_id], item, tasks[item.id])
            for items in self._book.items().values()
            for item in items
            if item.id in tasks and item.meeting_id in meetings
        ]
        return tuple(sorted(found, key=lambda t: (t.done, t.due is None, t.due, t.meeting, t.item)))

    def digest(self, meeting_id: str) -> bytes:
        """Return what a confirmation of the meeting stands for (SHA-256)."""
        kept = self._records()
        said = []
        for item in self._book.items().get(meeting_id, []):
            asked = [
                (q.text, kept.answers[q.id][0].text if q.id in kept.answers else "") for q in _asked(item, kept)
            ]
            decision = kept.decisions[item.id][0].text if item.id in kept.decisions else ""
            said.append((item, asked, str(SharedText(kept.minutes.get(item.id, ()))), decision))
        return hashlib.sha256(msgspec.msgpack.encode((self._book.meeting(meeting_id), said))).digest()

    def _records(self) -> _Records:
        book = self._book
        return _Records(
            book.decisions(),
            book.tasks(),
            book.questions(),
            book.answers(),
            book.readers(),
            book.minutes(),
            book.notes(),
        )

    def _item(self, meeting: Meeting, item: AgendaItem, kept: _Records) -> AgendaItemView:
        importance = self._book.importance_of(item.id)
        decision, decided = kept.decisions.get(item.id, (None, None))
        read = kept.readers.get(item.id, set())
        staff = self._staff(importance)
        names = {person.id.hex(): self._session.roster.display_name(person.id) for person in staff}
        return AgendaItemView(
            item.id,
            item.number,
            item.section,
            item.department,
            item.title,
            item.proposer,
            item.minutes,
            item.body,
            decision.text if decision else "",
            self._session.roster.display_name(decided.author) if decided else "",
            local_time(decided.at_ms) if decided else None,
            importance,
            item.proposed,
            item.documents,
            tuple(self._said(question, row, kept) for question, row in kept.questions.get(item.id, [])),
            str(SharedText(kept.minutes.get(item.id, ()))),
            _task(meeting, item, kept.tasks[item.id]) if item.id in kept.tasks else None,
            str(self.note(kept.notes.get(item.id, ()))),
            self._session.person.id.hex() in read,
            tuple(name for person, name in names.items() if person in read),
            tuple(name for person, name in names.items() if person not in read),
        )

    def _said(self, question: Question, row: Row, kept: _Records) -> Said:
        name = self._session.roster.display_name
        answer, answered = kept.answers.get(question.id, (None, None))
        return Said(
            question.id,
            question.text,
            name(row.author),
            local_time(row.at_ms),
            question.addendum,
            answer.text if answer else "",
            name(answered.author) if answered else "",
        )

    def _confirmed(self, meeting_id: str) -> Confirmed | None:
        found = self._book.confirmations().get(meeting_id)
        if found is None:
            return None
        confirmation, row = found
        whole = not self._book.hidden()
        changed = self.digest(meeting_id) != confirmation.digest if whole else None
        return Confirmed(self._session.roster.display_name(row.author), local_time(row.at_ms), changed)

    def _staff(self, importance: Importance) -> list[Person]:
        """Return who is to read an item of this importance."""
        now = self._session.now_ms()
        people = self._session.store.keyring.people.people
        return [
            person
            for person in people
            if person.valid(now) and _STAFF & set(person.roles) and int(importance) in person.importances
        ]


def _line(meeting: Meeting, items: int, decided: int, unread: int, confirmed: datetime | None) -> MeetingView:
    starts = meeting.starts.astimezone(JST)
    return MeetingView(meeting.id, meeting.title, starts, meeting.place, items, decided, unread, confirmed)


def _asked(item: AgendaItem, kept: _Records) -> list[Question]:
    return [question for question, _ in kept.questions.get(item.id, []) if not question.addendum]


def _task(meeting: Meeting, item: AgendaItem, task: Task) -> TaskView:
    return TaskView(meeting.id, item.id, meeting.title, item.title, task.text, task.owner, task.due, task.done)
