"""What the desks of meetings ask before anything else: the policy, and whether the meeting is closed.

Invariant: an item is viewed and changed in its own importance; after 校長確認 nothing of a meeting changes.
"""

from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.meetings.book import MeetingBook
from appliance.meetings.records import AgendaItem
from appliance.session import Session
from crypto.importance import Importance


class MeetingConfirmedError(ApplianceError):
    """The principal has confirmed the minutes: from now on there are only addenda."""

    code = "APP-430"


class MeetingGuard:
    """Asks over one session."""

    def __init__(self, session: Session, book: MeetingBook) -> None:
        self._session = session
        self._book = book

    def view(self, *meeting_ids: str) -> None:
        """Ask before items are shown: once for all staff's, and for each meeting that has graver ones."""
        self._session.ask(Action.VIEW, AgendaItem.kind, AgendaItem.importance)
        items = self._book.items()
        for meeting_id in meeting_ids:
            graded = {self._book.importance_of(item.id) for item in items.get(meeting_id, ())}
            for importance in graded - {AgendaItem.importance}:
                self._session.ask(Action.VIEW, AgendaItem.kind, importance, subject=meeting_id)

    def edit_item(self, meeting_id: str, item_id: str, kind: str) -> tuple[AgendaItem, Importance]:
        """Ask to change something of an item of a meeting that is still open; return the item.

        Raises MeetingConfirmedError, UnknownMeetingError.
        """
        importance = self.item(Action.EDIT, kind, item_id)
        self.still_open(meeting_id)
        return self._book.item(item_id, meeting_id), importance

    def item(self, action: Action, kind: str, item_id: str) -> Importance:
        """Ask to do something with what hangs on an item; return the item's importance.

        The question of all staff's comes first, so that nothing is looked up for who may not even that.
        """
        self._session.ask(action, kind, AgendaItem.importance, subject=item_id)
        importance = self._book.importance_of(item_id)
        if importance is not AgendaItem.importance:
            self._session.ask(action, kind, importance, subject=item_id)
        return importance

    def still_open(self, meeting_id: str) -> None:
        """Raise MeetingConfirmedError once the principal has confirmed the meeting."""
        if meeting_id in self._book.confirmations():
            raise MeetingConfirmedError(operation="change meeting", subject=meeting_id)
