"""The minutes desk: what is said, decided and done, one's own notes, and 校長確認.

Invariant: every method asks the policy before it opens or keeps anything; a note can be opened by nobody but who
wrote it; after 校長確認 there are only addenda and the ticking off of tasks.
"""

import os
from datetime import date
from typing import Final

import msgspec

from appliance.classification.model import Action
from appliance.meetings.book import MeetingBook, UnknownMeetingError
from appliance.meetings.guard import MeetingGuard
from appliance.meetings.reading import NOTE, MeetingReader
from appliance.meetings.records import Confirmation, DecisionRecord, MinutesPart, Note, Question, Task
from appliance.meetings.sharedtext import SharedText
from appliance.session import Session
from appliance.views import Saved

_ID_BYTES: Final = 8


class MinutesDesk:
    """Minutes over one session."""

    def __init__(self, session: Session, book: MeetingBook) -> None:
        self._session = session
        self._book = book
        self._guard = MeetingGuard(session, book)
        self._reader = MeetingReader(session, book)

    def decide(self, meeting_id: str, item_id: str, text: str) -> Saved:
        """Record what the principal decided on an item; empty text takes it back."""
        _, importance = self._guard.edit_item(meeting_id, item_id, DecisionRecord.kind)
        decision = DecisionRecord(item_id=item_id, text=text.strip())
        return self._session.saved(self._book.keep((decision, importance)))

    def assign(self, meeting_id: str, item_id: str, text: str, owner: str, due: date | None) -> Saved:
        """Record who does what by when; empty text takes it back."""
        _, importance = self._guard.edit_item(meeting_id, item_id, Task.kind)
        task = Task(item_id=item_id, text=text.strip(), owner=owner.strip(), due=due)
        return self._session.saved(self._book.keep((task, importance)))

    def tick(self, item_id: str) -> Saved:
        """Say that an item's task is done, or that it is not; raises UnknownMeetingError."""
        importance = self._guard.item(Action.EDIT, Task.kind, item_id)
        task = self._book.tasks().get(item_id)
        if task is None:
            raise UnknownMeetingError(operation="tick task", subject=item_id)
        return self._session.saved(
            self._book.keep((msgspec.structs.replace(task, done=not task.done), importance))
        )

    def text(self, item_id: str) -> SharedText:
        """Return an item's 質疑要旨 to be written in, with what everybody has written so far."""
        self._guard.item(Action.VIEW, MinutesPart.kind, item_id)
        return SharedText(self._book.minutes().get(item_id, ()))

    def write(self, meeting_id: str, item_id: str, text: SharedText) -> Saved:
        """Keep a copy of the 質疑要旨; what others wrote meanwhile is merged into it."""
        _, importance = self._guard.edit_item(meeting_id, item_id, MinutesPart.kind)
        for state in self._book.minutes().get(item_id, ()):
            text.merge(state)
        part = MinutesPart(item_id=item_id, state=text.state())
        return self._session.saved(self._book.keep((part, importance)))

    def write_note(self, item_id: str, text: str) -> Saved:
        """Keep one's own note on an item, sealed to oneself."""
        importance = self._guard.item(Action.EDIT, Note.kind, item_id)
        note = self._reader.note(self._book.notes().get(item_id, ()))
        note.edit(text)
        body = self._session.store.seal_to_self(note.state(), NOTE)
        thing = Note(item_id=item_id, person=self._session.person.id.hex(), body=body)
        return self._session.saved(self._book.keep((thing, importance)))

    def confirm(self, meeting_id: str) -> Saved:
        """校長確認: the minutes stand as they are now."""
        self._session.ask(Action.EDIT, Confirmation.kind, Confirmation.importance, subject=meeting_id)
        self._book.meeting(meeting_id)
        confirmation = Confirmation(meeting_id=meeting_id, digest=self._reader.digest(meeting_id))
        return self._session.saved(self._book.keep((confirmation, Confirmation.importance)))

    def add_later(self, item_id: str, text: str) -> Saved:
        """Add something 追記 to an item of a confirmed meeting."""
        importance = self._guard.item(Action.EDIT, Question.kind, item_id)
        self._book.item(item_id)
        own = os.urandom(_ID_BYTES).hex()
        thing = Question(id=own, item_id=item_id, text=text.strip(), addendum=True)
        return self._session.saved(self._book.keep((thing, importance)))
