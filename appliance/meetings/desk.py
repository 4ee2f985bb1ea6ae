"""The meeting desk: what the screens of staff meetings ask for, and the making of the agenda.

Invariant: every method asks the policy before it opens or keeps anything and returns plain views; once the
principal has confirmed a meeting its agenda stands.
"""

import os
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.meetings.agendatext import ItemText, MeetingText, read_items, read_meeting
from appliance.meetings.book import MeetingBook
from appliance.meetings.guard import MeetingGuard
from appliance.meetings.ics import read_ics
from appliance.meetings.reading import MeetingReader
from appliance.meetings.records import AgendaItem, Meeting
from appliance.meetings.search import find
from appliance.meetings.views import Hit, MeetingDetail, MeetingView, TaskView
from appliance.meetings.writing import TEMPLATES, agenda_text, template_text
from appliance.session import Session
from appliance.views import Saved
from crypto.importance import Importance

_KEEPERS: Final = frozenset(("principal", "vice_principal"))
_ID_BYTES: Final = 8


class ProposalsClosedError(ApplianceError):
    """The day until which proposals are taken is over."""

    code = "APP-432"


class MeetingDesk:
    """Meetings and their agendas over one session."""

    def __init__(self, session: Session, book: MeetingBook) -> None:
        self._session = session
        self._book = book
        self._reader = MeetingReader(session, book)
        self._guard = MeetingGuard(session, book)

    def all(self) -> tuple[MeetingView, ...]:
        """Return staff meetings, newest first."""
        self._session.ask(Action.VIEW, Meeting.kind, Meeting.importance)
        return self._reader.lines()

    def open(self, meeting_id: str) -> MeetingDetail:
        """Return a meeting with its agenda; raises UnknownMeetingError."""
        self._guard.view(meeting_id)
        return self._reader.detail(meeting_id)

    def every(self) -> tuple[MeetingDetail, ...]:
        """Return all meetings with their agendas, newest first."""
        self._session.ask(Action.VIEW, Meeting.kind, Meeting.importance)
        self._guard.view(*(meeting.id for meeting in self._book.meetings()))
        return self._reader.details()

    def title(self, meeting_id: str) -> str:
        """Return a meeting's title; empty where there is no such meeting."""
        self._session.ask(Action.VIEW, Meeting.kind, Meeting.importance)
        return next((meeting.title for meeting in self._book.meetings() if meeting.id == meeting_id), "")

    def importance(self, meeting_id: str) -> Importance:
        """Return the gravest importance of a meeting's items that this person may see."""
        self._session.ask(Action.VIEW, Meeting.kind, Meeting.importance)
        self._book.meeting(meeting_id)
        items = self._book.items().get(meeting_id, [])
        return min((self._book.importance_of(item.id) for item in items), default=Meeting.importance)

    def add(self, meeting: Meeting, items: Sequence[AgendaItem]) -> Saved:
        """Keep a new meeting with its agenda, all of it open to all staff."""
        self._session.ask(Action.EDIT, Meeting.kind, Meeting.importance)
        things = [(item, AgendaItem.importance) for item in items]
        return self._session.saved(self._book.keep((meeting, Meeting.importance), *things))

    def give_out(self, meeting: Meeting, items: Sequence[AgendaItem]) -> Saved | None:
        """Keep a meeting as `add` does, but what somebody else changed since stays; None when nothing is new."""
        self._session.ask(Action.EDIT, Meeting.kind, Meeting.importance)
        known = {one.id: one for one in self._book.meetings()}
        standing = {item.id: item for item in self._book.items().get(meeting.id, ())}
        own = self._session.person.id
        things: list[tuple[Meeting | AgendaItem, Importance]] = []
        if known.get(meeting.id) != meeting and self._book.author(Meeting.kind, meeting.id) in (None, own):
            things.append((meeting, Meeting.importance))
        for item in items:
            if standing.get(item.id) != item and self._book.author(AgendaItem.kind, item.id) in (None, own):
                things.append((item, AgendaItem.importance))
        return self._session.saved(self._book.keep(*things)) if things else None

    def write(self, text: str) -> Saved:
        """Keep a meeting, or each of a recurring one, from its text; raises AgendaTextError."""
        return self._keep_text(read_meeting(text, self._session.today()), "")

    def take_ics(self, data: bytes) -> tuple[int, int, int]:
        """Keep the meetings of an iCalendar file: how many are new, stood already, were none.

        Raises CalendarFileError.
        """
        self._session.ask(Action.EDIT, Meeting.kind, Meeting.importance)
        found, left = read_ics(data)
        standing = {meeting.id for meeting in self._book.meetings()}
        new = {own: text for own, text in found.items() if own not in standing}
        for own, text in new.items():
            self._keep_text(text, own)
        return len(new), len(found) - len(new), left

    def template(self, name: str) -> str:
        """Return the text of a new meeting: of one of `templates`, or "" for the newest meeting's agenda again."""
        self._session.ask(Action.VIEW, Meeting.kind, Meeting.importance)
        if name:
            return template_text(name, self._session.today())
        newest = next(iter(self._book.meetings()), None)
        return agenda_text(self.open(newest.id)) if newest else template_text("staff", self._session.today())

    @staticmethod
    def templates() -> dict[str, str]:
        """Return template → what it is called. Says nothing of any school."""
        return TEMPLATES

    def propose(self, meeting_id: str, text: str) -> Saved:
        """Add items: to the agenda by who makes it, as a proposal by everybody else until the day for that.

        Raises AgendaTextError, ProposalsClosedError, MeetingConfirmedError, UnknownMeetingError.
        """
        told = read_items(text)
        for importance in {one.importance for one in told}:
            self._session.ask(Action.EDIT, AgendaItem.kind, importance, subject=meeting_id)
        meeting = self._book.meeting(meeting_id)
        keeper = self._keeps_agenda(meeting)
        self._guard.still_open(meeting_id)
        until = meeting.proposals_until
        if not keeper and until is not None and self._session.now_ms() > until.timestamp() * 1000:
            raise ProposalsClosedError(operation="propose", subject=meeting_id)
        standing = self._book.items().get(meeting_id, [])
        first = max((item.number for item in standing), default=0) + 1
        return self._session.saved(self._book.keep(*_items(meeting_id, told, first, proposed=not keeper)))

    def accept(self, meeting_id: str, item_id: str) -> Saved:
        """Take a proposal into the agenda, at its end."""
        item, importance = self._guard.edit_item(meeting_id, item_id, AgendaItem.kind)
        agenda = [one for one in self._book.items().get(meeting_id, []) if not one.proposed]
        number = max((one.number for one in agenda), default=0) + 1
        taken = msgspec.structs.replace(item, proposed=False, number=number)
        return self._session.saved(self._book.keep((taken, importance)))

    def move(self, meeting_id: str, item_id: str, *, up: bool) -> Saved | None:
        """Let an item and the one before it, or behind, change places; None at the end."""
        item, _ = self._guard.edit_item(meeting_id, item_id, AgendaItem.kind)
        agenda = [one for one in self._book.items().get(meeting_id, []) if not one.proposed]
        place = next((n for n, one in enumerate(agenda) if one.id == item.id), -1)
        other = place + (-1 if up else 1)
        if place < 0 or not 0 <= other < len(agenda):
            return None
        agenda[place], agenda[other] = agenda[other], agenda[place]
        renumbered = [
            (msgspec.structs.replace(one, number=number), self._book.importance_of(one.id))
            for number, one in enumerate(agenda, 1)
            if one.number != number
        ]
        return self._session.saved(self._book.keep(*renumbered))

    def rewrite(self, meeting_id: str, item_id: str, body: str) -> Saved:
        """Change what is written on an item."""
        item, importance = self._guard.edit_item(meeting_id, item_id, AgendaItem.kind)
        changed = msgspec.structs.replace(item, body=body.strip())
        return self._session.saved(self._book.keep((changed, importance)))

    def attach(self, meeting_id: str, item_id: str, document_id: str) -> Saved | None:
        """Put a sealed document beside an item; None when it is there already."""
        item, importance = self._guard.edit_item(meeting_id, item_id, AgendaItem.kind)
        if document_id in item.documents:
            return None
        changed = msgspec.structs.replace(item, documents=(*item.documents, document_id))
        return self._session.saved(self._book.keep((changed, importance)))

    def detach(self, meeting_id: str, item_id: str, document_id: str) -> Saved | None:
        """Take a document from an item, which leaves the document alone; None when it is not there."""
        item, importance = self._guard.edit_item(meeting_id, item_id, AgendaItem.kind)
        if document_id not in item.documents:
            return None
        left = tuple(one for one in item.documents if one != document_id)
        changed = msgspec.structs.replace(item, documents=left)
        return self._session.saved(self._book.keep((changed, importance)))

    def tasks(self) -> tuple[TaskView, ...]:
        """Return every task of every meeting, the open ones first, by their day."""
        self._session.ask(Action.VIEW, AgendaItem.kind, AgendaItem.importance)
        return self._reader.tasks()

    def search(self, text: str) -> tuple[Hit, ...]:
        """Return where a text stands in all the years' meetings, newest first."""
        return find(self.every(), text)

    def _keep_text(self, text: MeetingText, own: str) -> Saved:
        for importance in {Meeting.importance, *(item.importance for item in text.items)}:
            self._session.ask(Action.EDIT, Meeting.kind, importance)
        things: list[tuple[Meeting | AgendaItem, Importance]] = []
        for starts in text.starts:
            meeting = Meeting(
                id=own or _new_id(starts.date()),
                title=text.title,
                starts=starts,
                place=text.place,
                chair=text.chair,
                recorder=text.recorder,
                proposals_until=text.proposals_until,
                absent=text.absent,
            )
            things += [(meeting, Meeting.importance), *_items(meeting.id, text.items, 1, proposed=False)]
        return self._session.saved(self._book.keep(*things))

    def _keeps_agenda(self, meeting: Meeting) -> bool:
        """Say whether this person makes the agenda: 校長・教頭 and who is in the chair or writes the minutes."""
        name = self._session.roster.display_name(self._session.person.id)
        return bool(_KEEPERS & set(self._session.person.roles)) or name in (meeting.chair, meeting.recorder)


def _items(
    meeting_id: str, texts: Sequence[ItemText], first: int, *, proposed: bool
) -> list[tuple[AgendaItem, Importance]]:
    return [
        (
            AgendaItem(
                id=f"{meeting_id}-{os.urandom(_ID_BYTES).hex()}",
                meeting_id=meeting_id,
                number=number,
                section=text.section,
                department=text.department,
                title=text.title,
                proposer=text.proposer,
                minutes=text.minutes,
                body=text.body,
                proposed=proposed,
            ),
            text.importance,
        )
        for number, text in enumerate(texts, first)
    ]


def _new_id(on: date) -> str:
    return f"{on.isoformat()}-{os.urandom(_ID_BYTES).hex()}"
