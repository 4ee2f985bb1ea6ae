"""The floor: questions before the meeting, who has read what, and the page that the chair shows to all.

Invariant: every method asks the policy before it opens or keeps anything. A page is a record like any other,
sealed and signed, so that whoever follows can see who leads, on this box and on another site.
"""

import os
from typing import Final

from appliance.classification.model import Action
from appliance.meetings.book import MeetingBook
from appliance.meetings.guard import MeetingGuard
from appliance.meetings.records import Answer, Page, Question, ReadMark
from appliance.meetings.views import PageView
from appliance.session import Session, local_time
from appliance.views import Saved

_ID_BYTES: Final = 8


class FloorDesk:
    """Questions, reading and following over one session."""

    def __init__(self, session: Session, book: MeetingBook) -> None:
        self._session = session
        self._book = book
        self._guard = MeetingGuard(session, book)

    def ask(self, meeting_id: str, item_id: str, text: str) -> Saved:
        """Ask a question on an item."""
        _, importance = self._guard.edit_item(meeting_id, item_id, Question.kind)
        question = Question(id=os.urandom(_ID_BYTES).hex(), item_id=item_id, text=text.strip())
        return self._session.saved(self._book.keep((question, importance)))

    def answer(self, meeting_id: str, item_id: str, question_id: str, text: str) -> Saved:
        """Answer a question on an item; empty text takes the answer back."""
        _, importance = self._guard.edit_item(meeting_id, item_id, Answer.kind)
        return self._session.saved(
            self._book.keep((Answer(question_id=question_id, text=text.strip()), importance))
        )

    def mark_read(self, item_id: str) -> Saved | None:
        """Say that this person has read an item; None when that was said before."""
        importance = self._guard.item(Action.VIEW, ReadMark.kind, item_id)
        me = self._session.person.id.hex()
        if me in self._book.readers().get(item_id, ()):
            return None
        self._book.item(item_id)
        return self._session.saved(self._book.keep((ReadMark(item_id=item_id, person=me), importance)))

    def lead(self, meeting_id: str, item_id: str, above: int = 0) -> Saved:
        """Show an item to everybody who follows, `above` thousandths of it scrolled away; "" ends it."""
        self._session.ask(Action.EDIT, Page.kind, Page.importance, subject=meeting_id)
        before = self._book.page(meeting_id)
        same = before is not None and before[0].item_id == item_id
        since = before[0].since_ms if before is not None and same else self._session.now_ms()
        page = Page(meeting_id=meeting_id, item_id=item_id, above=above, since_ms=since)
        return self._session.saved(self._book.keep((page, Page.importance)))

    def page(self, meeting_id: str) -> PageView | None:
        """Return what is shown to all, None while nobody leads."""
        self._session.ask(Action.VIEW, Page.kind, Page.importance, subject=meeting_id)
        found = self._book.page(meeting_id)
        if found is None:
            return None
        page, row = found
        name, own = self._session.roster.display_name(row.author), row.author == self._session.person.id
        return PageView(page.item_id, page.above, name, own, local_time(page.since_ms))
